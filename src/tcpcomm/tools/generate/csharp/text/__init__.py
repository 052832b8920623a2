"""Messages of templates in C#: their patterns, and the code that writes and reads them."""
