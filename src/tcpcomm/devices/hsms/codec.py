"""
The codec of HSMS: :class:`SecsMessages`. Control messages and data messages share its header.

A command or event is named as in the field: ``S1F3``, ``Select.req``, or ``SxFy`` for all messages that
have no command of their own. The reply is the next function. A method without parameters sends no item, one
parameter is the item, and several are a list of items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from attrs import field, frozen

from tcpcomm.codec.base import (
    MISSING,
    Answer,
    Asked,
    Codec,
    Dialect,
    Event,
    Field,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.binary.types import U16
from tcpcomm.codec.encoding import charset
from tcpcomm.codec.problems import brief_repr, errors_at, inside, wrong
from tcpcomm.codec.ranges import Range
from tcpcomm.devices.hsms.forms import SecsForm, form_of, list_of
from tcpcomm.devices.hsms.header import (
    CONTROL,
    CONTROL_SESSION,
    HEADER_SIZE,
    NOT_SELECTED,
    WORDS,
    Header,
    SType,
    message_name,
    parse_name,
)
from tcpcomm.devices.hsms.values import decode, draw, encode
from tcpcomm.errors import CodecError, ConfigurationError, Fault

ANY: Final = "SxFy"
"""The name of a command that carries every message without a command of its own."""

LARGEST_DEVICE: Final = 0x7FFF
"""The largest device ID, which has 15 bits (SEMI E37.1, section 7)."""

ABORT: Final = "F0"
"""The code of a transaction that function 0 aborted."""

_STATUS_REQUESTS: Final = (SType.SELECT_REQ, SType.DESELECT_REQ)
"""The control messages whose response has a status."""

_FAULTS_OF_STREAM_9: Final = (1, 3, 5, 7, 11)
"""The functions of stream 9 that answer a message of the host. S9F9 is about one of the equipment."""

_CODES: Final[Mapping[ProtocolErrorKind, str]] = {
    ProtocolErrorKind.UNREADABLE: "Reject 2",
    ProtocolErrorKind.MALFORMED: "Reject 1",
    ProtocolErrorKind.UNKNOWN_COMMAND: "S9F5",
    ProtocolErrorKind.BAD_PARAMETERS: "S9F7",
    ProtocolErrorKind.WRONG_STATE: NOT_SELECTED,
    ProtocolErrorKind.INTERNAL: ABORT,
}


class _Received(NamedTuple):
    """An answer, as it arrived."""

    header: Header
    frame: bytes
    fault: Fault | None


@frozen
class _Message:
    """A compiled command or event."""

    spec: MessageSpec
    control: SType | None
    """The type of a control message; None: it is a data message."""
    stream: int = 0
    function: int = 0
    is_any: bool = False
    """True if stream and function are a parameter."""
    body: SecsForm | None = None
    """The form of the item; None: there is no item."""
    names: tuple[str, ...] = ()
    """The parameters."""
    result: SecsForm | None = None
    status: bool = False
    """True if the response has a status."""

    @property
    def wants_reply(self) -> bool:
        return self.spec.reply is not None

    def address(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """Return the stream and the function of a request. Raises CodecError."""
        if not self.is_any:
            return self.stream, self.function
        name, _ = self.names
        try:
            stream, function = parse_name(values[name])
            if not function % 2:
                raise CodecError(f"{values[name]} is a reply: a message that asks has an odd function")
        except CodecError as problem:
            raise inside(name, problem) from None
        return stream, function


@frozen
class SecsMessages(Codec):
    """
    The codec of HSMS messages with SECS-II items.

    Args:
        device: the device ID in the header of data messages: an :class:`~tcpcomm.codec.Echo`.
        by_equipment: True if equipment answers these commands. Only equipment sends messages of stream 9.
        encoding: the encoding of ``A`` items. The standard has ASCII; much equipment sends others.
        answers: the device IDs that equipment answers; others get S9F1. None: all.

    Source: SEMI E37, E37.1 and E5.
    """

    device: Any
    by_equipment: bool = field(default=True, kw_only=True)
    encoding: str = field(default="ascii", kw_only=True)
    answers: frozenset[int] | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        charset(self.encoding)

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        messages: dict[str, _Message] = {}
        taken: dict[Any, MessageSpec] = {}
        for spec in specs:
            with errors_at(spec.where):
                message = _compiled(spec)
                address = message.control, message.stream, message.function
                key = spec.is_event, *address, message.is_any and message.wants_reply
                other = taken.setdefault(key, spec)
                if other is not spec:
                    raise ConfigurationError(f"{other.where} is {spec.wire} already")
            messages[spec.name] = message
        return HsmsDialect(self, messages)


def _compiled(spec: MessageSpec) -> _Message:
    names = tuple(each.name for each in spec.parameters)
    if spec.wire in CONTROL and not spec.is_event:
        if names or spec.result is not None:
            raise ConfigurationError(f"{spec.wire} has no parameters and no result")
        control = CONTROL[spec.wire]
        return _Message(spec, control, status=control in _STATUS_REQUESTS)
    result = None if spec.result in (None, type(None)) else form_of(spec.result)
    if spec.wire == ANY:
        if len(names) != 2 or spec.is_event:
            raise ConfigurationError(f"{ANY} is a command with two parameters: the message and its item")
        return _Message(spec, None, is_any=True, names=names, result=result)
    try:
        stream, function = parse_name(spec.wire)
        if not function % 2:
            raise CodecError(f"{spec.wire} is a reply: a command or event has an odd function")
    except CodecError as problem:
        known = ", ".join([*CONTROL, ANY])
        raise ConfigurationError(f"{problem}; the other names are {known}") from None
    if spec.reply not in (MISSING, None, message_name(stream, function + 1)):
        raise ConfigurationError(f"the reply to {spec.wire} is {message_name(stream, function + 1)}")
    forms = []
    for each in spec.parameters:
        with errors_at(f"parameter {each.name}"):
            forms.append(form_of(each.type))
    body = None if not forms else forms[0] if len(forms) == 1 else list_of(list(names), forms)
    return _Message(spec, None, stream, function, body=body, names=names, result=result)


class HsmsDialect(Dialect):
    """The codec, bound to the commands and events of a declaration."""

    by_id = True
    largest_id = 2**32 - 1
    codes_are_texts = True

    def __init__(self, codec: SecsMessages, messages: Mapping[str, _Message]) -> None:
        self._by_equipment = codec.by_equipment
        self.encoding = codec.encoding
        self._answers = codec.answers
        self._messages = messages
        commands = [each for each in messages.values() if not each.spec.is_event]
        self._control = {each.control: each for each in commands if each.control is not None}
        self._data = {
            (each.stream, each.function): each
            for each in commands
            if each.control is None and not each.is_any
        }
        self._any = {each.wants_reply: each for each in commands if each.is_any}
        self.streams = {each.stream for each in commands if each.control is None and not each.is_any}
        """The streams of the declared commands."""
        self._events = {
            (each.stream, each.function): each for each in messages.values() if each.spec.is_event
        }
        self._device = codec.device.name
        self._default_device = codec.device.default
        device = Field(self._device, Annotated[U16, Range(0, LARGEST_DEVICE)], self._default_device)
        self.header_values = {self._device: device}
        self._readers = {name: _Reader(self, each, {}, None) for name, each in messages.items()}

    # -- bodies -----------------------------------------------------------------------------------------

    def write_body(self, form: SecsForm | None, value: Any) -> bytes:
        """Return the item of a value, or no bytes without an item. Raises CodecError."""
        if form is None:
            if value is not None:
                raise wrong("None, because the message has no item", value)
            return b""
        written = form.write(value)
        return b"" if written is None else encode(written, self.encoding)

    def read_body(self, form: SecsForm | None, frame: bytes) -> Any:
        """Return the value of the item behind a header. Raises CodecError."""
        if len(frame) == HEADER_SIZE:
            if form is None:
                return None
            return form.read(None)
        if form is None:
            raise CodecError("the message has an item, and must have none")
        return form.read(decode(frame, self.encoding, HEADER_SIZE))

    def _write_parameters(self, message: _Message, values: Mapping[str, Any]) -> bytes:
        if message.is_any:
            item = values[message.names[1]]
            return b"" if item is None else encode(item, self.encoding)
        if message.body is None:
            return b""
        if len(message.names) > 1:
            return self.write_body(message.body, values)
        (name,) = message.names
        try:
            return self.write_body(message.body, values[name])
        except CodecError as problem:
            raise inside(name, problem) from None

    def _read_parameters(self, message: _Message, header: Header, frame: bytes) -> dict[str, Any]:
        if message.is_any:
            item = decode(frame, self.encoding, HEADER_SIZE) if len(frame) > HEADER_SIZE else None
            return dict(zip(message.names, (header.name, item), strict=True))
        value = self.read_body(message.body, frame)
        if len(message.names) > 1:
            found: dict[str, Any] = value
            return found
        return dict.fromkeys(message.names, value)

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        return self._request(self._messages[name], values, id, self._default_device)

    def _request(self, message: _Message, values: Mapping[str, Any], id: int, device: Any) -> bytes:
        if message.control is not None:
            return Header(CONTROL_SESSION, 0, 0, 0, message.control, id).write()
        if type(device) is not int or not 0 <= device <= LARGEST_DEVICE:
            raise inside(self._device, wrong(f"a device ID from 0 to {LARGEST_DEVICE}", device))
        stream, function = message.address(values)
        header = Header.of_data(device, stream, function, id, wants_reply=message.wants_reply)
        return header.write(self._write_parameters(message, values))

    def ask(
        self,
        name: str,
        values: Mapping[str, Any],
        id: int,
        header: Mapping[str, Any],
        learned: dict[str, Any],
    ) -> tuple[bytes, ReplyReader | None]:
        message = self._messages[name]
        device = header.get(self._device, learned.get(self._device, self._default_device))
        frame = self._request(message, values, id, device)
        return frame, _Reader(self, message, values, device) if message.wants_reply else None

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._readers[name] if self._messages[name].wants_reply else None

    def reader_for(self, name: str, values: Mapping[str, Any]) -> ReplyReader | None:
        message = self._messages[name]
        return _Reader(self, message, values, None) if message.wants_reply else None

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        header = Header.read(frame)
        if header.ptype:
            raise CodecError(f"this is {header.name}, and only PType 0, SECS-II, is known")
        if header.stype == SType.DATA:
            return self._read_data_at_host(header, frame)
        if header.stype == SType.REJECT_REQ:
            return (Answer(_Received(header, frame, _fault(f"Reject {header.byte3}")), header.system),)
        if header.stype in (SType.SELECT_RSP, SType.DESELECT_RSP, SType.LINKTEST_RSP):
            return (Answer(_Received(header, frame, None), header.system),)
        raise CodecError(f"{header.name} is not an answer")

    def _read_data_at_host(self, header: Header, frame: bytes) -> Sequence[Event | Answer]:
        stream, function = header.stream, header.byte3
        if function == 0:
            fault = Fault(ABORT, f"{WORDS[ABORT]} ({header.name})")
            return (Answer(_Received(header, frame, fault), header.system),)
        if function % 2 == 0:
            return (Answer(_Received(header, frame, None), header.system),)
        if stream == 9 and function in _FAULTS_OF_STREAM_9:
            about = decode(frame, self.encoding, HEADER_SIZE)
            if not isinstance(about, bytes) or len(about) != HEADER_SIZE:
                raise CodecError(f"{header.name} does not hold the header of a message")
            refused = Header.read(about)
            if refused.byte3 % 2 == 0:
                raise CodecError(f"{header.name} is about the reply {refused.name}")
            fault = Fault(header.name, WORDS[header.name], about)
            return (Answer(_Received(refused, frame, fault), refused.system),)
        event = self._events.get((stream, function))
        if event is None:
            raise CodecError(f"{header.name} is not an event of this declaration")
        return (Event(event.spec.name, self._read_parameters(event, header, frame)),)

    def stray_answer(self, frame: bytes) -> bytes | None:
        header = Header.read(frame)
        is_response = header.stype in (SType.SELECT_RSP, SType.DESELECT_RSP, SType.LINKTEST_RSP)
        return self._reject(header, 3) if is_response else None

    def answers_another(self, name: str, body: Any) -> bool:
        return False

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            header = Header.read(frame)
        except CodecError as error:
            return Refusal(ProtocolErrorKind.UNREADABLE, error, wants_reply=False)
        if header.ptype:
            problem = CodecError(f"this is {header.name}, and only PType 0, SECS-II, is known")
            return Refusal(ProtocolErrorKind.UNREADABLE, problem, id=header)
        if header.stype != SType.DATA:
            return self._read_control(header, len(frame))
        if header.byte3 % 2 == 0 or header.stream == 9:
            problem = CodecError(f"{header.name} is not a request")
            return Refusal(ProtocolErrorKind.MALFORMED, problem, id=header, wants_reply=False, foreign=True)
        if not self._is_ours(header):
            problem = CodecError(f"{header.name} is for device {header.session}, which is not here")
            unknown, wanted = ProtocolErrorKind.UNKNOWN_COMMAND, header.wants_reply
            return Refusal(unknown, problem, id=header, wants_reply=wanted)
        message = self._data.get((header.stream, header.byte3)) or self._any.get(header.wants_reply)
        values_of_header = {self._device: header.session}
        if message is None:
            is_event = (header.stream, header.byte3) in self._events
            unknown = ProtocolErrorKind.UNKNOWN_COMMAND
            problem = CodecError(f"there is no command {header.name}")
            wanted = header.wants_reply
            return Refusal(unknown, problem, None, header, wanted, is_event, values_of_header)
        name = message.spec.name
        try:
            values = self._read_parameters(message, header, frame)
        except CodecError as error:
            bad = ProtocolErrorKind.BAD_PARAMETERS
            return Refusal(bad, error, name, header, header.wants_reply, False, values_of_header)
        return Request(name, values, header, header.wants_reply, values_of_header)

    def answer_id(self, request: Request) -> Any:
        return self._header_of(request).system

    def _is_ours(self, header: Header) -> bool:
        return self._answers is None or header.session in self._answers

    def _read_control(self, header: Header, size: int) -> Asked:
        if size != HEADER_SIZE:
            problem = CodecError(f"{header.name} has {size - HEADER_SIZE} bytes too many")
            return Refusal(ProtocolErrorKind.MALFORMED, problem, id=header, wants_reply=False)
        message = self._control.get(header.stype)  # type: ignore[call-overload]
        if message is not None:
            return Request(message.spec.name, {}, header, message.wants_reply, {})
        problem = CodecError(f"{header.name} is not a request of this declaration")
        if header.stype in (SType.SELECT_RSP, SType.DESELECT_RSP, SType.LINKTEST_RSP, SType.REJECT_REQ):
            return Refusal(ProtocolErrorKind.MALFORMED, problem, id=header, wants_reply=False, foreign=True)
        return Refusal(ProtocolErrorKind.MALFORMED, problem, id=header)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        message = self._messages[request.name]
        header = self._header_of(request)
        if message.control is not None:
            if result is not None:
                raise wrong("None, because the response has only a status", result)
            return [header.but(byte2=0, byte3=0, stype=message.control + 1).write()]
        body = self._write_result(message, result)
        reply = Header.of_data(
            header.session, header.stream, header.byte3 + 1, header.system, wants_reply=False
        )
        return [reply.write(body)]

    def _write_result(self, message: _Message, result: Any) -> bytes:
        if message.is_any and result is None:
            return b""
        return self.write_body(message.result, result)

    def _header_of(self, request: Request | Refusal) -> Header:
        """Return the header of a request. A sample has only a number."""
        if isinstance(request.id, Header):
            return request.id
        system = request.id if isinstance(request.id, int) else 0
        message = self._messages.get(request.name or "")
        if message is None:
            return Header(CONTROL_SESSION, 0, 0, 0, 0, system)
        if message.control is not None:
            return Header(CONTROL_SESSION, 0, 0, 0, message.control, system)
        is_sample = message.is_any and not request.values  # type: ignore[union-attr]
        stream, function = (1, 1) if is_sample else message.address(request.values)  # type: ignore[union-attr]
        return Header.of_data(self._default_device, stream, function, system, wants_reply=True)

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        header, code = self._header_of(request), fault.code
        kind, _, number = str(code).partition(" ")
        if kind == "Reject" and number.isdigit():
            return self._reject(header, int(number))
        if header.stype != SType.DATA:
            return self._control_fault(header, str(code))
        stream, function = (header.stream, 0) if code == ABORT else _parsed(code)
        if stream == 9 and not self._by_equipment:
            stream, function = header.stream, 0  # only equipment sends stream 9
        if function == 0 and stream == header.stream:
            return Header.of_data(header.session, stream, 0, header.system, wants_reply=False).write()
        if stream != 9:
            raise CodecError(
                f"SECS-II carries no fault {brief_repr(code)}: return an acknowledge code such as HCACK, "
                f"or raise Fault({ABORT!r}) to abort the transaction",
                "code",
            )
        if not self._is_ours(header):
            function = 1
        # It repeats the system bytes, so that a host finds the transaction also without reading MHEAD.
        report = Header.of_data(header.session, 9, function, header.system, wants_reply=False)
        return report.write(encode(header.write()))

    @staticmethod
    def _reject(header: Header, reason: int) -> bytes:
        refused = header.ptype if reason == 2 else header.stype
        return header.but(byte2=refused, byte3=reason & 0xFF, ptype=0, stype=SType.REJECT_REQ).write()

    def _control_fault(self, header: Header, code: str) -> bytes:
        kind, _, number = code.partition(" ")
        if header.stype in _STATUS_REQUESTS:
            own = header.name.partition(".")[0]
            if kind == own and number.isdigit() and 0 < int(number) <= 255:
                return header.but(byte2=0, byte3=int(number), stype=header.stype + 1).write()
            if code == ABORT:  # the handler failed
                return header.but(byte2=0, byte3=2, stype=header.stype + 1).write()
            raise CodecError(f"{own} has no fault {code!r}: write Fault('{own} 2')", "code")
        if code != ABORT:
            raise CodecError(f"{header.name} has no fault {code!r}: raise Fault('Reject 1')", "code")
        return self._reject(header, 1)

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(_CODES[kind], reason)

    def fault_codes(self, name: str) -> Sequence[str]:
        message = self._messages[name]
        if message.status:
            own = str(message.spec.wire).partition(".")[0]
            return [f"{own} 1", f"{own} 2"]
        if message.control is not None:
            return ["Reject 1"]
        return [ABORT, "S9F7"] if self._by_equipment else [ABORT]

    def can_fail(self, name: str) -> bool:
        return self._messages[name].wants_reply

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        message = self._messages[name]
        header = Header.of_data(
            self._default_device, message.stream, message.function, 0, wants_reply=False
        )
        return header.write(self._write_parameters(message, values))

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        message = self._messages[name]
        if message.is_any:
            stream, function = 100 + random.randrange(28), 1 + 2 * random.randrange(127)
            item = None if random.random() < 0.2 else draw(random)
            return dict(zip(message.names, (message_name(stream, function), item), strict=True))
        if message.body is None:
            return {}
        drawn = message.body.draw(random)
        return drawn if len(message.names) > 1 else dict.fromkeys(message.names, drawn)

    def draw_result(self, name: str, random: Random) -> Any:
        result = self._messages[name].result
        return None if result is None else result.draw(random)

    def notation(self, name: str) -> Notation:
        message = self._messages[name]
        if message.control is not None:
            reply = str(message.spec.wire).replace(".req", ".rsp")
            return Notation(str(message.spec.wire), (reply,) if message.wants_reply else ())
        own = ANY if message.is_any else message_name(message.stream, message.function)
        body = "item" if message.is_any else "" if message.body is None else message.body.text
        wish = "W" if message.wants_reply else ""
        request = " ".join(each for each in (own, wish, body) if each)
        if not message.wants_reply:
            return Notation(request)
        reply = "SxF(y+1)" if message.is_any else message_name(message.stream, message.function + 1)
        result = "" if message.result is None else f" {message.result.text}"
        return Notation(request, (reply + result,))

    def fault_notation(self) -> str:
        return "SxF0, S9Fy B[10] or Reject.req" if self._by_equipment else "SxF0 or Reject.req"


def _parsed(code: Any) -> tuple[int, int]:
    """Return the stream and the function of a fault's code, or zeros if it is another code."""
    try:
        return parse_name(code)
    except CodecError:
        return 0, -1


