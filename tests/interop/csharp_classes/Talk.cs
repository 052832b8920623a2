// The generated classes talk to the Python side of the test (client NAME PORT, server NAME), and to plain sockets.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

internal static class Talk
{
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private static int Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        CultureInfo.DefaultThreadCurrentCulture = new CultureInfo("de-DE");  // writes 12,5 for 12.5
        Thread.CurrentThread.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture;
        if (args[0] == "client")
            Ask(args[1], int.Parse(args[2]));
        else if (args[0] == "server")
            Serve(args[1]);
        else
            Checks.Run();
        return 0;
    }

    private static void Ask(string name, int port)
    {
        if (name == "text")
            TextTalk.Ask(port);
        else if (name == "json")
            JsonTalk.Ask(port);
        else if (name == "binary")
            BinaryTalk.Ask(port);
        else if (name == "headed")
            HeadedTalk.Ask(port);
        else
            RpcTalk.Ask(port);
    }

    /// <summary>Serve until the standard input ends.</summary>
    private static void Serve(string name)
    {
        if (name == "text")
            ServeUntilEnd(new TextTalk.Server(), each => each.Start(), each => each.Port);
        else if (name == "json")
            ServeUntilEnd(new JsonTalk.Server(), each => each.Start(), each => each.Port);
        else if (name == "binary")
            ServeUntilEnd(new BinaryTalk.Server(), each => each.Start(), each => each.Port);
        else if (name == "headed")
            ServeUntilEnd(new HeadedTalk.Server(), each => each.Start(), each => each.Port);
        else
            ServeUntilEnd(new RpcTalk.Server(), each => each.Start(), each => each.Port);
    }

    private static void ServeUntilEnd<T>(T server, Action<T> start, Func<T, int> port) where T : IDisposable
    {
        using (server)
        {
            start(server);
            Say(port(server));
            Console.In.ReadToEnd();
        }
    }

    public static void Say(object value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture);
        lock (Console.Out)
        {
            Console.WriteLine(text);
            Console.Out.Flush();
        }
    }

    /// <summary>Say what kind of error an action throws, and its words.</summary>
    public static void SayError(Action action)
    {
        try
        {
            action();
            Say("no error");
        }
        catch (Exception error)
        {
            Say(error.GetType().Name + ": " + error.Message.Split('\r', '\n')[0]);
        }
    }
}

internal static class TextTalk
{
    public static void Ask(int port)
    {
        using (var cell = new TextCell.TextCellClient("127.0.0.1", port) { User = "robot", Password = "geheim" })
        {
            var alarms = new BlockingCollection<string>();
            cell.Alarm += (code, text) => alarms.Add(code + " " + text);
            cell.Closed += reason => Talk.Say("closed: " + reason);
            cell.Connect();
            TextCell.TextValues it = cell.Get();
            cell.Put(
                it.Whole, it.Wide, it.Zeros, it.Digits, it.SignedBits, it.LittleBits, it.FloatBits, it.Free, it.Fixed,
                it.Signed, it.Exponent, it.General, it.Scaled, it.AnyDecimals, it.Money, it.Name, it.Padded, it.Right,
                it.Quoted, it.On, it.Judgement, it.Mode, it.Letter, it.Raw, it.Numbers, it.Points, it.Unit, it.Code,
                it.Count);
            Talk.Say(cell.Total(40));
            Talk.Say(string.Join("|", cell.Steps(3).Select(each => each.Number + each.Text)));
            Talk.Say(string.Join("|", cell.Log()));
            TextCell.Scan scan = cell.Scan();
            Talk.Say(scan.Title + " " + string.Join(";", scan.Values.Select(
                each => each.ToString(CultureInfo.InvariantCulture))));
            for (int job = 1; job <= 4; job++)
                Talk.Say(cell.Find(job) ?? "nothing");
            Talk.SayError(() => cell.Find(5));
            Talk.Say(cell.Measure(1));
            Talk.Say(cell.Measure(2) == null);
            Talk.SayError(() => cell.Measure(3));
            Talk.Say(cell.Move(-1.5));
            cell.Set(1);
            Talk.SayError(() => cell.Set(2));
            cell.Work();
            cell.Note("한글 note");
            Talk.SayError(() => cell.Note("two\r\nlines"));
            Talk.SayError(() => cell.Total(100));
            Talk.Say(alarms.Take());
        }
    }

