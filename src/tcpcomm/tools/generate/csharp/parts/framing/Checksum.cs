/// <summary>A checksum: CHECKSUM_NAMES.</summary>
internal sealed class Checksum
{
    private readonly Func<byte[], uint> _compute;
    private readonly int _width;
    private readonly string _form;

    /// <param name="compute">Returns the sum of some bytes.</param>
    /// <param name="width">The bytes of the sum.</param>
    /// <param name="form">big, little, hex or decimal.</param>
    public Checksum(Func<byte[], uint> compute, int width, string form)
    {
        _compute = compute;
        _width = width;
        _form = form;
    }

    /// <summary>The bytes of the checksum on the wire.</summary>
    public int Size
    {
        get { return Of(new byte[0]).Length; }
    }

    /// <summary>Return the checksum of some bytes, as it is written on the wire.</summary>
    public byte[] Of(byte[] bytes)
    {
        uint sum = _compute(bytes);
        if (_form == "hex")
            return Encoding.ASCII.GetBytes(sum.ToString("X" + 2 * _width, CultureInfo.InvariantCulture));
        if (_form == "decimal")
            return Encoding.ASCII.GetBytes(sum.ToString("D" + new[] { 3, 5, 8, 10 }[_width - 1], CultureInfo.InvariantCulture));
        var written = new byte[_width];
        for (int i = 0; i < _width; i++)
            written[_form == "little" ? i : _width - 1 - i] = (byte)(sum >> 8 * i);
        return written;
    }

    /// <exception cref="InvalidDataException">The checksum that came is not that of the bytes.</exception>
    public void Verify(byte[] bytes, byte[] came)
    {
        string right = BitConverter.ToString(Of(bytes));
        if (_form == "hex")
            came = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(came).ToUpperInvariant());
        if (BitConverter.ToString(came) != right)
            throw new InvalidDataException("a checksum is " + BitConverter.ToString(came) + ", not " + right);
    }
#if SUMS

    public static uint Xor(byte[] bytes)
    {
        uint sum = 0;
        foreach (byte each in bytes)
            sum ^= each;
        return sum;
    }

    public static uint Sum(byte[] bytes)
    {
        uint sum = 0;
        foreach (byte each in bytes)
            sum += each;
        return sum;
    }
#endif
#if CRC

    /// <summary>A CRC by its catalogue parameters.</summary>
    public static Func<byte[], uint> Crc(int bits, uint polynomial, uint initial, bool reflected, uint final)
    {
        return bytes =>
        {
            uint register = initial;
            foreach (byte each in bytes)
                for (int bit = 0; bit < 8; bit++)
                {
                    uint data = (uint)(reflected ? each >> bit : each >> 7 - bit) & 1;
                    uint top = (reflected ? register : register >> bits - 1) & 1;
                    register = reflected ? register >> 1 : register << 1;
                    if ((data ^ top) == 1)
                        register ^= polynomial;
                }
            return (register ^ final) & (bits == 32 ? uint.MaxValue : (1u << bits) - 1);
        };
    }
#endif
}
