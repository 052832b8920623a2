/// <summary>Reads numbers and bytes, one behind the other.</summary>
internal sealed class ByteReader
{
    private readonly byte[] _bytes;
    private readonly int _end;
    private int _at;

    public ByteReader(byte[] bytes) : this(bytes, 0, bytes.Length) { }

    private ByteReader(byte[] bytes, int at, int end)
    {
        _bytes = bytes;
        _at = at;
        _end = end;
    }

    /// <summary>The number of bytes that are left.</summary>
    public int Left
    {
        get { return _end - _at; }
    }

    /// <summary>Read a number without a sign.</summary>
    public ulong U(int size, Order order = Order.DEFAULT_ORDER)
    {
        byte[] bytes = Bytes(order == Order.Hex ? 2 * size : size);
        ulong value = 0;
        if (order == Order.Hex)
        {
            string digits = Encoding.ASCII.GetString(bytes);
            if (!ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value))
                throw new FormatException("\"" + digits + "\" are no hexadecimal digits");
            return value;
        }
        for (int i = 0; i < size; i++)
            value = value << 8 | bytes[order == Order.Big ? i : size - 1 - i];
        return value;
    }

    /// <summary>Read a number with a sign.</summary>
    public long I(int size, Order order = Order.DEFAULT_ORDER)
    {
        int unused = 64 - 8 * size;
        return (long)(U(size, order) << unused) >> unused;
    }

    public float Single(Order order = Order.DEFAULT_ORDER)
    {
        return BitConverter.ToSingle(BitConverter.GetBytes((uint)U(4, order)), 0);
    }

    public double Double(Order order = Order.DEFAULT_ORDER)
    {
        return BitConverter.Int64BitsToDouble((long)U(8, order));
    }

    public bool Bool(ulong number)
    {
        if (number > 1)
            throw new FormatException(number + " is neither 0 nor 1");
        return number == 1;
    }

    /// <summary>Read this many bytes.</summary>
    public byte[] Bytes(long count)
    {
        if (count < 0 || count > Left)
            throw new FormatException("the message needs " + count + " bytes more, and has " + Left);
        var bytes = new byte[count];
        Array.Copy(_bytes, _at, bytes, 0, count);
        _at += (int)count;
        return bytes;
    }

    /// <summary>Read all that is left.</summary>
    public byte[] Rest()
    {
        return Bytes(Left);
    }

    /// <summary>Return a reader of the next bytes, which are read now.</summary>
    public ByteReader Part(long count)
    {
        int at = _at;
        Bytes(count);
        return new ByteReader(_bytes, at, _at);
    }

    /// <summary>Read bytes up to the mark that ends them.</summary>
    public byte[] Until(byte[] mark, int step)
    {
        for (int at = _at; at + mark.Length <= _end; at += step)
        {
            int i = 0;
            while (i < mark.Length && _bytes[at + i] == mark[i])
                i++;
            if (i < mark.Length)
                continue;
            byte[] found = Bytes(at - _at);
            _at += mark.Length;
            return found;
        }
        throw new FormatException("a value has no end");
    }

    /// <summary>Skip the zeros up to a multiple, behind this many bytes.</summary>
    public void Align(int size, int multiple)
    {
        Bytes((multiple - size % multiple) % multiple);
    }

    public void Constant(params byte[] expected)
    {
        byte[] found = Bytes(expected.Length);
        if (BitConverter.ToString(found) != BitConverter.ToString(expected))
            throw new FormatException(
                BitConverter.ToString(expected) + " must stand in the message, not " + BitConverter.ToString(found));
    }

    /// <summary>Check a length in a header.</summary>
    public void CheckLength(ulong said, long adjust)
    {
        if (said != (ulong)(Left + adjust))
            throw new FormatException("the length in the header is " + said + ", and must be " + (Left + adjust));
    }

    public void CheckEnd()
    {
        if (Left > 0)
            throw new FormatException("the message has " + Left + " bytes too many");
    }

    /// <summary>Read a list with this many items.</summary>
    public List<T> List<T>(long count, Func<ByteReader, T> read)
    {
        if (count < 0 || count > MOST_ITEMS)
            throw new FormatException("a list has " + count + " items");
        var items = new List<T>();
        while (items.Count < count)
            items.Add(read(this));
        return items;
    }

    /// <summary>Read a list up to the end.</summary>
    public List<T> ListToEnd<T>(Func<ByteReader, T> read)
    {
        var items = new List<T>();
        while (Left > 0)
            items.Add(read(this));
        return items;
    }

    /// <summary>Read small numbers that stand side by side as bits.</summary>
    public List<ulong> Unpacked(long count, int width, bool isLowestFirst)
    {
        if (count < 0 || count > 8L * Left / width)
            throw new FormatException("a list has " + count + " items, and no bytes for them");
        byte[] bytes = Bytes((count * width + 7) / 8);
        var items = new List<ulong>();
        for (long item = 0; item < count; item++)
        {
            ulong value = 0;
            for (int bit = 0; bit < width; bit++)
            {
                int at = (int)(item * width + bit);
                ulong one = (ulong)(bytes[at / 8] >> (isLowestFirst ? at % 8 : 7 - at % 8) & 1);
                value = isLowestFirst ? value | one << bit : value << 1 | one;
            }
            items.Add(value);
        }
        return items;
    }

    /// <summary>Return a text without the characters that fill it up.</summary>
    public static string Unpadded(byte[] bytes, Encoding encoding, char pad)
    {
        if (pad == '\0' && encoding.GetByteCount("\0") == 1 && Array.IndexOf(bytes, (byte)0) >= 0)
            Array.Resize(ref bytes, Array.IndexOf(bytes, (byte)0));
        string text = encoding.GetString(bytes);
        return pad == '\0' ? text.Split('\0')[0] : text.TrimEnd(pad);
    }
}
