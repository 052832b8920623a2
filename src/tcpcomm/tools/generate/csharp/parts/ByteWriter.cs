/// <summary>Writes numbers and bytes, one behind the other.</summary>
internal sealed class ByteWriter
{
    private readonly MemoryStream _bytes = new MemoryStream();

    public byte[] ToArray()
    {
        return _bytes.ToArray();
    }

    /// <summary>Write a number without a sign.</summary>
    public void U(ulong value, int size, Order order = Order.DEFAULT_ORDER)
    {
        if (size < 8 && value >> 8 * size != 0)
            throw new ArgumentException(value + " does not fit into " + size + " bytes");
        var bytes = new byte[size];
        for (int i = 0; i < size; i++)
            bytes[order == Order.Little ? i : size - 1 - i] = (byte)(value >> 8 * i);
        if (order == Order.Hex)
            bytes = Encoding.ASCII.GetBytes(BitConverter.ToString(bytes).Replace("-", ""));
        Bytes(bytes);
    }

    /// <summary>Write a number with a sign.</summary>
    public void I(long value, int size, Order order = Order.DEFAULT_ORDER)
    {
        long most = size == 8 ? long.MaxValue : (1L << 8 * size - 1) - 1;
        if (value > most || value < -most - 1)
            throw new ArgumentException(value + " does not fit into " + size + " bytes");
        U((ulong)value & (size == 8 ? ulong.MaxValue : (1UL << 8 * size) - 1), size, order);
    }

    public void Single(float value, Order order = Order.DEFAULT_ORDER)
    {
        U(BitConverter.ToUInt32(BitConverter.GetBytes(value), 0), 4, order);
    }

    public void Double(double value, Order order = Order.DEFAULT_ORDER)
    {
        U((ulong)BitConverter.DoubleToInt64Bits(value), 8, order);
    }

    public void Bytes(byte[] bytes)
    {
        _bytes.Write(bytes, 0, bytes.Length);
    }

    /// <summary>Write bytes in a place of fixed size, which is filled up.</summary>
    public void Fixed(byte[] bytes, int size, params byte[] pad)
    {
        if (bytes.Length > size || (size - bytes.Length) % pad.Length != 0)
            throw new ArgumentException(bytes.Length + " bytes do not fit into " + size);
        Bytes(bytes);
        for (int i = bytes.Length; i < size; i += pad.Length)
            Bytes(pad);
    }

    /// <summary>Write bytes and the mark that ends them.</summary>
    public void Ended(byte[] bytes, byte[] mark)
    {
        if (BitConverter.ToString(bytes).Contains(BitConverter.ToString(mark)))
            throw new ArgumentException("the value contains the mark that ends it");
        Bytes(bytes);
        Bytes(mark);
    }

    /// <summary>Write zeros up to a multiple, behind this many bytes.</summary>
    public void Align(int size, int multiple)
    {
        for (; size % multiple != 0; size++)
            _bytes.WriteByte(0);
    }

    /// <summary>Check the number of items, which another value, or the declaration, says.</summary>
    public void CheckCount(long said, long found)
    {
        if (said != found)
            throw new ArgumentException("there must be " + said + " items or bytes, but there are " + found);
    }

    /// <summary>Write small numbers side by side as bits.</summary>
    public static byte[] Packed(IEnumerable<ulong> values, int width, bool isLowestFirst)
    {
        var bits = new List<bool>();
        foreach (ulong each in values)
        {
            if (width < 64 && each >> width != 0)
                throw new ArgumentException(each + " does not fit into " + width + " bits");
            for (int bit = 0; bit < width; bit++)
                bits.Add((each >> (isLowestFirst ? bit : width - 1 - bit) & 1) == 1);
        }
        var bytes = new byte[(bits.Count + 7) / 8];
        for (int i = 0; i < bits.Count; i++)
            if (bits[i])
                bytes[i / 8] |= (byte)(1 << (isLowestFirst ? i % 8 : 7 - i % 8));
        return bytes;
    }
}
