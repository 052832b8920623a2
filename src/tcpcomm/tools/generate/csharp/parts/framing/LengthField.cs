/// <summary>Each message begins with a header that holds its length.</summary>
internal sealed class LengthField : Framing
{
    /// <summary>The constant bytes that begin each header.</summary>
    public byte[] Sync { get; set; } = new byte[0];

    /// <summary>The bytes before the length.</summary>
    public int Offset { get; set; }

    /// <summary>The bytes of the length.</summary>
    public int Width { get; set; } = 4;

    /// <summary>The form of the length: big or little endian, or digits, decimal or hex.</summary>
    public string Form { get; set; } = "big";

    /// <summary>The number to add to the length, if it does not count exactly the bytes behind it.</summary>
    public int Adjust { get; set; }

    /// <summary>The bytes of the header that messages do not keep.</summary>
    public int Strip { get; set; } = 4;

    /// <summary>The bytes of the longest message.</summary>
    public int Most { get; set; } = 1024 * 1024;

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, Most);
        int header = Offset + Width;
        long length = message.Length + Strip - header - Adjust;
        if (length < 0)
            throw new ArgumentException("the message is shorter than its header");
        if (Strip == header)
            return Joined(Sync, Digits(length), message);
        var stripped = new byte[Strip];
        Array.Copy(Sync, stripped, Strip);
        byte[] whole = Joined(stripped, message);
        if (whole.Length < header || !StartsAt(whole, 0, Sync) || !StartsAt(whole, Offset, Digits(length)))
            throw new ArgumentException("the header in the message is wrong: its length must be " + length);
        return whole;
    }

    public override byte[] Read(Incoming bytes)
    {
        int first = bytes.Next();
        if (first < 0)
            return null;
        byte[] header = Joined(new[] { (byte)first }, bytes.Take(Offset + Width - 1));
        if (!StartsAt(header, 0, Sync))
            throw new InvalidDataException("a header begins with other bytes than it must");
        long rest = Length(header) + Adjust;
        if (rest < 0)
            throw new InvalidDataException("a header announces a message that is shorter than itself");
        if (rest + header.Length - Strip > Most)  // checked before anything is allocated
            throw TooLong(Most);
        byte[] body = bytes.Take((int)rest);
        var kept = new byte[header.Length - Strip];
        Array.Copy(header, Strip, kept, 0, kept.Length);
        return Joined(kept, body);
    }

    private byte[] Digits(long length)
    {
        if (Form == "decimal" || Form == "hex")
        {
            string format = Form == "hex" ? "X" + Width : "D" + Width;
            return Encoding.ASCII.GetBytes(length.ToString(format, CultureInfo.InvariantCulture));
        }
        var digits = new byte[Width];
        for (int i = 0; i < Width; i++)
            digits[Form == "big" ? Width - 1 - i : i] = (byte)(i < 8 ? length >> 8 * i : 0);
        return digits;
    }

    private long Length(byte[] header)
    {
        if (Form == "decimal" || Form == "hex")
        {
            long digits;
            NumberStyles style = Form == "hex" ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
            string text = Encoding.ASCII.GetString(header, Offset, Width);
            if (!long.TryParse(text, style, CultureInfo.InvariantCulture, out digits))
                throw new InvalidDataException("a header has no digits where its length must be");
            return digits;
        }
        ulong length = 0;
        for (int i = 0; i < Width; i++)
            length = length << 8 | header[Offset + (Form == "big" ? i : Width - 1 - i)];
        return length > int.MaxValue ? int.MaxValue : (long)length;  // too long anyway
    }
}
