/// <summary>Each message stands behind a header with its Content-Length, as StreamJsonRpc sends it.</summary>
internal sealed class ContentLength : Framing
{
    private const int MostHeader = 8192;
    private readonly int _most;

    public ContentLength(int most)
    {
        _most = most;
    }

    public override byte[] Wrap(byte[] message)
    {
        CheckSize(message.Length, _most);
        string length = message.Length.ToString(CultureInfo.InvariantCulture);
        return Joined(Encoding.ASCII.GetBytes("Content-Length: " + length + "\r\n\r\n"), message);
    }

    public override byte[] Read(Incoming bytes)
    {
        int first = bytes.Next();
        if (first < 0)
            return null;
        var header = new StringBuilder();
        header.Append((char)first);
        while (!header.ToString().EndsWith("\n\r\n", StringComparison.Ordinal)
            && !header.ToString().EndsWith("\n\n", StringComparison.Ordinal))
        {
            header.Append((char)bytes.Must());
            if (header.Length > MostHeader)
                throw new InvalidDataException("a header is longer than " + MostHeader + " bytes");
        }
        int length = -1;
        foreach (string line in header.ToString().Split('\n'))
        {
            string[] parts = line.Split(new[] { ':' }, 2);
            if (parts[0].Trim().ToUpperInvariant() == "CONTENT-LENGTH"
                && !int.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out length))
                throw new InvalidDataException("a header has no number behind Content-Length");
        }
        if (length < 0)
            throw new InvalidDataException("a header has no Content-Length");
        if (length > _most)  // checked before anything is allocated
            throw TooLong(_most);
        return bytes.Take(length);
    }
}
