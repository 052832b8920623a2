/// <summary>Each chunk that arrives is a message. It is right only while the other side waits for an answer.</summary>
internal sealed class Chunks : Framing
{
    private readonly int _most;

    public Chunks(int most)
    {
        _most = most;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        if (message.Length == 0)
            throw new ArgumentException("an empty message has no bytes to send");
        return message;
    }

    public override byte[] Read(Incoming bytes)
    {
        byte[] message = bytes.Chunk();
#if GAP
        while (message != null && message.Length <= _most && !bytes.IsSilent())
        {
            byte[] more = bytes.Chunk();
            if (more == null)
                return message;
            message = Joined(message, more);
        }
#endif
        if (message != null && message.Length > _most)
            throw TooLong(_most);
        return message;
    }
}
