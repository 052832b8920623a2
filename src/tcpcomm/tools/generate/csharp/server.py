"""The server class in C#: :func:`server`."""

from __future__ import annotations

from collections.abc import Iterator

from tcpcomm.codec.base import ProtocolErrorKind
from tcpcomm.equipment.login import Login
from tcpcomm.tools.generate.csharp.client import credential_names, pieces_of
from tcpcomm.tools.generate.csharp.framings import FramingCode
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, MessageCode, Model
from tcpcomm.tools.generate.csharp.names import camel
from tcpcomm.tools.generate.csharp.source import braced, call, comment, condition, string, summary, verbatim
from tcpcomm.tools.generate.csharp.text.fields import pattern_of_text

_MOST_HOSTS = 16


def server(model: Model, messages: MessageCode, framings: FramingCode) -> Iterator[str]:
    """Yield the server class."""
    name = f"{model.name}Server"
    yield from summary(
        "The equipment's end: subclass it, and write the commands. A command says no with a "
        "FaultException.\n\n"
        "Each host has a thread of its own, in which its commands are carried out one after another. "
        "Commands of two hosts may run at the same time."
    )
    yield f"public abstract class {name} : IDisposable"
    yield from braced(_body(model, messages, framings, name))


def _body(model: Model, messages: MessageCode, framings: FramingCode, name: str) -> Iterator[str]:
    declaration = model.declaration
    yield "private readonly Listener _listener;"
    yield "private readonly List<HostSession> _sessions = new List<HostSession>();"
    if declaration.interim_events:
        yield ""
        yield "[ThreadStatic]"
        yield "private static HostSession _asking;"
    yield ""
    yield from summary(
        "Make a server at a port: at IPAddress.Loopback for this machine only, at IPAddress.Any for all "
        "machines."
    )
    yield f"protected {name}(IPAddress address, int port)"
    yield from braced(
        [
            "_listener = new Listener(address, port, Serve);",
        ]
    )
    yield ""
    yield "/// <summary>Raised when a host has connected, with its address.</summary>"
    yield "public event Action<string> HostConnected;"
    yield ""
    yield "/// <summary>Raised when a host is gone, with its address and the reason.</summary>"
    yield "public event Action<string, string> HostDisconnected;"
    yield ""
    yield from summary(
        "Raised when a command failed by an error of this program, which the host does not see."
    )
    yield "public event Action<Exception> CommandFailed;"
    yield ""
    yield "/// <summary>The number of hosts that may be connected at once.</summary>"
    yield f"public int MostHosts {{ get; set; }} = {_MOST_HOSTS};"
    yield ""
    yield from summary(
        "The time that a write may wait for a host that does not read. Then the host is dropped."
    )
    yield "public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(5);"
    yield ""
    yield "/// <summary>The port; if 0 was given, the one that the system chose at the start.</summary>"
    yield "public int Port"
    yield from braced(["get { return _listener.Port; }"])
    for command in model.commands:
        yield ""
        yield from summary(command.command.doc)
        for each in command.members:
            if each.remark:
                yield comment(f'param name="{each.camel.lstrip("@")}"', each.remark)
        result = command.result.shown if command.has_result else "void"
        parameters = [each.parameter for each in command.members]
        yield from call(f"protected abstract {result} {command.name}", parameters, ";")
    for event in model.events:
        yield ""
        yield from _event(model, event, messages)
    yield from messages.server_members()
    credentials = [*credential_names(declaration.login)]
    if credentials:
        yield ""
        yield from summary("Return true if a host that logs in so may go on. The default admits all.")
        parameters = [f"string {camel(each)}" for each in credentials]
        yield from call("protected virtual bool Authenticate", parameters, "")
        yield from braced(["return true;"])
    yield ""
    yield "/// <summary>Begin to listen.</summary>"
    yield '/// <exception cref="SocketException">The port is in use.</exception>'
    yield "public void Start()"
    yield from braced(["_listener.Start();"])
    yield ""
    yield "/// <summary>Stop to listen, and end all sessions.</summary>"
    yield "public void Dispose()"
    yield from braced(
        [
            "_listener.Close();",
            "foreach (HostSession session in Sessions())",
            '    session.End("the server was stopped");',
        ]
    )
    yield ""
    yield "private HostSession[] Sessions()"
    yield from braced(["lock (_sessions)", "    return _sessions.ToArray();"])
    yield ""
    yield from _serve(model, framings, credentials)
    yield ""
    yield from _answer(model, messages)
    yield ""
    yield f"private void Carry({messages.message} message, Asked asked, HostSession session)"
    yield from braced(_dispatch(model, messages))


