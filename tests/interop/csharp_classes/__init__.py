"""C# classes of ``tcpcomm generate csharp``: compiled by Mono, they talk to our end in both roles."""
