"""C# classes of a declaration: a client, a server, and the types of their values."""
