/// <summary>Another framing in which each byte of a message is sent as two hexadecimal digits.</summary>
internal sealed class HexText : Framing
{
    private readonly Framing _framing;
    private readonly string _format;

    public HexText(Framing framing, bool lower)
    {
        _framing = framing;
        _format = lower ? "x2" : "X2";
    }

    public override byte[] Wrap(byte[] message)
    {
        var digits = new StringBuilder();
        foreach (byte each in message)
            digits.Append(each.ToString(_format, CultureInfo.InvariantCulture));
        return _framing.Wrap(Encoding.ASCII.GetBytes(digits.ToString()));
    }

    public override byte[] Read(Incoming bytes)
    {
        byte[] digits = _framing.Read(bytes);
        if (digits == null)
            return null;
        var message = new byte[digits.Length / 2];
        bool isHex = digits.Length % 2 == 0;
        for (int i = 0; i < message.Length && isHex; i++)
            isHex = byte.TryParse(
                Encoding.ASCII.GetString(digits, 2 * i, 2),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out message[i]);
        if (!isHex)
            throw new InvalidDataException("a message is not made of pairs of hexadecimal digits");
        return message;
    }
}
