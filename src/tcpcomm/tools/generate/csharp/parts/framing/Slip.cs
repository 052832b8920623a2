/// <summary>Each message ends with a flag byte, which is escaped inside of messages (SLIP).</summary>
internal sealed class Slip : Framing
{
    private readonly int _most;
    private readonly byte _end;
    private readonly byte _escape;
    private readonly byte[] _codes;
    private readonly bool _leads;

    /// <param name="most">The bytes of the longest message.</param>
    /// <param name="end">The flag byte.</param>
    /// <param name="escape">The escape byte.</param>
    /// <param name="codes">Pairs of a byte, and the byte that follows the escape byte for it.</param>
    /// <param name="leads">True if a flag byte is sent before each message, too.</param>
    public Slip(int most, byte end, byte escape, byte[] codes, bool leads)
    {
        _most = most;
        _end = end;
        _escape = escape;
        _codes = codes;
        _leads = leads;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        if (message.Length == 0)
            throw new ArgumentException("an empty message cannot be sent");
        var wrapped = new MemoryStream();
        if (_leads)
            wrapped.WriteByte(_end);
        foreach (byte each in message)
        {
            int at = 0;
            while (at < _codes.Length && _codes[at] != each)
                at += 2;
            if (at < _codes.Length)
                wrapped.WriteByte(_escape);
            wrapped.WriteByte(at < _codes.Length ? _codes[at + 1] : each);
        }
        wrapped.WriteByte(_end);
        return wrapped.ToArray();
    }

    public override byte[] Read(Incoming bytes)
    {
        var message = new MemoryStream();
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())
        {
            if (next == _end && message.Length > 0)
                return message.ToArray();
            if (next == _end)
                continue;
            if (next == _escape)
            {
                byte code = bytes.Must();
                int at = 0;
                while (at < _codes.Length && _codes[at + 1] != code)
                    at += 2;
                if (at == _codes.Length)
                    throw new InvalidDataException("the byte " + code.ToString("X2") + " follows the escape byte");
                next = _codes[at];
            }
            message.WriteByte((byte)next);
            if (message.Length > _most)
                throw TooLong(_most);
        }
        if (message.Length > 0)
            throw new InvalidDataException("the connection ended within a message");
        return null;
    }
}
