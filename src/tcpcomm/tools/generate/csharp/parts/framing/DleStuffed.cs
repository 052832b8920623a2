/// <summary>Each message stands between DLE STX and DLE ETX, and a DLE inside of it is sent twice.</summary>
internal sealed class DleStuffed : Framing
{
    private readonly int _most;
    private readonly byte _escape;
    private readonly byte _start;
    private readonly byte _end;

    public DleStuffed(int most, byte escape, byte start, byte end)
    {
        _most = most;
        _escape = escape;
        _start = start;
        _end = end;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        var wrapped = new MemoryStream();
        wrapped.WriteByte(_escape);
        wrapped.WriteByte(_start);
        foreach (byte each in message)
        {
            if (each == _escape)
                wrapped.WriteByte(_escape);
            wrapped.WriteByte(each);
        }
        wrapped.WriteByte(_escape);
        wrapped.WriteByte(_end);
        return wrapped.ToArray();
    }

    public override byte[] Read(Incoming bytes)
    {
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())  // bytes between messages are skipped
        {
            if (next == _escape && bytes.Must() == _start)
                return ReadBody(bytes);
        }
        return null;
    }

    private byte[] ReadBody(Incoming bytes)
    {
        var message = new MemoryStream();
        while (message.Length <= _most)
        {
            byte next = bytes.Must();
            byte code = next == _escape ? bytes.Must() : next;
            if (next == _escape && code == _end)
                return message.ToArray();
            if (next == _escape && code != _escape)
                throw new InvalidDataException("the byte " + code.ToString("X2") + " follows the escape byte");
            message.WriteByte(code);
        }
        throw TooLong(_most);
    }
}
