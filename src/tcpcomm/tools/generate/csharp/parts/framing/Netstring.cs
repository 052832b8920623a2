/// <summary>Each message is a netstring: its length in digits, a colon, its bytes, a comma.</summary>
internal sealed class Netstring : Framing
{
    private readonly int _most;

    public Netstring(int most)
    {
        _most = most;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        string length = message.Length.ToString(CultureInfo.InvariantCulture);
        return Joined(Encoding.ASCII.GetBytes(length + ":"), message, new[] { (byte)',' });
    }

    public override byte[] Read(Incoming bytes)
    {
        int next = bytes.Next();
        if (next < 0)
            return null;
        long length = 0;
        for (; next >= '0' && next <= '9' && length <= _most; next = bytes.Must())
            length = 10 * length + next - '0';
        if (length > _most)
            throw TooLong(_most);
        if (next != ':')
            throw new InvalidDataException("a netstring must begin with its length and a colon");
        byte[] message = bytes.Take((int)length);
        if (bytes.Must() != ',')
            throw new InvalidDataException("a netstring must end with a comma");
        return message;
    }
}
