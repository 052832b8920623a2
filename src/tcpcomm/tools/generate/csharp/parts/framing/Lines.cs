/// <summary>Each message is a line that ends with CR, LF or both.</summary>
internal sealed class Lines : Framing
{
    private readonly int _most;
    private readonly byte[] _end;
    private bool _skipsLineFeed;

    public Lines(int most, byte[] end)
    {
        _most = most;
        _end = end;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        if (Array.IndexOf(message, (byte)'\r') >= 0 || Array.IndexOf(message, (byte)'\n') >= 0)
            throw new ArgumentException("the message contains the end of a line");
        return Joined(message, _end);
    }

    public override byte[] Read(Incoming bytes)
    {
        var message = new MemoryStream();
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())
        {
            bool isSecond = _skipsLineFeed && next == '\n';
            _skipsLineFeed = next == '\r';
            if (isSecond)
                continue;
            if (next == '\r' || next == '\n')
                return message.ToArray();
            message.WriteByte((byte)next);
            if (message.Length > _most)
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
}
