/// <summary>One connection to the equipment. A thread reads, and each command waits for its own reply.</summary>
internal sealed class Connection
{
    private const int MostUnderWay = DEPTH;
    private static readonly Stopwatch Clock = Stopwatch.StartNew();

    private readonly TcpClient _client;
    private readonly Incoming _incoming;
    private readonly Framing _sends;
    private readonly Framing _receives;
    private readonly Func<MESSAGE, Call, bool> _takeEvent;
    private readonly Action<string> _ended;
    private readonly Thread _reader;
#if HEARTBEAT
    private Thread _beater;
#endif
    private readonly object _writing = new object();
    private readonly object _lock = new object();  // guards all that follows
    private readonly List<Call> _underWay = new List<Call>();
#if !BY_ID
    private readonly Queue<MESSAGE> _replies = new Queue<MESSAGE>();
#else
    private long _lastId;
#endif
#if QUIET
    private TimeSpan _quietUntil;
#endif
    private string _reason;  // null until the connection is over
#if HEARTBEAT
    private TimeSpan _lastReceived;
#endif

    public Connection(
        TcpClient client, Framing sends, Framing receives, Func<MESSAGE, Call, bool> takeEvent, Action<string> ended)
    {
        _client = client;
        _incoming = new Incoming(client.Client);
        _sends = sends;
        _receives = receives;
        _takeEvent = takeEvent;
        _ended = ended;
        _reader = new Thread(ReadAll) { IsBackground = true, Name = "reads DEVICE" };
    }

    /// <summary>The reason why the connection is over, in words; null while it is open.</summary>
    public string Reason
    {
        get { lock (_lock) return _reason; }
    }
#if LOGIN_CLIENT

    /// <summary>Wait for a text of the equipment before the first command, and check its beginning.</summary>
    public void Expect(string expected)
    {
        byte[] message = _receives.Read(_incoming);
        string text = message == null ? "" : Messages.TextOf(message);
        if (message == null || !text.StartsWith(expected.TrimEnd(), StringComparison.Ordinal))
            throw new LoginException("the equipment said \"" + text + "\", but \"" + expected + "\" was expected");
    }

    /// <summary>Answer a text of the equipment before the first command.</summary>
    public void Answer(string text)
    {
        byte[] wrapped = _sends.Wrap(Messages.BytesOf(text));
        _client.GetStream().Write(wrapped, 0, wrapped.Length);
    }
#endif

    /// <summary>Begin to read.</summary>
    public void Start()
    {
#if HEARTBEAT
        _lastReceived = Clock.Elapsed;
#endif
        _reader.Start();
    }

    /// <summary>Send a command, and return what a function reads from its reply.</summary>
#if INTERIM
    public T Ask<T>(TimeSpan timeout, Func<Call, byte[]> request, Func<Call, T> read, params string[] interim)
#else
    public T Ask<T>(TimeSpan timeout, Func<Call, byte[]> request, Func<Call, T> read)
#endif
    {
        if (Thread.CurrentThread == _reader)
            throw new InvalidOperationException(
                "A handler of an event cannot wait for a reply, because it runs in the thread that reads replies. "
                + "Let another thread send the command, for example with Task.Run.");
#if INTERIM
        Call call = Begin(timeout, request, true, interim);
#else
        Call call = Begin(timeout, request, true);
#endif
        try
        {
            T result = read(call);
            Finish(call);
            return result;
        }
        catch (FaultException)
        {
            Finish(call);
            throw;
        }
        catch (Exception error) when (error is FormatException || error is RangeException)
        {
            Finish(call);
#if !BY_ID
            End("a reply made no sense, so later ones could answer the wrong command: " + error.Message);
#endif
            throw new BadReplyException("The reply makes no sense: " + error.Message);
        }
    }
#if COMMANDS_WITHOUT_REPLY

    /// <summary>Send a command that has no reply.</summary>
    public void Send(TimeSpan timeout, Func<Call, byte[]> request)
    {
        Begin(timeout, request, false);
    }
#endif

    /// <summary>End the connection, and tell why.</summary>
    public void End(string reason)
    {
        lock (_lock)
        {
            if (_reason != null)
                return;
            _reason = reason;
            Monitor.PulseAll(_lock);
        }
        _client.Close();
    }

    /// <summary>End the connection, and wait until its end was told.</summary>
    public void Close(string reason)
    {
        End(reason);
        if (Thread.CurrentThread != _reader)
            _reader.Join();
    }