    public sealed class Server : TextCell.TextCellServer
    {
        private TextCell.TextValues _kept;
        private string _note;

        public Server() : base(IPAddress.Loopback, 0)
        {
            HostDisconnected += (peer, reason) => Talk.Say("gone: " + reason);
            CommandFailed += error => Talk.Say("failed: " + error.Message);
        }

        protected override bool Authenticate(string user, string password)
        {
            return user == "robot" && password == "geheim";
        }

        protected override void Ping() { }

        protected override void Put(
            long whole, long wide, long zeros, long digits, long signedBits, long littleBits, double floatBits, double free,
            double @fixed, double signed, double exponent, double general, double scaled, double anyDecimals, decimal money,
            string name, string padded, string right, string quoted, bool on, TextCell.Judgement judgement, TextCell.Mode mode,
            string letter, byte[] raw, IReadOnlyList<double> numbers, IReadOnlyList<TextCell.Point> points, string unit,
            long? code, long count)
        {
            _kept = new TextCell.TextValues(
                whole, wide, zeros, digits, signedBits, littleBits, floatBits, free, @fixed, signed, exponent, general, scaled,
                anyDecimals, money, name, padded, right, quoted, on, judgement, mode, letter, raw, numbers, points, unit, code,
                count);
        }

        protected override TextCell.TextValues Get()
        {
            return _kept;
        }

        protected override long Total(int a, long b)
        {
            return a + b;
        }

        protected override IReadOnlyList<TextCell.Step> Steps(long count)
        {
            return Enumerable.Range(1, (int)count).Select(each => new TextCell.Step(each, "step " + each)).ToList();
        }

        protected override IReadOnlyList<string> Log()
        {
            return new[] { "first", "둘째", "" };
        }

        protected override TextCell.Scan Scan()
        {
            return new TextCell.Scan("top", new[] { 0.5, -2.0 });
        }

        protected override double? Measure(long job)
        {
            if (job == 3)
                throw new TextCell.FaultException(8, "");
            return job == 1 ? 12.5 : job == 2 ? (double?)null : -999.9999;
        }

        protected override object Find(long job)
        {
            if (job == 1)
                return new TextCell.Found(1.5, 0.25);
            if (job == 2)
                return new TextCell.Lost(7);
            if (job == 3)
                return null;
            if (job == 4)
                throw new TextCell.FaultException(4, "부품 없음");
            throw new InvalidOperationException("a bug");
        }

        protected override double Move(double to)
        {
            return to;
        }

        protected override void Set(long value)
        {
            if (value == 2)
                throw new TextCell.FaultException(2, "too much");
        }

        protected override void Work()
        {
            for (int percent = 20; percent <= 80; percent += 20)
            {
                Thread.Sleep(200);
                SendBusy(percent);
            }
        }

        protected override void Note(string text)
        {
            _note = text;
            SendAlarm(9, "noted " + _note);
        }
    }
}

