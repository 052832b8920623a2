/// <summary>Each message ends with a delimiter, which it must not contain. The first one is sent.</summary>
internal sealed class Delimiter : Framing
{
    private readonly int _most;
    private readonly bool _keepsEnds;
    private readonly byte[][] _delimiters;

    public Delimiter(int most, bool keepsEnds, params byte[][] delimiters)
    {
        _most = most;
        _keepsEnds = keepsEnds;
        _delimiters = delimiters;
    }

    public override byte[] Wrap(byte[] message)
    {
        byte[] wrapped = _keepsEnds ? message : Joined(message, _delimiters[0]);
        CheckSize(message.Length, _most);
        for (int end = 1; end <= wrapped.Length; end++)
            foreach (byte[] delimiter in _delimiters)
                if (end >= delimiter.Length && StartsAt(wrapped, end - delimiter.Length, delimiter))
                {
                    if (end != wrapped.Length)
                        throw new ArgumentException("the message contains the end of a message");
                    return wrapped;
                }
        throw new ArgumentException("the message lacks its end");
    }

    public override byte[] Read(Incoming bytes)
    {
        var message = new MemoryStream();
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())
        {
            message.WriteByte((byte)next);
            foreach (byte[] delimiter in _delimiters)
                if (EndsWith(message, delimiter))
                {
                    if (!_keepsEnds)
                        message.SetLength(message.Length - delimiter.Length);
                    return message.ToArray();
                }
            if (message.Length >= _most + LongestDelimiter())
                throw TooLong(_most);
#if GAP
            if (bytes.IsSilent())
                return message.ToArray();
#endif
        }
        if (message.Length > 0)
            throw new InvalidDataException("the connection ended within a message");
        return null;
    }

    private int LongestDelimiter()
    {
        int longest = 0;
        foreach (byte[] delimiter in _delimiters)
            longest = Math.Max(longest, delimiter.Length);
        return longest;
    }
}
