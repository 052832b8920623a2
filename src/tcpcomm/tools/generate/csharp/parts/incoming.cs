/// <summary>The bytes that arrive on a connection, one after the other.</summary>
internal sealed class Incoming
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[16384];
    private int _at;
    private int _end;

    public Incoming(Socket socket)
    {
        _socket = socket;
    }

    /// <summary>Wait for the next byte; -1 at the end of the stream.</summary>
    public int Next()
    {
        if (_at == _end && !Receive())
            return -1;
        return _buffer[_at++];
    }

    /// <summary>Wait for the next byte of a message that has begun.</summary>
    public byte Must()
    {
        int next = Next();
        if (next < 0)
            throw new InvalidDataException("the connection ended within a message");
        return (byte)next;
    }

    /// <summary>Wait for this many bytes of a message that has begun.</summary>
    public byte[] Take(int count)
    {
        var taken = new byte[count];
        for (int i = 0; i < count; i++)
            taken[i] = Must();
        return taken;
    }
#if GAP

    /// <summary>Return true if nothing arrives for GAP_SECONDS s, which ends a message.</summary>
    public bool IsSilent()
    {
        return _at == _end && !_socket.Poll(GAP_MICROSECONDS, SelectMode.SelectRead);
    }
#endif
#if CHUNKS

    /// <summary>Wait until something arrives, and take all of it; null at the end of the stream.</summary>
    public byte[] Chunk()
    {
        if (_at == _end && !Receive())
            return null;
        var chunk = new byte[_end - _at];
        Array.Copy(_buffer, _at, chunk, 0, chunk.Length);
        _at = _end;
        return chunk;
    }
#endif

    private bool Receive()
    {
        _at = 0;
        _end = _socket.Receive(_buffer);
        return _end > 0;
    }
}

/// <summary>A rule that puts messages into a stream of bytes, and finds them in it.</summary>
internal abstract class Framing
{
    /// <exception cref="ArgumentException">This rule cannot send the message.</exception>
    public abstract byte[] Wrap(byte[] message);

    /// <summary>Wait for the next message; null at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The stream does not follow the rule.</exception>
    public abstract byte[] Read(Incoming bytes);

    protected static byte[] Joined(params byte[][] parts)
    {
        var joined = new MemoryStream();
        foreach (byte[] part in parts)
            joined.Write(part, 0, part.Length);
        return joined.ToArray();
    }

    protected static void CheckSize(int size, int most)
    {
        if (size > most)
            throw new ArgumentException("the message has " + size + " bytes, and may have " + most);
    }

    protected static InvalidDataException TooLong(int most)
    {
        return new InvalidDataException("a message is longer than " + most + " bytes");
    }

    protected static bool EndsWith(MemoryStream bytes, byte[] end)
    {
        int begin = (int)bytes.Length - end.Length;
        byte[] all = bytes.GetBuffer();
        for (int i = end.Length - 1; i >= 0; i--)
            if (begin < 0 || all[begin + i] != end[i])
                return false;
        return true;
    }

    protected static bool Contains(byte[] message, byte[] part)
    {
        for (int at = 0; at + part.Length <= message.Length; at++)
            if (StartsAt(message, at, part))
                return true;
        return false;
    }

    protected static bool StartsAt(byte[] message, int at, byte[] part)
    {
        for (int i = 0; i < part.Length; i++)
            if (at + i >= message.Length || message[at + i] != part[i])
                return false;
        return true;
    }
}
