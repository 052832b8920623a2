// Checks of TcpLink.cs against plain sockets. Prints one line for each check, with OK or the error.

using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using FactoryLink;

internal static class Checks
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    /// <summary>Where the peers of one check are; each check has another, see <see cref="Accept"/>.</summary>
    private static TcpListener Peer;

    private static int Port => ((IPEndPoint)Peer.LocalEndpoint).Port;

    private static void Main()
    {
        Check("without a connection nothing is sent", () =>
        {
            using (TcpLink link = TcpLink.Connecting("127.0.0.1", Port, Options()))
                return Throws<NotSentException>(() => link.Request("TRG", Long));
        });
        Check("a reply that does not come in time ends the connection, and there is another", () => WithPeer((link, peer) =>
            Throws<ReplyTimeoutException>(() => link.Request("TRG", Short))
            && peer.ReadLine() == "TRG" && peer.IsAtEnd
            && Answers(link, Accept())));
        Check("when the connection is lost the outcome of a request is unknown", () => WithPeer((link, peer) =>
        {
            Task<string> reply = link.RequestAsync("MOVE", Long);
            bool sent = peer.ReadLine() == "MOVE";
            peer.Dispose();
            return sent && Throws<OutcomeUnknownException>(() => reply.GetAwaiter().GetResult());
        }));
        Check("requests of many threads take turns, and each gets its own reply", () => WithPeer((link, peer) =>
        {
            Task echo = peer.EchoAsync(600);
            Task<string>[] awaited = Enumerable.Range(0, 300).Select(i => link.RequestAsync($"a{i}", Long)).ToArray();
            bool right = true;
            Parallel.For(0, 300, i => right &= link.Request($"b{i}", Long) == $"b{i}!");
            return Task.WaitAll(awaited, Long) && awaited.Select((each, i) => each.Result == $"a{i}!").All(each => each)
                && right && echo.Wait(Long);
        }));
        Check("events and replies are separated, also during a request", () => WithPeer((link, peer) =>
        {
            string received = null;
            link.MessageReceived += message => received = message;
            Task<string> reply = link.RequestAsync("TRG", Long);
            peer.ReadLine();
            peer.Write("ALM,7\r\nOK\r\n");
            return reply.GetAwaiter().GetResult() == "OK" && received == "ALM,7";
        }));
        Check("messages in pieces are joined, and messages in one piece are split", () => WithPeer((link, peer) =>
        {
            Task<string> reply = link.RequestAsync("TRG", Long);
            peer.ReadLine();
            foreach (byte each in Encoding.UTF8.GetBytes("좌표 전송\r\nALM,1\r\nALM,2\r\n"))
                peer.Write(each);
            return reply.GetAwaiter().GetResult() == "좌표 전송";
        }));
        Check("bytes that are not text end the connection", () => WithPeer((link, peer) =>
        {
            peer.Write(0xff, 13, 10);
            return peer.IsAtEnd && Answers(link, Accept());
        }));
        Check("a message that is too long ends the connection", () => WithPeer((link, peer) =>
        {
            peer.Write(new string('x', 1002));
            return peer.IsAtEnd && Answers(link, Accept());
        }));
        Check("a message that contains its delimiter is refused", () => WithPeer((link, peer) =>
            Throws<ArgumentException>(() => link.Send("a\r\nb")) && Answers(link, peer)));
        Check("a handler that would wait for its own thread gets an exception", () => WithPeer((link, peer) =>
        {
            var result = new TaskCompletionSource<bool>();
            link.MessageReceived += _ =>
                result.SetResult(Throws<InvalidOperationException>(() => link.Request("TRG", Long)));
            peer.Write("ALM,1\r\n");
            return result.Task.Wait(Long) && result.Task.Result;
        }));
        Check("the heartbeat finds a silent peer dead", () =>
        {
            LinkOptions options = Options();
            options.Heartbeat = "PING";
            options.HeartbeatInterval = Short;
            options.HeartbeatTimeout = Short;
            return WithPeer(options, (link, peer) => peer.ReadLine() == "PING" && peer.IsAtEnd);
        });
        Check("the same machine that connects again replaces its connection", () =>
        {
            int port = FreePort();
            using (TcpLink link = TcpLink.Listening(IPAddress.Loopback, port, Options()))
            {
                link.Start();
                var first = new PlainPeer(new TcpClient("127.0.0.1", port));
                link.WaitConnected(Long);
                var second = new PlainPeer(new TcpClient("127.0.0.1", port));
                return first.IsAtEnd && Answers(link, second);
            }
        });
        Check("a length in four bytes carries any text", () =>
        {
            LinkOptions options = Options();
            options.Framing = Framing.LengthPrefix();
            return WithPeer(options, (link, peer) =>
            {
                Task<string> reply = link.RequestAsync("a\r\nb", Long);
                bool sent = peer.Read(8) == "\0\0\0\u0004a\r\nb";
                peer.Write(0, 0, 0, 3, (byte)'O', (byte)'K', 10);
                return sent && reply.GetAwaiter().GetResult() == "OK\n";
            });
        });
        Check("a length beyond the limit ends the connection", () =>
        {
            LinkOptions options = Options();
            options.Framing = Framing.LengthPrefix(1000);
            return WithPeer(options, (link, peer) =>
            {
                peer.Write(0xff, 0xff, 0xff, 0xff);
                return peer.IsAtEnd;
            });
        });
        Check("a link that is disposed ends its threads, and the pending requests", () => WithPeer((link, peer) =>
        {
            Task<string> reply = link.RequestAsync("TRG", Long);
            peer.ReadLine();
            link.Dispose();
            link.Dispose();
            return Throws<OutcomeUnknownException>(() => reply.GetAwaiter().GetResult())
                && Throws<NotSentException>(() => link.Send("TRG"));
        }));
    }

    private static LinkOptions Options() => new LinkOptions
    {
        Framing = Framing.Delimiter("\r\n", 1000),
        IsEvent = message => message.StartsWith("ALM", StringComparison.Ordinal),
        RetryInterval = TimeSpan.FromMilliseconds(5),
    };

    private static void Check(string promise, Func<bool> holds)
    {
        string outcome;
        Peer = new TcpListener(IPAddress.Loopback, 0);
        Peer.Start();
        try
        {
            outcome = holds() ? "OK" : "no";
        }
        catch (Exception error)
        {
            outcome = error.ToString();
        }
        Peer.Stop();
        Console.WriteLine($"{promise}: {outcome}");
    }

    private static bool WithPeer(Func<TcpLink, PlainPeer, bool> check) => WithPeer(Options(), check);

    private static bool WithPeer(LinkOptions options, Func<TcpLink, PlainPeer, bool> check)
    {
        using (TcpLink link = TcpLink.Connecting("127.0.0.1", Port, options))
        {
            link.Start();
            using (PlainPeer peer = Accept())
                return link.WaitConnected(Long) && check(link, peer);
        }
    }

    /// <summary>
    /// Return the peer's end of the next connection. It does not belong to the link of an earlier check, which
    /// may have connected once more before it was disposed: that link called another listener.
    /// </summary>
    private static PlainPeer Accept() => new PlainPeer(Peer.AcceptTcpClient());

    /// <summary>Return true if the link works with this peer, once it has noticed the peer.</summary>
    private static bool Answers(TcpLink link, PlainPeer peer)
    {
        Task echo = peer.EchoAsync(1);
        for (DateTime end = DateTime.UtcNow + Long; DateTime.UtcNow < end;)
        {
            try
            {
                return link.WaitConnected(Long) && link.Request("x", Long) == "x!" && echo.Wait(Long);
            }
            catch (NotSentException)
            {
                Thread.Yield();  // the link still has the connection before this one
            }
        }
        return false;
    }

    private static bool Throws<T>(Action action) where T : Exception
    {
        try
        {
            action();
            return false;
        }
        catch (T)
        {
            return true;
        }
    }

    private static int FreePort()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return port;
    }

    /// <summary>A plain socket.</summary>
    private sealed class PlainPeer : IDisposable
    {
        private readonly TcpClient _client;
        private readonly Stream _stream;

        public PlainPeer(TcpClient client)
        {
            _client = client;
            client.NoDelay = true;
            client.ReceiveTimeout = (int)Long.TotalMilliseconds;
            _stream = client.GetStream();
        }

        /// <summary>Read all data; return true if the link has closed the connection.</summary>
        public bool IsAtEnd
        {
            get
            {
                try
                {
                    while (_stream.ReadByte() >= 0) { }
                }
                catch (IOException)
                {
                    // A reset is an end too.
                }
                return true;
            }
        }

        public string Read(int count)
        {
            var text = new StringBuilder();
            while (text.Length < count)
            {
                int next = _stream.ReadByte();
                if (next < 0)
                    throw new EndOfStreamException($"The link closed the connection after \"{text}\".");
                text.Append((char)next);
            }
            return text.ToString();
        }

        public string ReadLine()
        {
            string line = "";
            while (!line.EndsWith("\r\n", StringComparison.Ordinal))
                line += Read(1);
            return line.Substring(0, line.Length - 2);
        }

        public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

        public void Write(params byte[] bytes) => _stream.Write(bytes, 0, bytes.Length);

        public Task EchoAsync(int lines)
        {
            return Task.Factory.StartNew(() =>
            {
                for (int i = 0; i < lines; i++)
                    Write(ReadLine() + "!\r\n");
            }, TaskCreationOptions.LongRunning);
        }

        public void Dispose() => _client.Close();
    }
}
