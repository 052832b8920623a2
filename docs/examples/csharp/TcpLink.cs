// A TCP link that sends and receives whole messages, notices a dead peer, and reconnects.
//
// Copy this file and Framing.cs into your project. They need .NET Framework 4.6.1 or later, .NET, or Mono,
// a compiler for C# 6 (Visual Studio 2015 or later), and nothing else.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace FactoryLink
{
    /// <summary>A message could not be exchanged. The classes below give its outcome.</summary>
    public abstract class LinkException : IOException
    {
        protected LinkException(string message) : base(message) { }
    }

    /// <summary>The message was never sent: the peer did not get it, and you may send it again.</summary>
    public sealed class NotSentException : LinkException
    {
        public NotSentException(string message) : base(message) { }
    }

    /// <summary>
    /// The message was sent, or a part of it, and then the connection was lost. Nobody knows whether the peer
    /// acted on it. Never repeat a movement after this: first ask for the position.
    /// </summary>
    public class OutcomeUnknownException : LinkException
    {
        public OutcomeUnknownException(string message) : base(message) { }
    }

    /// <summary>No reply came in time. The link drops the connection, so that a late reply answers nothing else.</summary>
    public sealed class ReplyTimeoutException : OutcomeUnknownException
    {
        public ReplyTimeoutException(string message) : base(message) { }
    }

    /// <summary>The settings of a link. Change them before you make the link, not after.</summary>
    public sealed class LinkOptions
    {
        /// <summary>The rule for the ends of messages.</summary>
        public Framing Framing { get; set; } = Framing.Delimiter("\r\n");

        /// <summary>The encoding of text. It should throw for a character that it lacks, not write a question mark.</summary>
        public Encoding Encoding { get; set; } = new UTF8Encoding(false, true);

        /// <summary>Returns true for a message that the peer sends unasked, false for a reply.</summary>
        public Func<string, bool> IsEvent { get; set; } = message => false;

        /// <summary>A message that a live peer answers; null: only TCP notices a dead peer, very late.</summary>
        public string Heartbeat { get; set; }

        /// <summary>The idle time before the link sends a heartbeat.</summary>
        public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>The time that the peer has to answer a heartbeat.</summary>
        public TimeSpan HeartbeatTimeout { get; set; } = TimeSpan.FromSeconds(3);

        /// <summary>The time that an attempt to connect may take.</summary>
        public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

        /// <summary>The time between two attempts.</summary>
        public TimeSpan RetryInterval { get; set; } = TimeSpan.FromMilliseconds(500);

        /// <summary>The time that a write may wait for a peer that does not read.</summary>
        public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(5);
    }

    /// <summary>
    /// A link to one peer that outlives its connections. It connects, or lets the peer connect. It does so
    /// again whenever the connection is lost, until it is disposed. Any thread may use all members.
    /// </summary>
    /// <remarks>
    /// The link queues nothing without a connection, and never sends a message twice. It raises its events
    /// in its own reading thread, one after another; a window updates its controls from there with
    /// BeginInvoke. An exception in a handler of MessageReceived ends the connection, and becomes its reason.
    /// </remarks>
    public sealed class TcpLink : IDisposable
    {
        private readonly LinkOptions _options;
        private readonly string _name;
        private readonly Func<TcpClient> _open;
        private readonly TcpListener _listener;  // null if we connect
        private readonly Thread _opener;
        private readonly Thread _beater;  // null without heartbeats
        private readonly ManualResetEventSlim _connected = new ManualResetEventSlim();
        private readonly CancellationTokenSource _disposed = new CancellationTokenSource();
        private volatile Session _session;
        private volatile string _trouble = "nobody has connected yet";

        private TcpLink(string name, TcpListener listener, Func<TcpClient> open, LinkOptions options)
        {
            _name = name;
            _listener = listener;
            _open = open;
            _options = options;
            _opener = new Thread(Run) { IsBackground = true, Name = $"link {name}" };
            if (options.Heartbeat != null)
                _beater = new Thread(Beat) { IsBackground = true, Name = $"heartbeat {name}" };
        }

        /// <summary>Make a link that connects to a peer. Subscribe to its events, then start it.</summary>
        public static TcpLink Connecting(string host, int port, LinkOptions options)
        {
            return new TcpLink($"to {host}:{port}", null, () => Dial(host, port, options), options);
        }

        /// <summary>
        /// Make a link that a peer connects to: at IPAddress.Loopback from this machine only, at IPAddress.Any
        /// from any machine. When the same machine connects again, the new connection replaces the old one;
        /// while it is connected, it refuses other machines.
        /// </summary>
        public static TcpLink Listening(IPAddress address, int port, LinkOptions options)
        {
            var listener = new TcpListener(address, port);
            if (Environment.OSVersion.Platform == PlatformID.Win32NT)
                listener.ExclusiveAddressUse = true;  // otherwise another program could listen here too
            return new TcpLink($"at {address}:{port}", listener, listener.AcceptTcpClient, options);
        }

        /// <summary>Raised for a message that is not a reply to a request.</summary>
        public event Action<string> MessageReceived;

        /// <summary>Raised when the connection is made or lost, with the reason.</summary>
        public event Action<bool, string> ConnectionChanged;

        /// <summary>True if there is a connection now. It may be lost a moment later.</summary>
        public bool IsConnected => _connected.IsSet;

        /// <summary>Start to connect, or to listen.</summary>
        /// <exception cref="SocketException">The port to listen at is in use.</exception>
        public void Start()
        {
            _listener?.Start();
            _opener.Start();
            _beater?.Start();
        }

        /// <summary>Wait until there is a connection; return false if there is none in time.</summary>
        public bool WaitConnected(TimeSpan timeout) => _connected.Wait(timeout);

        /// <summary>Send a message that has no reply.</summary>
        /// <exception cref="NotSentException">There is no connection.</exception>
        /// <exception cref="OutcomeUnknownException">The connection was lost while the message was sent.</exception>
        public void Send(string message)
        {
            byte[] wrapped = Wrap(message);
            CurrentSession().Write(wrapped);
        }

        /// <summary>
        /// Send a message and wait for its reply. Requests take turns, one at a time. A program
        /// with windows awaits <see cref="RequestAsync"/> instead, or its windows freeze.
        /// </summary>
        /// <param name="message">The request.</param>
        /// <param name="timeout">The time to wait for the turn and the reply together.</param>
        /// <exception cref="NotSentException">The request was never sent, and you may send it again.</exception>
        /// <exception cref="OutcomeUnknownException">The request was sent, and its outcome is not known.</exception>
        public string Request(string message, TimeSpan timeout)
        {
            // Not RequestAsync(...).Result: if all threads of the pool wait for it, no thread can continue.
            byte[] wrapped = Wrap(message);
            Session session = CurrentSession();
            if (Thread.CurrentThread == session.Reader)
                throw new InvalidOperationException("A handler that waits for a reply keeps it from coming.");
            PendingRequest request = session.Ask(wrapped);
            if (!((IAsyncResult)request.Reply).AsyncWaitHandle.WaitOne(timeout))
                session.GiveUp(request, timeout);
            return request.Reply.GetAwaiter().GetResult();
        }

        /// <summary>Send a message and wait for its reply, with await.</summary>
        public async Task<string> RequestAsync(string message, TimeSpan timeout)
        {
            byte[] wrapped = Wrap(message);
            Session session = CurrentSession();
            PendingRequest request = session.Ask(wrapped);
            using (var stopTimer = new CancellationTokenSource())
            {
                Task timer = Task.Delay(timeout, stopTimer.Token);
                if (await Task.WhenAny(request.Reply, timer).ConfigureAwait(false) == timer)
                    session.GiveUp(request, timeout);
                stopTimer.Cancel();
            }
            return await request.Reply.ConfigureAwait(false);
        }

        /// <summary>Close the connection, and make no other one.</summary>
        public void Dispose()
        {
            if (_disposed.IsCancellationRequested)
                return;
            _disposed.Cancel();
            _listener?.Stop();
            _session?.End(new OutcomeUnknownException("The link was disposed."));
            if (_opener.IsAlive && Thread.CurrentThread != _session?.Reader)
                _opener.Join();
        }

        private static TcpClient Dial(string host, int port, LinkOptions options)
        {
            var client = new TcpClient();
            try
            {
                if (client.ConnectAsync(host, port).Wait(options.ConnectTimeout))
                    return client;
                throw new TimeoutException($"no answer within {options.ConnectTimeout.TotalSeconds} s");
            }
            catch
            {
                client.Close();
                throw;
            }
        }

        /// <summary>The thread that opens connections, one after another.</summary>
        private void Run()
        {
            while (!_disposed.IsCancellationRequested)
            {
                try
                {
                    Admit(_open());
                }
                catch (Exception error) when (error is SocketException || error is AggregateException
                    || error is TimeoutException || error is ObjectDisposedException
                    || error is InvalidOperationException)
                {
                    _trouble = error.GetBaseException().Message;  // shown to a caller who wants to send
                }
                if (_listener == null)
                {
                    _session?.Reader.Join();
                    _disposed.Token.WaitHandle.WaitOne(_options.RetryInterval);
                }
            }
            _session?.Reader.Join();
        }

        private void Admit(TcpClient client)
        {
            Session before = _session;
            var session = new Session(client, _options);
            if (before != null && !before.IsOver && !before.Peer.Equals(session.Peer))
            {
                session.End(new OutcomeUnknownException("Another peer is connected."));
                return;
            }
            before?.End(new OutcomeUnknownException("The peer connected again."));
            before?.Reader.Join();
            session.Reader = new Thread(() => ReadAll(session)) { IsBackground = true, Name = $"read {_name}" };
            _session = session;
            session.Reader.Start();
            if (_disposed.IsCancellationRequested)
                session.End(new OutcomeUnknownException("The link was disposed."));
        }

        /// <summary>The thread that reads one connection.</summary>
        private void ReadAll(Session session)
        {
            try
            {
                _connected.Set();
                ConnectionChanged?.Invoke(true, $"connected {_name}");
                for (string message = session.Read(); message != null; message = session.Read())
                    if (_options.IsEvent(message) || !session.TakeReply(message))
                        MessageReceived?.Invoke(message);
                session.End(new OutcomeUnknownException("The peer closed the connection."));
            }
            catch (Exception error) when (error is IOException || error is ObjectDisposedException
                || error is InvalidDataException || error is DecoderFallbackException)
            {
                session.End(new OutcomeUnknownException(error.Message));
            }
            catch (Exception error)
            {
                session.End(new OutcomeUnknownException($"A handler failed: {error}"));
            }
            _connected.Reset();
            ConnectionChanged?.Invoke(false, session.Reason);
        }

        /// <summary>The thread that sends a heartbeat whenever the connection is idle.</summary>
        private void Beat()
        {
            while (!_disposed.Token.WaitHandle.WaitOne(_options.HeartbeatInterval))
            {
                Session session = _session;
                if (session == null || session.IsOver || session.Idle < _options.HeartbeatInterval)
                    continue;
                try
                {
                    Request(_options.Heartbeat, _options.HeartbeatTimeout);
                }
                catch (LinkException)
                {
                    // The connection was dropped, which the handlers learn; or a request was in progress.
                }
            }
        }

        private byte[] Wrap(string message) => _options.Framing.Wrap(_options.Encoding.GetBytes(message));

        private Session CurrentSession()
        {
            Session session = _session;
            if (session == null || session.IsOver)
                throw new NotSentException($"There is no connection {_name}: {session?.Reason ?? _trouble}");
            return session;
        }
    }

    /// <summary>A request that waits for its turn, or for its reply.</summary>
    internal sealed class PendingRequest
    {
        private readonly TaskCompletionSource<string> _reply =
            new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);

        public PendingRequest(byte[] wrapped)
        {
            Wrapped = wrapped;
        }

        public byte[] Wrapped { get; }

        public Task<string> Reply => _reply.Task;

        public void Settle(string reply) => _reply.TrySetResult(reply);

        public void Settle(LinkException error) => _reply.TrySetException(error);
    }

    /// <summary>One connection.</summary>
    internal sealed class Session
    {
        private readonly TcpClient _client;
        private readonly LinkOptions _options;
        private readonly NetworkStream _output;
        private readonly BufferedStream _input;
        private readonly object _writing = new object();
        private readonly object _gate = new object();  // guards the fields below
        private readonly LinkedList<PendingRequest> _requests = new LinkedList<PendingRequest>();
        private OutcomeUnknownException _over;
        private DateTime _lastRead = DateTime.UtcNow;

        public Session(TcpClient client, LinkOptions options)
        {
            _client = client;
            _options = options;
            Peer = ((IPEndPoint)client.Client.RemoteEndPoint).Address;
            client.NoDelay = true;
            client.SendTimeout = (int)options.SendTimeout.TotalMilliseconds;
            client.Client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            _output = client.GetStream();
            _input = new BufferedStream(_output, 64 * 1024);
        }

        public IPAddress Peer { get; }

        public Thread Reader { get; set; }

        public bool IsOver => Reason != null;

        public string Reason
        {
            get { lock (_gate) return _over?.Message; }
        }

        public TimeSpan Idle
        {
            get { lock (_gate) return DateTime.UtcNow - _lastRead; }
        }

        /// <summary>Wait for the next message; return null at the end.</summary>
        public string Read()
        {
            byte[] message = _options.Framing.Read(_input);
            lock (_gate)
                _lastRead = DateTime.UtcNow;
            return message == null ? null : _options.Encoding.GetString(message);
        }

        public void Write(byte[] wrapped)
        {
            try
            {
                lock (_writing)  // so that messages from several threads are not mixed
                    _output.Write(wrapped, 0, wrapped.Length);
            }
            catch (Exception error) when (error is IOException || error is ObjectDisposedException)
            {
                var lost = new OutcomeUnknownException($"The message was not sent whole: {error.Message}");
                End(lost);
                throw lost;
            }
        }

        /// <summary>Write a request, now if no other is in progress, otherwise in its turn.</summary>
        public PendingRequest Ask(byte[] wrapped)
        {
            var request = new PendingRequest(wrapped);
            lock (_gate)
            {
                if (_over != null)
                    throw new NotSentException($"The connection was lost: {_over.Message}");
                _requests.AddLast(request);
                if (_requests.Count > 1)
                    return request;
            }
            Write(wrapped);
            return request;
        }

        /// <summary>Give a message to the request in progress; return false if there is none.</summary>
        public bool TakeReply(string message)
        {
            PendingRequest answered, next;
            lock (_gate)
            {
                if (_requests.Count == 0)
                    return false;
                answered = _requests.First.Value;
                _requests.RemoveFirst();
                next = _requests.First?.Value;
            }
            answered.Settle(message);
            if (next != null)
                Write(next.Wrapped);
            return true;
        }

        /// <summary>Remove a request for which nobody waits.</summary>
        public void GiveUp(PendingRequest request, TimeSpan timeout)
        {
            lock (_gate)
            {
                if (_requests.First?.Value == request)
                    End(new ReplyTimeoutException($"No reply came within {timeout.TotalSeconds} s."));
                else if (_requests.Remove(request))  // otherwise its reply has just come
                    request.Settle(new NotSentException($"Its turn did not come in {timeout.TotalSeconds} s."));
            }
        }

        /// <summary>Close the connection for this reason. The first reason is kept.</summary>
        public void End(OutcomeUnknownException reason)
        {
            PendingRequest[] requests;
            lock (_gate)
            {
                if (_over != null)
                    return;
                _over = reason;
                requests = _requests.ToArray();
                _requests.Clear();
            }
            for (int i = 0; i < requests.Length; i++)
                requests[i].Settle(i == 0 ? (LinkException)reason : new NotSentException(reason.Message));
            try
            {
                _client.Client.Shutdown(SocketShutdown.Both);  // wakes the reader
            }
            catch (SocketException)
            {
                // The other side has closed it already.
            }
            _client.Close();
        }
    }
}