internal static class JsonTalk
{
    public static void Ask(int port)
    {
        using (var cell = new JsonCell.JsonCellClient("127.0.0.1", port))
        {
            var changes = new BlockingCollection<string>();
            cell.Changed += (points, judgement) => changes.Add(string.Join(",", points) + " " + judgement);
            cell.Connect();
            JsonCell.Values values = cell.Get();
            cell.Put(values, new long[] { 1, 2 });
            Task<string> late = Task.Run(() => cell.Wait(0.5, "late"));
            Task<string> early = Task.Run(() => cell.Wait(0.0, "early"));
            Talk.Say(Task.WhenAny(late, early).Result.Result);
            Talk.Say(late.Result);
            Talk.SayError(() => cell.Fail(3));
            try
            {
                cell.Fail(4);
            }
            catch (JsonCell.FaultException fault)
            {
                Talk.Say(fault.Is(4) + " " + ((System.Collections.IEnumerable)fault.Details).Cast<object>().Count());
            }
            Talk.Say(changes.Take());
            Talk.SayError(() => cell.Wait(20.0, "too late", TimeSpan.FromSeconds(0.2)));
            cell.Ping();
        }
    }

    public sealed class Server : JsonCell.JsonCellServer
    {
        private JsonCell.Values _kept;

        public Server() : base(IPAddress.Loopback, 0) { }

        protected override void Ping() { }

        protected override void Put(JsonCell.Values values, IReadOnlyList<long> moreValues)
        {
            _kept = values;
            SendChanged(values.Points, values.Judgement);
        }

        protected override JsonCell.Values Get()
        {
            return _kept;
        }

        protected override string Wait(double seconds, string name)
        {
            Thread.Sleep(TimeSpan.FromSeconds(seconds));
            return name;
        }

        protected override double Fail(long code)
        {
            if (code == 0)
                throw new InvalidOperationException("a bug");
            throw new JsonCell.FaultException(code, "문", new long[] { 1, 2 });
        }
    }
}

internal static class RpcTalk
{
    public static void Ask(int port)
    {
        using (var cell = new RpcCell.RpcCellClient("127.0.0.1", port))
        {
            var moved = new BlockingCollection<object>();
            cell.Moved += moved.Add;
            cell.Connect();
            Talk.Say(cell.Locate(3));
            Talk.SayError(() => cell.Locate(9, "문"));
            Talk.Say(moved.Take());
        }
    }

    public sealed class Server : RpcCell.RpcCellServer
    {
        public Server() : base(IPAddress.Loopback, 0) { }

        protected override RpcCell.Point Locate(long job, string name)
        {
            if (job == 9)
                throw new RpcCell.FaultException(9, name);
            SendMoved(new RpcCell.Point(job, -0.5));
            return new RpcCell.Point(job, name.Length);
        }
    }
}

/// <summary>Checks with plain sockets: pieces, losses, timeouts.</summary>
internal static class Checks
{
    private static void Check(string promise, Func<bool> isKept)
    {
        try
        {
            Talk.Say(promise + ": " + (isKept() ? "OK" : "BROKEN"));
        }
        catch (Exception error)
        {
            Talk.Say(promise + ": " + error);
        }
    }