def _event(model: Model, event: EventModel, messages: MessageCode) -> Iterator[str]:
    is_interim = event.event.name in model.declaration.interim_events
    yield from summary(event.event.doc)
    yield "/// <remarks>It is sent to all hosts" + (
        "; from a command, to the host that asks.</remarks>" if is_interim else ".</remarks>"
    )
    for each in event.members:
        if each.remark:
            yield comment(f'param name="{each.camel.lstrip("@")}"', each.remark)
    yield from call(f"public void Send{event.name}", [each.parameter for each in event.members], "")
    arguments = ", ".join(each.camel for each in event.members)
    lines: list[str] = []
    if messages.events_differ:
        made = f"Messages.{event.name}Event({', '.join(filter(None, ('session', arguments)))})"
    else:
        lines.append(f"byte[] message = Messages.{event.name}Event({arguments});")
        made = "message"
    if is_interim:
        sent = [f"_asking.Send({made.replace('(session', '(_asking')});", "return;"]
        lines += condition("_asking != null", sent)
    lines += ["foreach (HostSession session in Sessions())", f"    session.Send({made});"]
    yield from braced(lines)


def _serve(model: Model, framings: FramingCode, credentials: list[str]) -> Iterator[str]:
    declaration = model.declaration
    yield from summary("Serve a host until it is gone. For a connection that this program has made, too.")
    yield "public void Serve(TcpClient client)"
    steps = [
        *([Login(expect=declaration.greeting)] if declaration.greeting is not None else []),
        *declaration.login,
    ]
    admit = [
        "bool isFull;",
        "lock (_sessions)",
        *braced(
            ["isFull = _sessions.Count >= MostHosts;", *condition("!isFull", ["_sessions.Add(session);"])]
        ),
        *condition("isFull", ['session.End("too many hosts are connected");', "return;"]),
        "HostConnected?.Invoke(session.Peer);",
    ]
    loop = [
        "for (byte[] message = session.Read(); message != null; message = session.Read())",
        "    Answer(message, session);",
        'session.End("the host closed the connection");',
    ]
    if steps:
        admit = ["LogIn(session);", *admit]
    made = ["client", framings.from_equipment, framings.from_host, "SendTimeout"]
    gone = "catch (Exception error) when (error is SocketException || error is InvalidOperationException)"
    yield from braced(
        [
            "HostSession session;",
            "try",
            *braced(call("session = new HostSession", made, ";")),
            gone,
            *braced(["client.Close();  // the host is gone already", "return;"]),
            "try",
            *braced([*admit, *loop]),
            "catch (Exception error)",
            *braced(["session.End(error.Message);"]),
            "lock (_sessions)",
            *braced([*condition("!_sessions.Remove(session)", ["return;"])]),
            "HostDisconnected?.Invoke(session.Peer, session.Reason);",
        ]
    )
    if steps:
        yield ""
        yield from _log_in(steps, credentials)


def _log_in(steps: list[Login], credentials: list[str]) -> Iterator[str]:
    yield "private void LogIn(HostSession session)"
    lines: list[str] = []
    if any(step.send is not None for step in steps):
        lines.append("string text;")
    if credentials:
        lines += ["Match found;"]
    for step in steps:
        if step.expect is not None:
            send = "SendBytes" if step.prompt else "Send"
            lines.append(f"session.{send}(Messages.BytesOf({string(step.expect)}));")
        if step.send is None:
            continue
        lines.append("text = Messages.TextOf(session.Read() ?? new byte[0]);")
        pieces = pieces_of(step.send)
        if len(pieces) == 1:
            test = f"text != {string(step.send)}"
        else:
            pattern = "".join(
                f"(?<{each}>.*)" if place % 2 else pattern_of_text(each)
                for place, each in enumerate(pieces)
            )
            whole = verbatim(rf"\A{pattern}\z")
            lines.append(f"found = Regex.Match(text, {whole}, RegexOptions.Singleline);")
            test = "!found.Success"
        message = string("the host did not answer the login as declared")
        lines += condition(test, [f"throw new InvalidDataException({message});"])
        for each in pieces[1::2]:
            lines.append(f'string {camel(each)} = found.Groups["{each}"].Value;')
    if credentials:
        arguments = ", ".join(map(camel, credentials))
        lines += condition(
            f"!Authenticate({arguments})",
            ['throw new InvalidDataException("the credentials of the host are wrong");'],
        )
    yield from braced(lines)


