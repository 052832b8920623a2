/// <summary>Each message has the same number of bytes.</summary>
internal sealed class FixedSize : Framing
{
    private readonly int _size;

    public FixedSize(int size)
    {
        _size = size;
    }

    public override byte[] Wrap(byte[] message)
    {
        if (message.Length != _size)
            throw new ArgumentException("the message has " + message.Length + " bytes, and must have " + _size);
        return message;
    }

    public override byte[] Read(Incoming bytes)
    {
        int first = bytes.Next();
        if (first < 0)
            return null;
        return Joined(new[] { (byte)first }, bytes.Take(_size - 1));
    }
}
