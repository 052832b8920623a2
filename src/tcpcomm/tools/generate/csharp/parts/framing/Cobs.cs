/// <summary>Each message is encoded without zero bytes, and ends with one (COBS).</summary>
internal sealed class Cobs : Framing
{
    private readonly int _most;

    public Cobs(int most)
    {
        _most = most;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        var wrapped = new MemoryStream();
        var block = new MemoryStream();
        bool isOpen = true;
        foreach (byte each in message)
        {
            if (each != 0)
                block.WriteByte(each);
            isOpen = each == 0 || block.Length < 254;
            if (each == 0 || block.Length == 254)
                WriteBlock(wrapped, block);
        }
        if (isOpen)
            WriteBlock(wrapped, block);
        wrapped.WriteByte(0);
        return wrapped.ToArray();
    }

    private static void WriteBlock(MemoryStream wrapped, MemoryStream block)
    {
        wrapped.WriteByte((byte)(block.Length + 1));
        block.WriteTo(wrapped);
        block.SetLength(0);
    }

    public override byte[] Read(Incoming bytes)
    {
        int code = bytes.Next();
        while (code == 0)
            code = bytes.Next();
        if (code < 0)
            return null;
        var message = new MemoryStream();
        while (code != 0)
        {
            byte[] block = bytes.Take(code - 1);
            if (Array.IndexOf(block, (byte)0) >= 0)
                throw new InvalidDataException("a message ends within a block of COBS");
            message.Write(block, 0, block.Length);
            if (message.Length > _most)
                throw TooLong(_most);
            int next = bytes.Must();
            if (code < 0xFF && next != 0)
                message.WriteByte(0);
            code = next;
        }
        return message.ToArray();
    }
}
