// A control program that starts the work of a vision program, and goes on to the next step.
//
//     mcs -langversion:6 -r:System.Runtime.Serialization -out:Control.exe Program.cs TcpLink.cs Framing.cs
//     mono Control.exe connect text 127.0.0.1 9999
//
// Type a job's number and Enter to start it, Enter alone to go on to the next step.

using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using FactoryLink;

internal static class Program
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static int Main(string[] args)
    {
        if (args.Length != 4)
        {
            Console.Error.WriteLine("Usage: Control.exe connect|listen text|json ADDRESS PORT");
            return 2;
        }
        Console.OutputEncoding = new UTF8Encoding(false);
        ISignals signals = args[1] == "json" ? (ISignals)new JsonSignals() : new TextSignals();
        int port = int.Parse(args[3], CultureInfo.InvariantCulture);
        using (TcpLink link = args[0] == "listen"
            ? TcpLink.Listening(IPAddress.Parse(args[2]), port, signals.Options)
            : TcpLink.Connecting(args[2], port, signals.Options))
        {
            link.ConnectionChanged += (connected, why) => Say(connected ? why : $"disconnected: {why}");
            link.MessageReceived += message => Say(signals.ReadEvent(message));
            link.Start();
            link.WaitConnected(Patience);
            for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
                Say(Ask(link, signals, line.Trim()));
        }
        return 0;
    }

    /// <summary>Send a signal, and print its result.</summary>
    private static string Ask(TcpLink link, ISignals signals, string line)
    {
        string signal = line == "" ? "다음 단계로 진행" : "작업 시작";
        try
        {
            string message = line == "" ? signals.NextStep : signals.Start(int.Parse(line));
            return $"{signal}: {signals.ReadReply(link.Request(message, Patience))}";
        }
        catch (FormatException)
        {
            return "a job is a number";
        }
        catch (NotSentException error)
        {
            return $"{signal}: not sent, try again: {error.Message}";
        }
        catch (OutcomeUnknownException error)
        {
            return $"{signal}: nobody knows, look at the machine: {error.Message}";
        }
    }

    private static void Say(string text)
    {
        lock (Console.Out)
        {
            Console.WriteLine(text);
            Console.Out.Flush();
        }
    }
}

/// <summary>The form of the signals on the wire.</summary>
internal interface ISignals
{
    LinkOptions Options { get; }

    string NextStep { get; }

    string Start(int job);

    string ReadReply(string message);

    string ReadEvent(string message);
}

/// <summary>Lines of text: "작업 시작,3" is answered with "좌표 전송,12.500,-3.250,30.00" or "NG,3,…".</summary>
internal sealed class TextSignals : ISignals
{
    public LinkOptions Options { get; } = new LinkOptions
    {
        Framing = Framing.Delimiter("\r\n"),
        Heartbeat = "PING",
        IsEvent = message => message.StartsWith("준비 완료,", StringComparison.Ordinal),
    };

    public string NextStep => "다음 단계로 진행";

    public string Start(int job) => $"작업 시작,{job}";

    public string ReadReply(string message)
    {
        string[] parts = message.Split(new[] { ',' }, 4);
        if (parts[0] == "NG" && parts.Length >= 3)
            return $"NG {parts[1]}: {parts[2]}";
        if (parts[0] == "좌표 전송" && parts.Length == 4)
            return new Position { X = Number(parts[1]), Y = Number(parts[2]), Angle = Number(parts[3]) }.ToString();
        return message;
    }

    public string ReadEvent(string message) => message.Replace(',', ' ');

    // With the invariant culture, because others may read "12.5" as 125, or not at all.
    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>JSON after a length: {"cmd":"작업 시작","job":3} is answered with {"좌표 전송":{…}} or {"NG":{…}}.</summary>
internal sealed class JsonSignals : ISignals
{
    public LinkOptions Options { get; } = new LinkOptions
    {
        Framing = Framing.LengthPrefix(),
        Heartbeat = Write(new Command { Word = "PING" }),
        IsEvent = message => Read(message).Event != null,
    };

    public string NextStep => Write(new Command { Word = "다음 단계로 진행" });

    public string Start(int job) => Write(new Command { Word = "작업 시작", Job = job });

    public string ReadReply(string message)
    {
        Message reply = Read(message);
        return reply.Fault?.ToString() ?? reply.Position?.ToString() ?? "OK";
    }

    public string ReadEvent(string message)
    {
        Message read = Read(message);
        return $"{read.Event} {read.Step}";
    }

    private static string Write(Command command)
    {
        using (var bytes = new MemoryStream())
        {
            new DataContractJsonSerializer(typeof(Command)).WriteObject(bytes, command);
            return Encoding.UTF8.GetString(bytes.ToArray());
        }
    }

    private static Message Read(string text)
    {
        using (var bytes = new MemoryStream(Encoding.UTF8.GetBytes(text)))
            return (Message)new DataContractJsonSerializer(typeof(Message)).ReadObject(bytes);
    }
}

[DataContract]
internal sealed class Command
{
    [DataMember(Name = "cmd")]
    public string Word { get; set; }

    [DataMember(Name = "job", EmitDefaultValue = false)]
    public int? Job { get; set; }
}

/// <summary>All values that the vision program sends; each message sets some of them.</summary>
[DataContract]
internal sealed class Message
{
    [DataMember(Name = "좌표 전송")]
    public Position Position { get; set; }

    [DataMember(Name = "NG")]
    public Fault Fault { get; set; }

    [DataMember(Name = "event")]
    public string Event { get; set; }

    [DataMember(Name = "step")]
    public int Step { get; set; }
}

[DataContract]
internal sealed class Position
{
    [DataMember(Name = "x")]
    public double X { get; set; }

    [DataMember(Name = "y")]
    public double Y { get; set; }

    [DataMember(Name = "angle")]
    public double Angle { get; set; }

    public override string ToString()
    {
        return string.Format(CultureInfo.InvariantCulture, "좌표 전송 x={0} y={1} angle={2}", X, Y, Angle);
    }
}

[DataContract]
internal sealed class Fault
{
    [DataMember(Name = "code")]
    public int Code { get; set; }

    [DataMember(Name = "reason")]
    public string Reason { get; set; }

    public override string ToString() => $"NG {Code}: {Reason}";
}
