/// <summary>
/// Each message stands between a start and an end mark. Bytes outside of the marks are skipped.
/// </summary>
internal sealed class Enclosed : Framing
{
    public byte[] Start { get; set; } = { 2 };

    /// <summary>The end marks. Each of them ends a message, and the first is sent.</summary>
    public byte[][] Ends { get; set; } = { new byte[] { 3 } };
    public int Most { get; set; } = 1024 * 1024;
#if CHECK

    /// <summary>The checksum behind the end mark, or null.</summary>
    public Checksum Check { get; set; }
    public bool CoversStart { get; set; }
    public bool CoversEnd { get; set; } = true;
    public bool CoversEscapes { get; set; }

    /// <summary>Constant bytes behind the checksum.</summary>
    public byte[] Tail { get; set; } = new byte[0];
#endif
#if KEEPS_END

    /// <summary>True if a message keeps its end mark, to tell which one it was.</summary>
    public bool KeepsEnd { get; set; }
#endif
#if ALONE

    /// <summary>Bytes that are messages by themselves, where no message has begun.</summary>
    public byte[][] Alone { get; set; } = new byte[0][];
#endif
#if ESCAPES

    /// <summary>The byte in front of bytes that are not meant as marks.</summary>
    public byte Escape { get; set; }

    /// <summary>Pairs of a byte that is escaped, and the byte that follows the escape byte for it.</summary>
    public byte[] Codes { get; set; } = new byte[0];
#endif

    public override byte[] Wrap(byte[] message)
    {
#if ALONE
        if (Array.Exists(Alone, each => IsSame(each, message)))
            return message;
#endif
        byte[] end = Ends[0];
#if KEEPS_END
        if (KeepsEnd)
        {
            byte[] whole = message;
            end = Array.Find(Ends, each => StartsAt(whole, Math.Max(whole.Length - each.Length, 0), each));
            if (end == null)
                throw new ArgumentException("the message lacks its end mark");
            Array.Resize(ref message, message.Length - end.Length);
        }
#endif
        CheckSize(message.Length, Most);
#if ESCAPES
        byte[] body = Escaped(message);
#else
        byte[] body = message;
        if (Contains(body, Start) || Array.Exists(Ends, each => Contains(body, each)))
            throw new ArgumentException("the message contains a start or an end mark");
#endif
#if CHECK
        byte[] check = Check == null ? new byte[0] : Check.Of(Covered(message, body, end));
        return Joined(Start, body, end, check, Tail);
#else
        return Joined(Start, body, end);
#endif
    }

    public override byte[] Read(Incoming bytes)
    {
        byte[] alone = FindStart(bytes);
        if (alone == null || alone.Length > 0)
            return alone;
        var body = new MemoryStream();
        byte[] end;
        byte[] message = ReadBody(bytes, body, out end);
#if CHECK
        if (Check != null)
            Check.Verify(Covered(message, body.ToArray(), end), bytes.Take(Check.Size));
        if (!IsSame(bytes.Take(Tail.Length), Tail))
            throw new InvalidDataException("a message is not followed by the bytes that must follow it");
#endif
#if KEEPS_END
        if (KeepsEnd)
            return Joined(message, end);
#endif
        return message;
    }

    /// <summary>Skip to the start mark: empty. Or return bytes that stand alone; null at the end.</summary>
    private byte[] FindStart(Incoming bytes)
    {
        var skipped = new MemoryStream();
        for (int next = bytes.Next(); next >= 0; next = bytes.Next())
        {
            skipped.WriteByte((byte)next);
            if (EndsWith(skipped, Start))
                return new byte[0];
#if ALONE
            foreach (byte[] alone in Alone)
                if (EndsWith(skipped, alone))
                    return alone;
#endif
            if (skipped.Length > Most)
                throw new InvalidDataException("no message begins within " + Most + " bytes");
        }
        return null;
    }

    private byte[] ReadBody(Incoming bytes, MemoryStream body, out byte[] end)
    {
#if ESCAPES
        var message = new MemoryStream();
        while (message.Length <= Most)
        {
            byte next = bytes.Must();
            byte[] mark = { next };
            if (next == Escape)
            {
                mark = new[] { next, bytes.Must() };
                int at = 0;
                while (at < Codes.Length && Codes[at + 1] != mark[1])
                    at += 2;
                if (at < Codes.Length)
                {
                    message.WriteByte(Codes[at]);
                    body.Write(mark, 0, 2);
                    continue;
                }
            }
            end = Array.Find(Ends, each => IsSame(each, mark));
            if (end != null)
                return message.ToArray();
            if (mark.Length == 2 || IsSame(mark, Start))
                throw new InvalidDataException("the byte " + next.ToString("X2") + " comes within a message");
            message.WriteByte(next);
            body.WriteByte(next);
        }
        throw TooLong(Most);
#else
        while (body.Length <= Most + 8)
        {
            body.WriteByte(bytes.Must());
            end = Array.Find(Ends, each => EndsWith(body, each));
            if (end != null)
            {
                body.SetLength(body.Length - end.Length);
                return body.ToArray();
            }
            if (EndsWith(body, Start))
                throw new InvalidDataException("a message begins within a message");
        }
        throw TooLong(Most);
#endif
    }
#if ESCAPES

    private byte[] Escaped(byte[] message)
    {
        var escaped = new MemoryStream();
        foreach (byte each in message)
        {
            int at = 0;
            while (at < Codes.Length && Codes[at] != each)
                at += 2;
            if (at < Codes.Length)
                escaped.WriteByte(Escape);
            escaped.WriteByte(at < Codes.Length ? Codes[at + 1] : each);
        }
        return escaped.ToArray();
    }
#endif
#if CHECK

    private byte[] Covered(byte[] message, byte[] body, byte[] end)
    {
        byte[] start = Start;
#if ESCAPES
        if (!CoversEscapes)
        {
            start = new[] { start[start.Length - 1] };
            end = new[] { end[end.Length - 1] };
        }
#endif
        var none = new byte[0];
        return Joined(CoversStart ? start : none, CoversEscapes ? body : message, CoversEnd ? end : none);
    }
#endif
#if ALONE_OR_ESCAPES_OR_CHECK

    private static bool IsSame(byte[] one, byte[] other)
    {
        return one.Length == other.Length && StartsAt(one, 0, other);
    }
#endif
}
