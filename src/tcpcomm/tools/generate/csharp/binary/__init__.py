"""Messages of bytes in C#: headers, and the code that writes and reads values."""