    /// <summary>Wait for the turn of a command, and write it.</summary>
#if INTERIM
    private Call Begin(TimeSpan timeout, Func<Call, byte[]> request, bool hasReply, params string[] interim)
    {
        var call = new Call(this, timeout) { Interim = interim };
#else
    private Call Begin(TimeSpan timeout, Func<Call, byte[]> request, bool hasReply)
    {
        var call = new Call(this, timeout);
#endif
        TimeSpan turnEnds = Clock.Elapsed + timeout;
#if BY_ID
        call.Id = NewId();
#endif
        byte[] wrapped = _sends.Wrap(request(call));
        if (!Monitor.TryEnter(_writing, timeout))
            throw new NotSentException("The turn of the command did not come in time.");
        try
        {
            TakeTurn(call, turnEnds, hasReply);
            Write(wrapped);
        }
        finally
        {
            Monitor.Exit(_writing);
        }
        return call;
    }

    private void TakeTurn(Call call, TimeSpan turnEnds, bool hasReply)
    {
        lock (_lock)
        {
#if QUIET
            while (_reason == null && (_underWay.Count >= MostUnderWay || Clock.Elapsed < _quietUntil))
#else
            while (_reason == null && _underWay.Count >= MostUnderWay)
#endif
            {
                TimeSpan left = turnEnds - Clock.Elapsed;
                if (left <= TimeSpan.Zero)
                    throw new NotSentException("The turn of the command did not come in time.");
#if QUIET
                if (_underWay.Count < MostUnderWay && _quietUntil - Clock.Elapsed < left)
                    left = _quietUntil - Clock.Elapsed + TimeSpan.FromMilliseconds(1);
#endif
                Monitor.Wait(_lock, left);
            }
            if (_reason != null)
                throw new NotSentException("There is no connection: " + _reason);
            if (hasReply)
                _underWay.Add(call);
#if QUIET
            else
                _quietUntil = Clock.Elapsed + TimeSpan.FromSeconds(QUIET_SECONDS);
#endif
            call.Deadline = Clock.Elapsed + call.Timeout;
        }
    }

    private void Write(byte[] wrapped)
    {
        try
        {
            _client.GetStream().Write(wrapped, 0, wrapped.Length);
        }
        catch (Exception error) when (error is IOException || error is InvalidOperationException)
        {
            End(error.Message);
            throw new OutcomeUnknownException("The connection was lost while the command was sent: " + Reason);
        }
    }

    /// <summary>Note that the reply to a command is complete.</summary>
    private void Finish(Call call)
    {
        lock (_lock)
        {
            _underWay.Remove(call);
#if QUIET
            _quietUntil = Clock.Elapsed + TimeSpan.FromSeconds(QUIET_SECONDS);
#endif
            Monitor.PulseAll(_lock);
#if !BY_ID
            if (_underWay.Count > 0 || _replies.Count == 0)
                return;
#endif
        }
#if !BY_ID
        End("more came than the reply to a command, so later replies could answer the wrong command");
#endif
    }

    /// <summary>Wait for the next message of the reply to a command; null if none comes in time.</summary>
    internal MESSAGE NextOrNull(Call call)
    {
        lock (_lock)
        {
            while (true)
            {
#if BY_ID
                if (call.Replies.Count > 0)
                    return call.Replies.Dequeue();
#else
                if (_replies.Count > 0 && _underWay[0] == call)
                    return _replies.Dequeue();
#endif
                if (_reason != null)
                {
                    _underWay.Remove(call);
                    throw new OutcomeUnknownException(
                        "The command was sent, and then the connection ended: " + _reason);
                }
                TimeSpan left = call.Deadline - Clock.Elapsed;
                if (left <= TimeSpan.Zero)
                    return null;
                Monitor.Wait(_lock, left);
            }
        }
    }

    /// <summary>Wait for the next message of the reply to a command.</summary>
    internal MESSAGE Next(Call call)
    {
        MESSAGE message = NextOrNull(call);
        if (message != null)
            return message;
        lock (_lock)
            _underWay.Remove(call);
        string within = call.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture) + " s";
#if !BY_ID
#if HEARTBEAT
        string what = Thread.CurrentThread == _beater ? "a heartbeat" : "a command";
#else
        const string what = "a command";
#endif
        End("no reply to " + what + " within " + within + ", and a late one must not answer the next command");
#endif
        throw new ReplyTimeoutException("No reply within " + within + ".");
    }
#if RENEWED

    /// <summary>Begin the timeout of a command anew.</summary>
    internal void Renew(Call call, TimeSpan timeout)
    {
        lock (_lock)
        {
            call.Timeout = timeout;
            call.Deadline = Clock.Elapsed + timeout;
            Monitor.PulseAll(_lock);
        }
    }
#endif
#if BY_ID

