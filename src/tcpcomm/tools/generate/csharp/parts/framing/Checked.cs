/// <summary>A checksum in each message of another framing.</summary>
internal sealed class Checked : Framing
{
    private readonly Framing _framing;
    private readonly Checksum _check;

    public Checked(Framing framing, Checksum check)
    {
        _framing = framing;
        _check = check;
    }

    /// <summary>The place of the checksum, which stays in the message; -1: it follows the message.</summary>
    public int At { get; set; } = -1;

    /// <summary>The first byte that the checksum counts.</summary>
    public int From { get; set; }

    /// <summary>The byte before which it stops to count; -1: it counts up to itself.</summary>
    public int To { get; set; } = -1;

    /// <summary>Constant bytes behind the checksum.</summary>
    public byte[] Tail { get; set; } = new byte[0];

    /// <summary>True if zero means that the sender did not compute the checksum.</summary>
    public bool ZeroIsUnchecked { get; set; }

    public override byte[] Wrap(byte[] message)
    {
        if (At < 0)
            return _framing.Wrap(Joined(message, _check.Of(Covered(message)), Tail));
        if (message.Length < At + _check.Size || !StartsAt(message, At, _check.Of(Covered(message))))
            throw new ArgumentException("the checksum in the message is wrong");
        return _framing.Wrap(message);
    }

    public override byte[] Read(Incoming bytes)
    {
        byte[] whole = _framing.Read(bytes);
        if (whole == null)
            return null;
        int at = At < 0 ? whole.Length - Tail.Length - _check.Size : At;
        if (at < 0 || at + _check.Size > whole.Length - Tail.Length)
            throw new InvalidDataException("a message is too short to hold its checksum");
        if (!StartsAt(whole, whole.Length - Tail.Length, Tail))
            throw new InvalidDataException("a message lacks the bytes behind its checksum");
        var message = new byte[At < 0 ? at : whole.Length];
        Array.Copy(whole, message, message.Length);
        var check = new byte[_check.Size];
        Array.Copy(whole, at, check, 0, check.Length);
        if (!ZeroIsUnchecked || Array.Exists(check, each => each != 0))
            _check.Verify(Covered(message), check);
        return message;
    }

    private byte[] Covered(byte[] message)
    {
        int to = To >= 0 ? To : At >= 0 ? At : message.Length;
        var covered = new byte[Math.Max(Math.Min(to, message.Length) - From, 0)];
        Array.Copy(message, Math.Min(From, message.Length), covered, 0, covered.Length);
        return covered;
    }
}
