/// <summary>Each message is a JSON object or list, which ends with its last bracket.</summary>
internal sealed class JsonValues : Framing
{
    private readonly int _most;
    private readonly byte[] _end;
    private readonly byte[] _between;

    /// <param name="most">The bytes of the longest message.</param>
    /// <param name="end">The bytes that are sent behind each message.</param>
    /// <param name="between">The bytes that may stand between messages.</param>
    public JsonValues(int most, byte[] end, byte[] between)
    {
        _most = most;
        _end = end;
        _between = between;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        return Joined(message, _end);
    }

    public override byte[] Read(Incoming bytes)
    {
        int next = bytes.Next();
        while (next >= 0 && Array.IndexOf(_between, (byte)next) >= 0)
            next = bytes.Next();
        if (next < 0)
            return null;
        if (next != '{' && next != '[')
            throw new InvalidDataException("a message must begin with { or [");
        var message = new MemoryStream();
        int depth = 0;
        bool isQuoted = false;
        for (; message.Length < _most; next = bytes.Must())
        {
            message.WriteByte((byte)next);
            if (isQuoted && next == '\\')
                message.WriteByte(bytes.Must());
            else if (next == '"')
                isQuoted = !isQuoted;
            else if (!isQuoted && (next == '{' || next == '['))
                depth++;
            else if (!isQuoted && (next == '}' || next == ']') && --depth == 0)
                return message.ToArray();
        }
        throw TooLong(_most);
    }
}
