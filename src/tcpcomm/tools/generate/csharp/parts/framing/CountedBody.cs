/// <summary>Each message is a line. A line of a certain form is followed by as many bytes as it says.</summary>
internal sealed class CountedBody : Framing
{
    private readonly int _most;
    private readonly byte[] _end;
    private readonly byte[] _tail;
    private readonly Regex[] _heads;

    /// <param name="most">The bytes of the longest message.</param>
    /// <param name="end">The end of a line.</param>
    /// <param name="tail">Constant bytes behind the bytes that a line announces.</param>
    /// <param name="heads">The lines that announce bytes, with the group count, or hex.</param>
    public CountedBody(int most, byte[] end, byte[] tail, params string[] heads)
    {
        _most = most;
        _end = end;
        _tail = tail;
        _heads = Array.ConvertAll(heads, each => new Regex(each, RegexOptions.Singleline));
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        int at = 0;
        while (at < message.Length && !StartsAt(message, at, _end))
            at++;
        var line = new byte[at];
        Array.Copy(message, line, at);
        int count = Count(line);
        if (count < 0 && at == message.Length)
            return Joined(message, _end);
        if (count < 0 || count != message.Length - at - _end.Length)
            throw new ArgumentException("the line does not announce the bytes that follow it");
        return Joined(message, _tail);
    }

    public override byte[] Read(Incoming bytes)
    {
        var line = new MemoryStream();
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())
        {
            line.WriteByte((byte)next);
            if (line.Length > _most)
                throw TooLong(_most);
            if (!EndsWith(line, _end))
                continue;
            line.SetLength(line.Length - _end.Length);
            int count = Count(line.ToArray());
            if (count < 0)
                return line.ToArray();
            if (count > _most - line.Length)  // checked before anything is allocated
                throw TooLong(_most);
            byte[] body = bytes.Take(count);
            if (!StartsAt(bytes.Take(_tail.Length), 0, _tail))
                throw new InvalidDataException("a message is not followed by the bytes that must follow it");
            return Joined(line.ToArray(), _end, body);
        }
        if (line.Length > 0)
            throw new InvalidDataException("the connection ended within a message");
        return null;
    }

    /// <summary>Return the number of bytes that a line announces, or -1.</summary>
    private int Count(byte[] line)
    {
        string text = Encoding.GetEncoding("iso-8859-1").GetString(line);
        foreach (Regex head in _heads)
        {
            Match found = head.Match(text);
            if (found.Groups["hex"].Success)
                return Convert.ToInt32(found.Groups["hex"].Value, 16);
            if (found.Success)
                return int.Parse(found.Groups["count"].Value, CultureInfo.InvariantCulture);
        }
        return -1;
    }
}
