/// <summary>Each message stands behind its length, which has as many bytes as it needs.</summary>
internal sealed class VariableLength : Framing
{
    private readonly int _most;
    private readonly string _form;
    private readonly byte[] _end;
    private readonly int _adjust;

    /// <param name="most">The bytes of the longest message.</param>
    /// <param name="form">varint (7 bits in each byte, the lowest first), ber, decimal or hex.</param>
    /// <param name="end">The mark behind the digits of decimal and hex.</param>
    /// <param name="adjust">The number to add to the length.</param>
    public VariableLength(int most, string form, byte[] end, int adjust)
    {
        _most = most;
        _form = form;
        _end = end;
        _adjust = adjust;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        int length = message.Length - _adjust;
        var header = new MemoryStream();
        if (_form == "varint")
        {
            for (; length > 0x7F; length >>= 7)
                header.WriteByte((byte)(length & 0x7F | 0x80));
            header.WriteByte((byte)length);
        }
        else if (_form == "ber")
        {
            int count = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
            if (count > 0)
                header.WriteByte((byte)(0x80 | count));
            for (int i = Math.Max(count, 1) - 1; i >= 0; i--)
                header.WriteByte((byte)(length >> 8 * i));
        }
        else
        {
            string format = _form == "hex" ? "X" : "D";
            byte[] digits = Encoding.ASCII.GetBytes(length.ToString(format, CultureInfo.InvariantCulture));
            header.Write(digits, 0, digits.Length);
        }
        return Joined(header.ToArray(), _end, message);
    }

    public override byte[] Read(Incoming bytes)
    {
        int first = bytes.Next();
        if (first < 0)
            return null;
        long length = _form == "varint" ? Varint(first, bytes)
            : _form == "ber" ? Ber(first, bytes) : FromDigits(first, bytes);
        length += _adjust;
        if (length < 0)
            throw new InvalidDataException("a length is negative");
        if (length > _most)  // checked before anything is allocated
            throw TooLong(_most);
        return bytes.Take((int)length);
    }

    private static long Varint(int first, Incoming bytes)
    {
        long length = first & 0x7F;
        for (int shift = 7; first > 0x7F; shift += 7)
        {
            if (shift > 35)
                throw new InvalidDataException("a length has too many bytes");
            first = bytes.Must();
            length |= (long)(first & 0x7F) << shift;
        }
        return length;
    }

    private static long Ber(int first, Incoming bytes)
    {
        if (first < 0x80)
            return first;
        int count = first & 0x7F;
        if (count == 0 || count > 7)
            throw new InvalidDataException("a length has " + count + " bytes");
        long length = 0;
        for (int i = 0; i < count; i++)
            length = length << 8 | bytes.Must();
        return length;
    }

    private long FromDigits(int next, Incoming bytes)
    {
        int numberBase = _form == "hex" ? 16 : 10;
        string known = "0123456789ABCDEF".Substring(0, numberBase);
        long length = 0;
        int digits = 0;
        for (; known.IndexOf(char.ToUpperInvariant((char)next)) >= 0; next = bytes.Must())
        {
            if (++digits > 12)
                throw new InvalidDataException("a length has too many digits");
            length = length * numberBase + known.IndexOf(char.ToUpperInvariant((char)next));
        }
        for (int i = 0; i < _end.Length; i++)
        {
            if (digits == 0 || next != _end[i])
                throw new InvalidDataException("a message must begin with its length");
            if (i + 1 < _end.Length)
                next = bytes.Must();
        }
        return length;
    }
}
