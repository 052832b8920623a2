"""The C# file of a declaration: :func:`csharp_classes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tcpcomm.codec.base import Field
from tcpcomm.codec.binary.binary import Binary
from tcpcomm.codec.json.objects import Json
from tcpcomm.codec.json.rpc import JsonRpc
from tcpcomm.codec.template.template import Template
from tcpcomm.codec.value_forms import form_of
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.ended_framing import EndedFraming
from tcpcomm.tools.generate.csharp.binary.messages import BinaryMessages
from tcpcomm.tools.generate.csharp.client import client
from tcpcomm.tools.generate.csharp.encodings import encoding_expression
from tcpcomm.tools.generate.csharp.framings import FramingCode
from tcpcomm.tools.generate.csharp.json.messages import JsonMessages
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, MessageCode, Model
from tcpcomm.tools.generate.csharp.names import Names, pascal
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.server import server
from tcpcomm.tools.generate.csharp.source import braced, folded, part, used_members
from tcpcomm.tools.generate.csharp.text.messages import TextMessages
from tcpcomm.tools.generate.csharp.value_types import VOID, Form, Types
from tcpcomm.tools.generate.generator import Generated, Wanted

_OWN_CLASSES = [
    "Asked",
    "ByteReader",
    "ByteWriter",
    "Header",
    "Order",
    "Json",
    "JsonObject",
    "JsonReader",
    "BadReplyException",
    "Call",
    "Checked",
    "Checksum",
    "Chunks",
    "Cobs",
    "Connection",
    "ContentLength",
    "CountedBody",
    "Delimiter",
    "DleStuffed",
    "Enclosed",
    "FaultException",
    "FixedSize",
    "Framing",
    "HexText",
    "HostSession",
    "Incoming",
    "JsonValues",
    "LengthField",
    "Lines",
    "LinkException",
    "Listener",
    "LoginException",
    "Messages",
    "Netstring",
    "NotSentException",
    "OutcomeUnknownException",
    "Range",
    "RangeException",
    "ReplyTimeoutException",
    "Slip",
    "Text",
    "VariableLength",
]
_CLIENT_MEMBERS = [
    "ClosedReason",
    "Closed",
    "Connect",
    "ConnectTimeout",
    "Connected",
    "Dial",
    "Dispose",
    "HeartbeatInterval",
    "HeartbeatTimeout",
    "OnEnded",
    "SendTimeout",
    "TakeEvent",
    "Equals",
    "GetHashCode",
    "GetType",
    "ToString",
]
_USINGS = [
    "System",
    "System.Collections",
    "System.Collections.Generic",
    "System.Diagnostics",
    "System.Globalization",
    "System.IO",
    "System.Linq",
    "System.Net",
    "System.Net.Sockets",
    "System.Text",
    "System.Text.RegularExpressions",
    "System.Threading",
]


def csharp_classes(declaration: Declaration, wanted: Wanted) -> Generated:
    """
    Return a C# file with a client and a server of a declaration.

    Raises:
        ConfigurationError: a part of the declaration is not there in C#. The text names it.
    """
    model = _model(declaration)
    messages = _messages(model)
    framings = FramingCode.of(declaration.name, declaration.received, declaration.sent, declaration.gap)
    lines = _file(model, messages, framings, wanted)
    text = "\n".join(part for line in lines for part in folded(line)) + "\n"
    return Generated(text, notes=tuple(_notes(declaration)))


def _model(declaration: Declaration) -> Model:
    name = declaration.name
    codec = declaration.kind.codec
    _refuse_others(declaration)
    types = Types(name, [*_OWN_CLASSES, f"{pascal(name)}Client", f"{pascal(name)}Server"])
    names = Names(*_CLIENT_MEMBERS, f"{pascal(name)}Client", f"{pascal(name)}Server")
    commands = []
    for command in declaration.commands.values():
        layout = declaration.dialect.layout(command.name)
        if layout is None:
            refuse(command.where, f"the codec {type(codec).__name__} does not tell its bytes")
        if command.is_silent:
            layout = {**layout, "reply": {"silence": command.timeout}}
        forms = _forms(layout, command.spec.parameters)
        result = command.spec.result
        of_result = layout.get("reply", {}).get("body") if type(codec) is Binary else None
        commands.append(
            CommandModel(
                command,
                names.unique(pascal(command.name), "Command"),
                types.members(command.spec.parameters, forms),
                VOID if result in (None, type(None)) else types.of(result, of_result or form_of(result)),
                layout,
            )
        )
    events = [
        EventModel(
            event,
            names.unique(pascal(event.name), "Event"),
            types.members(
                event.spec.parameters,
                _forms(declaration.dialect.layout(event.name) or {}, event.spec.parameters),
            ),
            declaration.dialect.layout(event.name) or {},
        )
        for event in declaration.events.values()
    ]
    return Model(declaration, pascal(name), tuple(commands), tuple(events), types)


def _forms(layout: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Form]:
    """Return the forms of parameters, by their names."""
    body = layout.get("request", {}).get("body")
    if body is not None:
        return {each["name"]: each["form"] for each in body["fields"] if "name" in each}
    return {each.name: form_of(each.type) for each in fields}


def _refuse_others(declaration: Declaration) -> None:
    """Refuse what no codec has in C#."""
    for command in declaration.commands.values():
        if command.reply_framing is not None:
            refuse(command.where, "its reply has a framing of its own")
        if command.spec.codec is not None:
            refuse(command.where, "it has a codec of its own")
    for event in declaration.events.values():
        if event.spec.codec is not None:
            refuse(event.where, "it has a codec of its own")
    for name, framing in (("receives", declaration.received), ("sends", declaration.sent)):
        if isinstance(framing, EndedFraming):
            refuse(declaration.name, f"some messages that the equipment {name} bring their own ends")