    private long NewId()
    {
        lock (_lock)
        {
            do
                _lastId = _lastId % LARGEST_ID + 1;
            while (_underWay.Exists(each => each.Id == _lastId));
            return _lastId;
        }
    }
#endif

    /// <summary>The thread that reads.</summary>
    private void ReadAll()
    {
        try
        {
            for (byte[] bytes = _receives.Read(_incoming); bytes != null; bytes = _receives.Read(_incoming))
            {
                Call oldest;
                lock (_lock)
                {
#if HEARTBEAT
                    _lastReceived = Clock.Elapsed;
#endif
                    oldest = _underWay.Count > 0 ? _underWay[0] : null;
                }
                MESSAGE message = Messages.Read(bytes);
                if (!_takeEvent(message, oldest))
                    TakeReply(message);
            }
            End("the equipment closed the connection");
        }
        catch (Exception error) when (error is IOException || error is SocketException
            || error is ObjectDisposedException || error is InvalidDataException || error is FormatException
            || error is RangeException
            || error is DecoderFallbackException)
        {
            End(error.Message);
        }
        catch (Exception error)
        {
            End("a handler of an event failed: " + error);
        }
        _ended(Reason);
    }

    private void TakeReply(MESSAGE message)
    {
#if BY_ID
        long? id = Messages.IdOf(message);
        lock (_lock)
        {
            Call call = _underWay.Find(each => each.Id == id);
            if (call != null)  // otherwise its reply came too late
                call.Replies.Enqueue(message);
            Monitor.PulseAll(_lock);
        }
#else
        lock (_lock)
        {
            if (_underWay.Count > 0)
            {
                _replies.Enqueue(message);
                Monitor.PulseAll(_lock);
                return;
            }
        }
        End("a message came that is no event, and no command waits for a reply");
#endif
    }
#if HEARTBEAT

    /// <summary>Ask whether the equipment is alive whenever the connection is idle, in a thread of its own.</summary>
    public void Beat(TimeSpan interval, Action ask)
    {
        _beater = new Thread(() => BeatUntilOver(interval, ask)) { IsBackground = true, Name = "heartbeat DEVICE" };
        _beater.Start();
    }

    private void BeatUntilOver(TimeSpan interval, Action ask)
    {
        while (WaitIdle(interval))
        {
            try
            {
                ask();
            }
            catch (FaultException)
            {
                // The equipment is alive, and says no.
            }
            catch (NotSentException)
            {
                // A command is under way, or the connection is over.
            }
            catch (OutcomeUnknownException error)
            {
                End("the equipment did not answer a heartbeat: " + error.Message);
            }
        }
    }

    /// <summary>Wait until nothing has come for a while; false if the connection is over.</summary>
    private bool WaitIdle(TimeSpan interval)
    {
        lock (_lock)
        {
            TimeSpan until = Clock.Elapsed + interval;
            while (_reason == null)
            {
                TimeSpan left = until - Clock.Elapsed;
                if (left > TimeSpan.Zero)
                    Monitor.Wait(_lock, left);
                else if (_lastReceived + interval > Clock.Elapsed)
                    until = _lastReceived + interval;
#if !BUSY_HEARTBEAT
                else if (_underWay.Count > 0)
                    until = Clock.Elapsed + interval;
#endif
                else
                    return true;
            }
            return false;
        }
    }
#endif
}

/// <summary>A command that waits for its reply.</summary>
internal sealed class Call
{
    private readonly Connection _connection;

    public Call(Connection connection, TimeSpan timeout)
    {
        _connection = connection;
        Timeout = timeout;
    }
#if BY_ID

    public long Id;
    public readonly Queue<MESSAGE> Replies = new Queue<MESSAGE>();
#endif
#if HEADER

    /// <summary>The values that its header has.</summary>
    public Header Sent;

    /// <summary>The values for later commands, some of which the host learns from replies.</summary>
    public Header Learned;
#endif
#if INTERIM

    /// <summary>The events that say that the reply still takes time.</summary>
    public string[] Interim = new string[0];
#endif

    public TimeSpan Timeout;

    /// <summary>The time at which the reply is overdue.</summary>
    public TimeSpan Deadline;

    /// <summary>Wait for the next message of the reply.</summary>
    public MESSAGE Next()
    {
        return _connection.Next(this);
    }
#if SILENCE

    /// <summary>Wait for the next message of the reply; null if none comes in time.</summary>
    public MESSAGE NextOrNull()
    {
        return _connection.NextOrNull(this);
    }
#endif
#if RENEWED

    /// <summary>Begin the timeout anew.</summary>
    public void Renew(TimeSpan timeout)
    {
        _connection.Renew(this, timeout);
    }
#endif
}
