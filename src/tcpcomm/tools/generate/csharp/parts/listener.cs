/// <summary>Accepts hosts at a port, each in a thread of its own.</summary>
internal sealed class Listener
{
    private readonly TcpListener _listener;
    private readonly Action<TcpClient> _serve;
    private volatile bool _isClosed;

    public Listener(IPAddress address, int port, Action<TcpClient> serve)
    {
        _listener = new TcpListener(address, port);
        if (Environment.OSVersion.Platform == PlatformID.Win32NT)
            _listener.ExclusiveAddressUse = true;  // otherwise another program could listen here, too
        _serve = serve;
    }

    public int Port
    {
        get { return ((IPEndPoint)_listener.LocalEndpoint).Port; }
    }

    public void Start()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true, Name = "accepts hosts of DEVICE" }.Start();
    }

    public void Close()
    {
        _isClosed = true;
        _listener.Stop();
    }

    private void Accept()
    {
        while (!_isClosed)
        {
            TcpClient client;
            try
            {
                client = _listener.AcceptTcpClient();
            }
            catch (Exception error) when (error is SocketException || error is InvalidOperationException)
            {
                if (!_isClosed)
                    Thread.Sleep(100);  // the host was gone before it was accepted, or there is no handle left
                continue;
            }
            new Thread(() => _serve(client)) { IsBackground = true, Name = "serves a host of DEVICE" }.Start();
        }
    }
}

/// <summary>One connection of a host.</summary>
internal sealed class HostSession
{
    private readonly TcpClient _client;
    private readonly Framing _sends;
    private readonly Framing _receives;
    private readonly Incoming _incoming;
    private readonly object _writing = new object();
    private volatile string _reason;

    public HostSession(TcpClient client, Framing sends, Framing receives, TimeSpan sendTimeout)
    {
        _client = client;
        _client.NoDelay = true;
        _client.SendTimeout = (int)sendTimeout.TotalMilliseconds;
        _sends = sends;
        _receives = receives;
        _incoming = new Incoming(client.Client);
        Peer = client.Client.RemoteEndPoint.ToString();
    }

    public string Peer { get; }
#if EVENT_HEADER

    /// <summary>The values in the header of its last request.</summary>
    public Header Header { get; set; } = new Header();
#endif

    /// <summary>The reason why the session is over, in words; null while it is open.</summary>
    public string Reason
    {
        get { return _reason; }
    }

    /// <summary>Wait for the next message; null at the end.</summary>
    public byte[] Read()
    {
        return _receives.Read(_incoming);
    }

    /// <summary>Send messages to the host. If that is not possible, the session ends.</summary>
    public void Send(params byte[][] messages)
    {
        var bytes = new MemoryStream();
        foreach (byte[] message in messages)
        {
            byte[] wrapped = _sends.Wrap(message);
            bytes.Write(wrapped, 0, wrapped.Length);
        }
        SendBytes(bytes.ToArray());
    }

    /// <summary>Send bytes without a framing.</summary>
    public void SendBytes(byte[] bytes)
    {
        try
        {
            lock (_writing)
                _client.GetStream().Write(bytes, 0, bytes.Length);
        }
        catch (Exception error) when (error is IOException || error is InvalidOperationException)
        {
            End(error.Message);
        }
    }

    public void End(string reason)
    {
        _reason = _reason ?? reason;
        _client.Close();
    }
}
