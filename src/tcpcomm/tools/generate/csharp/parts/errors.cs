/// <summary>The equipment said no. A server throws it to say so.</summary>
public sealed class FaultException : Exception
{
    public FaultException(CODE_TYPE code, string reason = "")
        : base(reason == "" ? "fault " + code : "fault " + code + ": " + reason)
    {
        Code = code;
        Reason = reason;
    }

#if DETAILS
    public FaultException(CODE_TYPE code, string reason, object details)
        : this(code, reason)
    {
        Details = details;
    }

#endif
#if MIXED_CODES
    /// <summary>The equipment's code: a long or a string.</summary>
#else
    /// <summary>The equipment's code.</summary>
#endif
    public CODE_TYPE Code { get; }

    /// <summary>The equipment's words, or an empty text.</summary>
    public string Reason { get; }
#if DETAILS

    /// <summary>What else the equipment says about the fault, or null.</summary>
    public object Details { get; }
#endif
#if MIXED_CODES

    /// <summary>Return true if the code is this number.</summary>
    public bool Is(long code)
    {
        return Code is long && (long)Code == code;
    }
#endif
}

/// <summary>A command has no reply. The classes below give its outcome.</summary>
public abstract class LinkException : IOException
{
    protected LinkException(string message) : base(message) { }
}

/// <summary>The command was never sent: the equipment did not get it, and you may send it again.</summary>
public sealed class NotSentException : LinkException
{
    public NotSentException(string message) : base(message) { }
}

/// <summary>
/// The command was sent, or a part of it, and then the connection ended. Nobody knows whether the equipment
/// carried it out. Never repeat a movement after this: first ask for the position.
/// </summary>
public class OutcomeUnknownException : LinkException
{
    public OutcomeUnknownException(string message) : base(message) { }
}

/// <summary>No reply came in time.</summary>
public sealed class ReplyTimeoutException : OutcomeUnknownException
{
    public ReplyTimeoutException(string message) : base(message) { }
}

/// <summary>A reply came that is not a reply to the command.</summary>
public sealed class BadReplyException : OutcomeUnknownException
{
    public BadReplyException(string message) : base(message) { }
}
#if LOGIN_CLIENT

/// <summary>The equipment did not greet or admit this program as declared.</summary>
public sealed class LoginException : LinkException
{
    public LoginException(string message) : base(message) { }
}
#endif
