"""The client class in C#: :func:`client`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpcomm.equipment.login import Login
from tcpcomm.tools.generate.csharp.framings import FramingCode
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, MessageCode, Model
from tcpcomm.tools.generate.csharp.names import pascal
from tcpcomm.tools.generate.csharp.source import braced, call, comment, condition, string, summary
from tcpcomm.tools.generate.csharp.value_types import with_defaults


def client(model: Model, messages: MessageCode, framings: FramingCode) -> Iterator[str]:
    """Yield the client class."""
    name = f"{model.name}Client"
    yield from summary(
        f"A connection to {_article(model.name)} {model.name}. Subscribe to its events, then connect it. "
        "Any thread may use it. When the connection has ended, make another client.\n\n"
        "Events are raised in the thread that reads, one after another. A handler must not send a command "
        "there, and an exception in it ends the connection. A window changes its controls with BeginInvoke."
    )
    yield f"public sealed class {name} : IDisposable"
    yield from braced(_body(model, messages, framings, name))


def _article(name: str) -> str:
    return "an" if name[:1] in "AEIOU" else "a"


def _body(model: Model, messages: MessageCode, framings: FramingCode, name: str) -> Iterator[str]:
    declaration = model.declaration
    credentials = [*credential_names(declaration.login)]
    yield "private readonly Func<TcpClient> _open;"
    yield "private volatile Connection _connection;"
    yield ""
    yield "/// <summary>Make a client that connects to this address.</summary>"
    yield f"public {name}(string host, int port)"
    yield from braced(["_open = () => Dial(host, port);"])
    yield ""
    yield from summary(
        "Make a client of a connection that the equipment has made, as a TcpListener accepts it."
    )
    yield f"public {name}(TcpClient connected)"
    yield from braced(["_open = () => connected;"])
    for event in model.events:
        yield ""
        yield from summary(event.event.doc)
        types = ", ".join(each.type.shown for each in event.members)
        yield f"public event Action{f'<{types}>' if types else ''} {event.name};"
    yield ""
    yield "/// <summary>Raised once, when the connection has ended, with the reason in words.</summary>"
    yield "public event Action<string> Closed;"
    yield ""
    yield "/// <summary>The time that the attempt to connect may take.</summary>"
    yield "public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);"
    yield ""
    yield "/// <summary>The time that a write may wait for equipment that does not read.</summary>"
    yield "public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(5);"
    if declaration.heartbeat is not None:
        yield ""
        yield from summary("The idle time after which the client asks whether the equipment is alive.")
        yield "public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);"
        yield ""
        yield "/// <summary>The time that the equipment has to answer that.</summary>"
        yield "public TimeSpan HeartbeatTimeout { get; set; } = TimeSpan.FromSeconds(3);"
    for each in credentials:
        yield ""
        yield comment("summary", f"The {each} for the login.")
        yield f"public string {pascal(each)} {{ get; set; }}"
    yield from messages.client_members()
    yield ""
    yield "/// <summary>The reason why the connection has ended; null while it is open.</summary>"
    yield "public string ClosedReason"
    yield from braced(['get { return _connection == null ? "it was not made yet" : _connection.Reason; }'])
    yield ""
    yield from _connect(model, framings)
    for command in model.commands:
        yield ""
        yield from _command(command, messages)
    yield ""
    yield "/// <summary>End the connection.</summary>"
    yield "public void Dispose()"
    yield from braced(['_connection?.Close("this program closed the connection");'])
    yield ""
    yield from _dial()
    yield ""
    yield "private Connection Connected"
    yield from braced(
        [
            "get",
            *braced(
                [
                    *condition(
                        "_connection == null",
                        ['throw new NotSentException("There is no connection: call Connect first.");'],
                    ),
                    "return _connection;",
                ]
            ),
        ]
    )
    yield ""
    yield from _events(model, messages)
    yield ""
    yield "private void OnEnded(string reason)"
    yield from braced(["Closed?.Invoke(reason);"])


def credential_names(steps: Sequence[Login]) -> Iterator[str]:
    """Yield the names of the credentials of a login, each once, in their order."""
    found: dict[str, None] = {}
    for step in steps:
        for place, piece in enumerate(pieces_of(step.send or "")):
            if place % 2:
                found[piece] = None
    yield from found


def pieces_of(text: str) -> list[str]:
    """Split an answer of a login into literal text and names, in turn. The first and the last are text."""
    parts: list[str] = []
    rest = text
    while "{" in rest:
        literal, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        parts += [literal, name]
    return [*parts, rest]


def _connect(model: Model, framings: FramingCode) -> Iterator[str]:
    declaration = model.declaration
    yield "/// <summary>Connect to the equipment" + (
        ", and log in.</summary>" if declaration.login else ".</summary>"
    )
    yield '/// <exception cref="LinkException">There is no connection; its text says why.</exception>'
    yield "public void Connect()"
    lines = [
        *condition(
            "_connection != null",
            ['throw new InvalidOperationException("Make another client for another connection.");'],
        ),
        "TcpClient client = _open();",
        "try",
        *braced(
            ["client.NoDelay = true;", "client.SendTimeout = (int)SendTimeout.TotalMilliseconds;"],
        ),
        "catch (Exception error) when (error is SocketException || error is InvalidOperationException)",
        *braced(
            [
                "client.Close();",
                'throw new NotSentException("The connection is lost already: " + error.Message);',
            ]
        ),
        *call(
            "var connection = new Connection",
            ["client", framings.from_host, framings.from_equipment, "TakeEvent", "OnEnded"],
            ";",
        ),
    ]
    steps = [
        *([Login(expect=declaration.greeting)] if declaration.greeting is not None else []),
        *declaration.login,
    ]
    if steps:
        spoken = ["client.ReceiveTimeout = (int)ConnectTimeout.TotalMilliseconds;"]
        for step in steps:
            if step.expect is not None:
                spoken.append(f"connection.Expect({string(step.expect)});")
            if step.send is not None:
                text = " + ".join(
                    (pascal(each) if place % 2 else string(each))
                    for place, each in enumerate(pieces_of(step.send))
                    if place % 2 or each
                )
                spoken.append(f"connection.Answer({text or string('')});")
        spoken.append("client.ReceiveTimeout = 0;")
        lines += ["try", *braced(spoken)]
        lines += ["catch (Exception error)"]
        lines += braced(
            [
                'connection.End("the login failed");',
                *condition("error is LoginException", ["throw;"]),
                'throw new LoginException("The login failed: " + error.Message);',
            ]
        )
    lines += ["_connection = connection;", "connection.Start();"]
    if declaration.heartbeat is not None:
        method = next(each.name for each in model.commands if each.command.name == declaration.heartbeat)
        lines.append(f"connection.Beat(HeartbeatInterval, () => {method}(HeartbeatTimeout));")
    yield from braced(lines)


def _dial() -> Iterator[str]:
    yield "private TcpClient Dial(string host, int port)"
    yield from braced(
        [
            "var client = new TcpClient();",
            "try",
            *braced(
                [
                    *condition("client.ConnectAsync(host, port).Wait(ConnectTimeout)", ["return client;"]),
                    'throw new NotSentException("No answer from " + host + ":" + port + " in time.");',
                ]
            ),
            "catch (Exception error)",
            *braced(
                [
                    "client.Close();",
                    *condition("error is NotSentException", ["throw;"]),
                    "string why = error.GetBaseException().Message;",
                    'throw new NotSentException("No connection to " + host + ":" + port + ": " + why);',
                ]
            ),
        ]
    )


def _command(command: CommandModel, messages: MessageCode) -> Iterator[str]:
    it = command.command
    yield from summary(it.doc)
    for each in command.members:
        if each.remark:
            yield comment(f'param name="{each.camel.lstrip("@")}"', each.remark)
    parameters = [*with_defaults(command.members)]
    first = it.timeout if it.acknowledged_within is None else it.acknowledged_within
    timeout = f"TimeSpan.FromSeconds({first:g})"
    if it.is_silent:
        yield "/// <remarks>"
        yield f"/// It succeeds by silence: it takes {it.timeout:g} s, in which the equipment can say no."
        yield "/// </remarks>"
    else:
        timeout = f"timeout ?? {timeout}"
        parameters.append("TimeSpan? timeout = null")
        yield comment('param name="timeout"', _timeout_in_words(command))
    result = command.result.shown if command.has_result else "void"
    yield from call(f"public {result} {command.name}", parameters, "")
    request = messages.request(command)
    if not command.has_reply:
        yield from braced([f"Connected.Send({timeout}, {request});"])
        return
    arguments = [timeout, request, messages.reply_reader(command), *map(string, it.interim)]
    yield from braced(call(f"{'return ' if command.has_result else ''}Connected.Ask", arguments, ";"))


def _timeout_in_words(command: CommandModel) -> str:
    it = command.command
    if it.acknowledged_within is not None:
        within = f"{it.acknowledged_within:g} s if null"
        waits = "The time to wait for the turn, and again for the acknowledgement"
        return f"{waits}; {within}. Then {it.timeout:g} s."
    if not command.has_reply:
        return f"The time to wait for the turn; {it.timeout:g} s if null."
    return f"The time to wait for the turn, and again for the reply; {it.timeout:g} s if null."


def _events(model: Model, messages: MessageCode) -> Iterator[str]:
    yield "/// <summary>Raise the event of a message; false if it is a reply.</summary>"
    yield f"private bool TakeEvent({messages.message} message, Call oldest)"
    lines: list[str] = []
    for event in model.events:
        lines += braced(_event(model, event)) if event.members else _event(model, event)
    yield from braced([*lines, "return false;"])


def _event(model: Model, event: EventModel) -> Iterator[str]:
    for each in event.members:
        yield f"{each.type.shown} {each.camel};"
    outs = "".join(f", out {each.camel}" for each in event.members)
    arguments = ", ".join(each.camel for each in event.members)
    raised = [f"{event.name}?.Invoke({arguments});", "return true;"]
    renewing = [*_renewals(model, event)]
    yield from condition(f"Messages.TryRead{event.name}(message{outs})", [*renewing, *raised])


def _renewals(model: Model, event: EventModel) -> Iterator[str]:
    """Yield the statements that begin the timeout of the command under way anew."""
    rules = {
        each.command.interim[event.event.name]: each.command.timeout
        for each in model.commands
        if event.event.name in each.command.interim
    }
    if not rules:
        return
    member = next(iter(rules))
    seconds = "oldest.Timeout"
    if member is not None:
        found = next(each for each in event.members if each.name == member)
        seconds = f"TimeSpan.FromSeconds((double){found.camel})"
    test = f"oldest != null && Array.IndexOf(oldest.Interim, {string(event.event.name)}) >= 0"
    yield from condition(test, [f"oldest.Renew({seconds});"])