def _messages(model: Model) -> MessageCode:
    """Return the class for the codec of a declaration."""
    codec = model.declaration.kind.codec
    if type(codec) is Template:
        return TextMessages(model)
    if type(codec) in (Json, JsonRpc):
        return JsonMessages(model)
    if type(codec) is Binary:
        return BinaryMessages(model)
    name = type(codec).__name__
    return refuse(
        model.declaration.name, f"its codec is {name}; there are Template, Json, JsonRpc and Binary"
    )


def _notes(declaration: Declaration) -> Iterator[str]:
    if declaration.has_states:
        yield "states are not checked in C#: the equipment refuses a command in the wrong state"
    if declaration.host_side is not None:
        other = declaration.host_side.__name__
        yield f"commands that hosts answer are in the class of {other}: generate it, too"
    if declaration.goodbye is not None:
        yield f"{declaration.goodbye} is not sent by itself before a connection is closed"


def _file(model: Model, messages: MessageCode, framings: FramingCode, wanted: Wanted) -> Iterator[str]:
    declaration = model.declaration
    classes = f"{model.name}Client for a host, {model.name}Server for equipment"
    yield f"// {declaration.name} over TCP, in C#: {classes}."
    yield "//"
    yield f"// Made by: tcpcomm generate csharp {wanted.device}"
    yield "// It needs .NET Framework 4.5 or later, .NET, or Mono, a compiler for C# 6, and nothing else."
    yield ""
    body = "\n".join(_classes(model, messages, framings))
    for each in _USINGS:
        yield f"using {each};"
    yield ""
    yield f"namespace {model.name}"
    yield from braced(body.split("\n"))


def _classes(model: Model, messages: MessageCode, framings: FramingCode) -> Iterator[str]:
    conditions, values = _settings(model, messages)
    framings.conditions |= conditions
    if framings.gap is not None:
        values |= {"GAP_SECONDS": f"{framings.gap:g}", "GAP_MICROSECONDS": str(round(framings.gap * 1e6))}
    message_lines = [*_message_class(model, messages)]
    yield from client(model, messages, framings)
    yield ""
    yield from server(model, messages, framings)
    for record in model.types.records.values():
        yield ""
        yield from record.lines()
    for enum in model.types.enums.values():
        yield ""
        yield from enum.lines()
    yield ""
    yield from part("errors.cs", conditions, values).split("\n")
    yield ""
    yield from message_lines
    if own := [*messages.classes()]:
        yield ""
        yield from own
    used_by = "\n".join(message_lines)
    for name in messages.copied:
        text = part(name, conditions, values)
        yield ""
        yield from text.split("\n")
        used_by += text
    for name in messages.parts:
        text = used_members(part(name, conditions, values), used_by)
        if text:
            yield ""
            yield from text.split("\n")
            used_by += text
    yield ""
    yield from part("Range.cs").split("\n")
    for name in ("connection.cs", "listener.cs", "incoming.cs"):
        yield ""
        yield from part(name, conditions | framings.conditions, values).split("\n")
    for text in framings.texts():
        yield ""
        yield from text.split("\n")


def _message_class(model: Model, messages: MessageCode) -> Iterator[str]:
    yield "/// <summary>What is known of a request, to answer it.</summary>"
    yield "internal sealed class Asked"
    yield from braced(
        [
            *messages.asked_members(),
            *([f"public {messages.id_type} Id {{ get; set; }}"] if model.declaration.dialect.by_id else []),
            "public bool WantsReply { get; set; } = true;",
        ]
    )
    yield ""
    yield "/// <summary>The messages on the wire.</summary>"
    yield "internal static class Messages"
    encoding = encoding_expression(model.declaration.encoding, model.declaration.name)
    yield from braced(
        [
            f"public static readonly Encoding Encoding = {encoding};",
            *messages.fields(),
            "",
            "public static byte[] BytesOf(string text)",
            *braced(["return Encoding.GetBytes(text);"]),
            "",
            "public static string TextOf(byte[] bytes)",
            *braced(["return Encoding.GetString(bytes);"]),
            "",
            *messages.lines(),
        ]
    )


def _settings(model: Model, messages: MessageCode) -> tuple[set[str], dict[str, str]]:
    """Return the conditions and the values of the copied parts."""
    declaration = model.declaration
    chosen = {
        "BY_ID": declaration.dialect.by_id,
        "MIXED_CODES": messages.codes.is_mixed,
        "DETAILS": messages.has_details,
        "LOGIN_CLIENT": bool(declaration.login) or declaration.greeting is not None,
        "QUIET": declaration.quiet > 0,
        "HEADER": bool(declaration.dialect.header_values),
        "EVENT_HEADER": messages.events_differ,
        "HEARTBEAT": declaration.heartbeat is not None,
        "BUSY_HEARTBEAT": declaration.heartbeat_while_busy,
        "INTERIM": bool(declaration.interim_events),
        "COMMANDS_WITHOUT_REPLY": any(not each.has_reply for each in model.commands),
        "COMMANDS_WITH_REPLY": any(each.has_reply for each in model.commands),
        "RENEWED": bool(declaration.interim_events)
        or any(each.command.acknowledged_within is not None for each in model.commands),
        "SILENCE": any(each.command.is_silent for each in model.commands),
    }
    values = {
        "CODE_TYPE": messages.codes.type,
        "MESSAGE": messages.message,
        "DEVICE": model.name,
        "DEPTH": str(declaration.pipeline),
        "LARGEST_ID": str(messages.largest_id),
        "QUIET_SECONDS": f"{declaration.quiet:g}",
    }
    return {name for name, is_true in chosen.items() if is_true}, {**values, **messages.values}
