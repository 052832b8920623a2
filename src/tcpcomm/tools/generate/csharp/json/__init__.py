"""Messages of JSON in C#: the code that writes and reads them."""