def _answer(model: Model, messages: MessageCode) -> Iterator[str]:
    dialect = model.declaration.dialect
    names = [None, *model.declaration.commands]
    told = {each: [name for name in names if dialect.tells(name, each)] for each in ProtocolErrorKind}
    codes = {
        kind: dialect.fault_for_request(able[0], kind, "").code for kind, able in told.items() if able
    }

    def fault(kind: ProtocolErrorKind, reason: str) -> str:
        code = codes.get(kind, 0)
        shown = string(code) if isinstance(code, str) else str(code)
        if messages.codes.type == "object" and not isinstance(code, str):
            shown = f"{code}L"
        return f"new FaultException({shown}, {reason})"

    unreadable = ", ".join(["asked", "session", fault(ProtocolErrorKind.UNREADABLE, "error.Message")])
    wrong = ", ".join(["asked", "session", fault(ProtocolErrorKind.BAD_PARAMETERS, "error.Message")])
    failed = fault(ProtocolErrorKind.INTERNAL, string(ProtocolErrorKind.INTERNAL.value))
    yield "private void Answer(byte[] bytes, HostSession session)"
    yield from braced(
        [
            "var asked = new Asked();",
            f"{messages.message} message;",
            "try",
            *braced(["message = Messages.Read(bytes);"]),
            "catch (Exception error) when (error is FormatException || error is DecoderFallbackException)",
            *braced([f"Refuse({unreadable});", "return;"]),
            "try",
            *braced(["Carry(message, asked, session);"]),
            "catch (FaultException fault)",
            *braced(["Refuse(asked, session, fault);"]),
            "catch (Exception error) when (error is FormatException || error is RangeException)",
            *braced([f"Refuse({wrong});"]),
            "catch (Exception error)",
            *braced(["CommandFailed?.Invoke(error);", f"Refuse(asked, session, {failed});"]),
        ]
    )
    yield ""
    yield "private static void Refuse(Asked asked, HostSession session, FaultException fault)"
    yield from braced(
        [
            "byte[] answer = asked.WantsReply ? Messages.FaultReply(asked, fault) : null;",
            *condition("answer != null", ["session.Send(answer);"]),
        ]
    )


def _dispatch(model: Model, messages: MessageCode) -> Iterator[str]:
    yield from messages.before_dispatch()
    for command in model.commands:
        case = [*_case(model, command, messages)]
        yield from braced(case) if command.members else case
    yield from messages.after_dispatch()
    code = (
        model.declaration.dialect.fault_for(ProtocolErrorKind.UNKNOWN_COMMAND, "").code
        if (model.declaration.dialect.has_faults)
        else 0
    )
    shown = string(code) if isinstance(code, str) else f"{code}L"
    yield f"throw new FaultException({shown}, {string(ProtocolErrorKind.UNKNOWN_COMMAND.value)});"


def _case(model: Model, command: CommandModel, messages: MessageCode) -> Iterator[str]:
    for each in command.members:
        yield f"{each.type.shown} {each.camel};"
    outs = "".join(f", out {each.camel}" for each in command.members)
    arguments = ", ".join(each.camel for each in command.members)
    done = f"{command.name}({arguments})"
    body: list[str] = []
    acknowledgement = messages.acknowledgement(command)
    if acknowledgement:
        body.append(f"session.Send({acknowledgement});")
    if command.command.interim:
        done_lines = [
            "_asking = session;",
            "try",
            *braced([_assigned(command, done)]),
            "finally",
            *braced(["_asking = null;"]),
        ]
        if command.has_result:
            body.append(f"{command.result.shown} result;")
        body += done_lines
        done = "result"
    elif not command.has_result:
        body.append(f"{done};")
    if command.has_reply:
        body.append(f"session.Send({messages.reply(command, done)});")
    body.append("return;")
    yield from condition(f"Messages.TryRead{command.name}(message, asked{outs})", body)


def _assigned(command: CommandModel, done: str) -> str:
    return f"result = {done};" if command.has_result else f"{done};"