def _fault(code: str) -> Fault:
    return Fault(code, WORDS.get(code, ""))


@frozen
class _Reader(ReplyReader):
    """Reads the reply to one request."""

    is_one_frame: ClassVar[bool] = True

    dialect: HsmsDialect
    message: _Message
    values: Mapping[str, Any]
    device: int | None

    def take(self, body: Any) -> Any:
        header, frame, fault = body
        message = self.message
        if fault is not None:
            raise fault
        if message.control is not None:
            return self._take_control(message.control, header)
        stream, function = message.address(self.values)
        if header.stype != SType.DATA or (header.stream, header.byte3) != (stream, function + 1):
            raise CodecError(f"{header.name} is not the reply to {message_name(stream, function)}")
        if self.device is not None and header.session != self.device:
            raise CodecError(
                f"it is from device {header.session}, and device {self.device} was asked: set device_id",
                "device",
            )
        if message.is_any:
            return decode(frame, self.dialect.encoding, HEADER_SIZE) if len(frame) > HEADER_SIZE else None
        return self.dialect.read_body(message.result, frame)

    def _take_control(self, control: SType, header: Header) -> None:
        if header.stype != control + 1:
            raise CodecError(f"{header.name} is not the response to {self.message.spec.wire}")
        if self.message.status and header.byte3:
            own = str(self.message.spec.wire).partition(".")[0]
            raise _fault(f"{own} {header.byte3}")