    public static void Run()
    {
        Check("replies in pieces are joined, and messages in one piece are split", () => WithPeer((camera, peer) =>
        {
            var alarms = new BlockingCollection<long>();
            camera.LampIsOld += alarms.Add;
            Task<VisionCamera.Position> reply = Task.Run(() => camera.Locate(3));
            bool asked = peer.ReadLine() == "TRG,3";
            foreach (char each in "LAMP,1\r\nLAMP,2\r\nOK,1.5,-2,30\r\nLAMP,3\r\n")
                peer.Write(each.ToString());
            return asked && reply.Result.ToString() == "Position X=1.5, Y=-2, Angle=30"
                && alarms.Take() + alarms.Take() + alarms.Take() == 6;
        }));
        Check("numbers are read in every usual form", () => WithPeer((camera, peer) =>
        {
            Task<VisionCamera.Position> reply = Task.Run(() => camera.Locate(3));
            peer.ReadLine();
            peer.Write("OK,+1.5e3,.25,-7.\r\n");
            return reply.Result.ToString() == "Position X=1500, Y=0.25, Angle=-7";
        }));
        Check("a fault is an exception with its code and reason, and the connection goes on", () => WithPeer((camera, peer) =>
        {
            Task<VisionCamera.FaultException> fault = Task.Run(
                () => Thrown<VisionCamera.FaultException>(() => camera.Locate(3)));
            peer.ReadLine();
            peer.Write("NG,3,no part, really\r\n");
            bool isTold = fault.Result.Code == 3 && fault.Result.Reason == "no part, really";
            Task pinged = Task.Run(() => camera.Ping());
            peer.ReadLine();
            peer.Write("PONG\r\n");
            return isTold && pinged.Wait(Talk.Long) && camera.ClosedReason == null;
        }));
        Check("without a reply there is a timeout, and the connection ends", () => WithPeer((camera, peer) =>
        {
            var error = Thrown<VisionCamera.ReplyTimeoutException>(() => camera.Locate(3, TimeSpan.FromSeconds(0.1)));
            return error.Message == "No reply within 0.1 s." && camera.ClosedReason.Contains("late one") && peer.IsAtEnd;
        }));
        Check("a lost connection tells that the outcome is unknown", () => WithPeer((camera, peer) =>
        {
            var closed = new BlockingCollection<string>();
            camera.Closed += closed.Add;
            Task<VisionCamera.OutcomeUnknownException> error = Task.Run(
                () => Thrown<VisionCamera.OutcomeUnknownException>(() => camera.Locate(3)));
            peer.ReadLine();
            peer.Close();
            return error.Result.Message.Contains("the equipment closed the connection")
                && closed.Take() == "the equipment closed the connection"
                && Thrown<VisionCamera.NotSentException>(() => camera.Locate(3)).Message.Contains("closed the connection");
        }));
        Check("half a message at the end is told", () => WithPeer((camera, peer) =>
        {
            var closed = new BlockingCollection<string>();
            camera.Closed += closed.Add;
            peer.Write("LAM");
            peer.Close();
            return closed.Take() == "the connection ended within a message";
        }));
        Check("a reply that makes no sense ends the connection", () => WithPeer((camera, peer) =>
        {
            Task<VisionCamera.BadReplyException> error = Task.Run(
                () => Thrown<VisionCamera.BadReplyException>(() => camera.Locate(3)));
            peer.ReadLine();
            peer.Write("OK,1,zwei,3\r\n");
            return error.Result.Message.Contains("\"OK,1,zwei,3\" came") && peer.IsAtEnd;
        }));
        Check("a reply that nobody waits for ends the connection", () => WithPeer((camera, peer) =>
        {
            peer.Write("OK,1,2,3\r\n");
            return peer.IsAtEnd && camera.ClosedReason.Contains("no command waits for a reply");
        }));
        Check("a handler of an event that would wait for its own thread gets an exception", () => WithPeer((camera, peer) =>
        {
            var errors = new BlockingCollection<Exception>();
            camera.LampIsOld += hours => errors.Add(Thrown<InvalidOperationException>(() => camera.Locate(3)));
            peer.Write("LAMP,1\r\n");
            return errors.Take() != null;
        }));
        Check("the heartbeat finds silent equipment dead", () => WithPeer((camera, peer) =>
            peer.ReadLine() == "PING" && peer.IsAtEnd && camera.ClosedReason.Contains("heartbeat"), 0.1));
        Check("nobody listens", () =>
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            int port = ((IPEndPoint)listener.LocalEndpoint).Port;
            listener.Stop();
            using (var camera = new VisionCamera.VisionCameraClient("127.0.0.1", port))
                return Thrown<VisionCamera.NotSentException>(camera.Connect).Message.StartsWith("No connection to 127.0.0.1");
        });
        Check("requests in pieces are joined, and requests in one piece are answered in order", () => WithServer(peer =>
        {
            foreach (char each in "TRG,1\r\nPI")
                peer.Write(each.ToString());
            peer.Write("NG\r\nTRG,2\r\nTRG,x\r\nNOPE\r\nTRG,0\r\n");
            string[] answers = Enumerable.Range(0, 6).Select(_ => peer.ReadLine()).ToArray();
            return answers[0] == "OK,1.000,0.500,0.00" && answers[1] == "PONG" && answers[2] == "NG,2,no such job"
                && answers[3] == "NG,93,the values do not fit the command TRG"
                && answers[4] == "NG,92,there is no such command" && answers[5] == "NG,99,the command failed";
        }));
        Check("a request that is too long ends the session of that host only", () => WithServer(peer =>
        {
            peer.Write("PING\r\n");
            bool isServed = peer.ReadLine() == "PONG";
            peer.Write(new string('x', 1048576 + 100));
            return isServed && peer.IsAtEnd;
        }));
        Check("hosts that are gone at once harm no other one", () =>
        {
            using (var camera = new Camera())
            {
                camera.Start();
                for (int i = 0; i < 10; i++)
                    using (var gone = new TcpClient("127.0.0.1", camera.Port))
                        gone.LingerState = new LingerOption(true, 0);
                using (var peer = new Peer(new TcpClient("127.0.0.1", camera.Port)))
                {
                    peer.Write("PING\r\n");
                    return peer.ReadLine() == "PONG";
                }
            }
        });
    }

    private static bool WithPeer(Func<VisionCamera.VisionCameraClient, Peer, bool> isKept, double heartbeat = 1000)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using (var camera = new VisionCamera.VisionCameraClient("127.0.0.1", port))
        {
            camera.HeartbeatInterval = TimeSpan.FromSeconds(heartbeat);
            camera.HeartbeatTimeout = TimeSpan.FromSeconds(0.2);
            camera.Connect();
            using (var peer = new Peer(listener.AcceptTcpClient()))
            {
                listener.Stop();
                return isKept(camera, peer);
            }
        }
    }

    private static bool WithServer(Func<Peer, bool> isKept)
    {
        using (var camera = new Camera())
        {
            camera.Start();
            using (var peer = new Peer(new TcpClient("127.0.0.1", camera.Port)))
                return isKept(peer);
        }
    }

    private sealed class Camera : VisionCamera.VisionCameraServer
    {
        public Camera() : base(IPAddress.Loopback, 0) { }

        protected override VisionCamera.Position Locate(long job)
        {
            if (job == 2)
                throw new VisionCamera.FaultException(2, "no such job");
            return new VisionCamera.Position(job / (job == 0 ? int.Parse("0") : 1), 0.5, -0.0);
        }

        protected override void Ping() { }
    }

    private static T Thrown<T>(Action action) where T : Exception
    {
        try
        {
            action();
        }
        catch (T error)
        {
            return error;
        }
        throw new InvalidOperationException("no " + typeof(T).Name + " came");
    }

    /// <summary>A plain socket of text.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly TcpClient _client;

        public Peer(TcpClient client)
        {
            _client = client;
            _client.NoDelay = true;
            _client.ReceiveTimeout = (int)Talk.Long.TotalMilliseconds;
        }

        public void Write(string text)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            _client.GetStream().Write(bytes, 0, bytes.Length);
        }

        public string ReadLine()
        {
            var line = new StringBuilder();
            for (int next = _client.GetStream().ReadByte(); next >= 0; next = _client.GetStream().ReadByte())
            {
                line.Append((char)next);
                if (next == '\n')
                    return line.ToString().TrimEnd('\r', '\n');
            }
            return null;
        }

        /// <summary>True if the other side ends the connection.</summary>
        public bool IsAtEnd
        {
            get
            {
                try
                {
                    while (_client.GetStream().ReadByte() >= 0)
                        continue;
                    return true;
                }
                catch (System.IO.IOException error)
                {
                    return ((SocketException)error.InnerException).SocketErrorCode != SocketError.TimedOut;
                }
            }
        }

        public void Close()
        {
            _client.Close();
        }

        public void Dispose()
        {
            _client.Close();
        }
    }
}
