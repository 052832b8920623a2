"""What :class:`~tcpcomm.codec.Binary` becomes when it is bound to a declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from attrs import frozen

from tcpcomm.codec.base import (
    Answer,
    Asked,
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
from tcpcomm.codec.binary.codegen import named_values
from tcpcomm.codec.binary.compiler import Layouts
from tcpcomm.codec.binary.header import Head
from tcpcomm.codec.binary.layout import Layout
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["BinaryDialect", "BinaryDialectById", "Plan", "Wire", "check_apart", "named"]


def named(layouts: Layouts, fields: Sequence[Field], where: str) -> Layout:
    """
    The layout of values with names, as a dictionary.

    Args:
        layouts: where the layouts of the values come from.
        fields: names and annotations.
        where: prefix of error messages.

    Raises:
        ConfigurationError: one of them does not say how it lies in bytes.
    """
    names = [each.name for each in fields]
    expected = frozenset(names)

    def make(values: list[Any]) -> dict[str, Any]:
        return dict(zip(names, values, strict=True))

    def split(values: Any) -> list[Any]:
        if len(values) != len(names) or not expected.issuperset(values):
            absent = [name for name in names if name not in values]
            raise missing(absent[0]) if absent else unknown(min(values.keys() - expected))
        return [values[name] for name in names]

    return layouts.of_fields(fields, make, split, named_values(len(names)), where)


@frozen(kw_only=True)
class Wire:
    """
    What all messages of a codec have in common.

    Attributes:
        has_status: whether a status in the header tells faults, and not their opcode.
        fault_parts: which of ``reason`` and ``data`` a fault carries.
    """

    head: Head
    reply_head: Head
    event_head: Head
    has_status: bool
    ok: int
    fault_bit: int
    fault_opcode: int | None
    fault: Layout
    fault_parts: frozenset[str]
    codes: Mapping[ProtocolErrorKind, int]


@frozen
class Plan:
    """One form, compiled."""

    form: MessageSpec
    opcode: int
    reply_opcode: int
    fault_opcode: int
    parameters: Layout
    result: Layout


class _Marks(NamedTuple):
    """What the fault for an unknown command repeats, in place of an id."""

    id: int
    opcode: int


class _Reply(NamedTuple):
    """A reply or a fault, of which the header has been read."""

    frame: bytes
    at: int
    opcode: int | None
    status: int | None
    is_fault: bool


class BinaryDialect(Dialect):
    """A dialect of binary messages whose replies come in the order of the requests."""

    def __init__(self, wire: Wire, plans: Mapping[str, Plan]) -> None:
        self._wire = wire
        self._plans = plans
        self._commands: dict[int | None, Plan] = {
            plan.opcode: plan for plan in plans.values() if not plan.form.is_event
        }
        self._events: dict[int | None, Plan] = {
            plan.opcode: plan for plan in plans.values() if plan.form.is_event
        }
        self._replies = {
            plan.reply_opcode for plan in self._commands.values() if plan.form.reply is not None
        }
        self._answers = {
            name: None if plan.form.reply is None else _BinaryReplyReader(wire, plan)
            for name, plan in plans.items()
        }
        if (largest := wire.head.largest_id) is not None:
            self.largest_id = largest

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        plan = self._plans[name]
        return self._wire.head.write(plan.opcode, id, 0, plan.parameters.write(values))

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._answers[name]

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        if self._events:
            try:
                opcode, _, _, at = self._wire.event_head.read(frame)
                plan = self._events.get(opcode)
            except CodecError:  # then it is an answer, or the same error is raised for that
                plan = None
            if plan is not None:
                return (Event(plan.form.name, _whole(plan.parameters, frame, at)),)
        opcode, id, status, at = self._wire.reply_head.read(frame)
        is_fault = self._is_fault(opcode, status)
        if opcode is not None and not is_fault and opcode not in self._replies:
            raise CodecError(f"there is no event and no reply 0x{opcode:02X}", "opcode")
        return (Answer(_Reply(frame, at, opcode, status, is_fault), id),)

    def _is_fault(self, opcode: int | None, status: int | None) -> bool:
        wire = self._wire
        if wire.has_status:
            return status != wire.ok
        if opcode in self._replies:
            return False
        return opcode == wire.fault_opcode or bool((opcode or 0) & wire.fault_bit)

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            opcode, id, _, at = self._wire.head.read(frame)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.UNREADABLE, problem, id=_Marks(0, 0), foreign=self._is_foreign(frame))
        plan = self._commands.get(opcode)
        if plan is None:
            unknown_one = CodecError(f"there is no command 0x{opcode:02X}", "opcode")
            marks = _Marks(id or 0, opcode or 0)
            return Refusal(ProtocolErrorKind.UNKNOWN_COMMAND, unknown_one, id=marks, foreign=self._is_foreign(frame))
        wants_reply = plan.form.reply is not None
        try:
            return Request(plan.form.name, _whole(plan.parameters, frame, at), id, wants_reply)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, problem, plan.form.name, id, wants_reply)

    def _is_foreign(self, frame: bytes) -> bool:
        """Whether a frame that is no request looks like what equipment sends."""
        try:
            self.read_at_host(frame)
        except CodecError:
            return False
        return True

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self.replier(request.name)(request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        plan, write, ok = self._plans[name], self._wire.reply_head.write, self._wire.ok
        body = _no_result if plan.form.result is None else plan.result.write
        opcode = plan.reply_opcode
        return lambda request, result: [write(opcode, request.id or 0, ok, body(result))]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        wire = self._wire
        parts = {"reason": fault.reason, "data": fault.data}
        values: dict[str, Any] = {name: parts[name] for name in parts if name in wire.fault_parts}
        if type(fault.code) is not int:
            raise inside("code", wrong("a whole number", fault.code))
        if not wire.has_status:
            values["code"] = fault.code
        elif fault.code == wire.ok:
            raise CodecError(f"{fault.code} says that all is well", "code")
        body = wire.fault.write(values)
        opcode, id = self._marks(request)
        return wire.reply_head.write(opcode, id, fault.code, body)

    def _marks(self, request: Request | Refusal) -> tuple[int, int]:
        """The opcode and the id of the fault that answers a request."""
        if request.name is not None:
            return self._plans[request.name].fault_opcode, request.id or 0
        marks = request.id if isinstance(request.id, _Marks) else _Marks(0, 0)
        own = self._wire.fault_opcode
        if self._wire.has_status:
            return marks.opcode, marks.id
        return marks.opcode | self._wire.fault_bit if own is None else own, marks.id

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        fault = Fault(self._wire.codes[kind], reason)
        try:
            self.fault(Refusal(kind, CodecError("")), fault)
        except CodecError:  # the wire has no room for these words; the code tells it
            return Fault(fault.code)
        return fault

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        plan = self._plans[name]
        return self._wire.event_head.write(plan.opcode, 0, 0, plan.parameters.write(values))

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        values: dict[str, Any] = self._plans[name].parameters.draw(random)
        return values

    def draw_result(self, name: str, random: Random) -> Any:
        plan = self._plans[name]
        return None if plan.form.result is None else plan.result.draw(random)

    def notation(self, name: str) -> Notation:
        plan, wire = self._plans[name], self._wire
        head = wire.event_head if plan.form.is_event else wire.head
        request = f"{head.label(plan.opcode)} {plan.parameters.label}".rstrip()
        if plan.form.is_event or plan.form.reply is None:
            return Notation(request)
        result = plan.result.label
        if result.startswith("(") and result.endswith(")"):
            result = result[1:-1]
        return Notation(request, (f"{wire.reply_head.label(plan.reply_opcode)} {result}".rstrip(),))

    def fault_notation(self) -> str:
        wire = self._wire
        opcode: int | str = "opcode" if wire.fault_opcode is None else wire.fault_opcode
        if wire.fault_bit and not wire.has_status:
            opcode = f"opcode|{wire.fault_bit:02X}"
        return f"{wire.reply_head.label(opcode)} {wire.fault.label}".rstrip()


class BinaryDialectById(BinaryDialect):
    """A dialect of binary messages whose replies carry the id of their request."""

    by_id = True


def _no_result(result: Any) -> bytes:
    if result is not None:
        raise wrong("None", result)
    return b""


def _whole(layout: Layout, frame: bytes, at: int) -> Any:
    """The value that fills a frame from a place to its end. Raises CodecError."""
    value, end = layout.read(frame, at)
    if end != len(frame):
        raise CodecError(f"has {len(frame) - end} bytes too many at its end")
    return value


@frozen
class _BinaryReplyReader(ReplyReader):
    """Reads the reply to one command. It has no state, so all requests share it."""

    wire: Wire
    plan: Plan

    def take(self, body: Any) -> Any:
        frame, at, opcode, status, is_fault = body
        if not is_fault:
            if opcode is not None and opcode != self.plan.reply_opcode:
                raise CodecError(f"0x{opcode:02X} is no reply to 0x{self.plan.opcode:02X}", "opcode")
            value = _whole(self.plan.result, frame, at)
            return None if self.plan.form.result is None else value
        if opcode not in (None, self.plan.fault_opcode, self.wire.fault_bit):
            raise CodecError(f"0x{opcode:02X} is no fault of 0x{self.plan.opcode:02X}", "opcode")
        values = _whole(self.wire.fault, frame, at)
        raise Fault(values.get("code", status), values.get("reason", ""), values.get("data"))


def check_apart(dialect: BinaryDialect, plan: Plan) -> None:
    """
    Check by an example that a host can tell what a frame is.

    Raises:
        ConfigurationError: it cannot.
    """
    form, random = plan.form, Random(0)
    if form.is_event:
        frame = dialect.event(form.name, dialect.draw_values(form.name, random))
        if not _reads(dialect, frame, lambda found: isinstance(found, Event) and found.name == form.name):
            raise ConfigurationError(f"{form.where}: a host would not know {brief_repr(frame)} for this event")
        return
    if form.reply is None:
        return
    request = Request(form.name, {}, 0)
    (frame,) = dialect.reply(request, dialect.draw_result(form.name, random))
    if not _reads(dialect, frame, lambda found: isinstance(found, Answer) and not found.body.is_fault):
        raise ConfigurationError(f"{form.where}: a host would not know {brief_repr(frame)} for its reply")
    frame = dialect.fault(request, Fault(dialect.fault_for(ProtocolErrorKind.INTERNAL, "").code))
    if not _reads(dialect, frame, lambda found: isinstance(found, Answer) and found.body.is_fault):
        raise ConfigurationError(
            f"{form.where}: a host would not know {brief_repr(frame)} for a fault: choose another fault_bit, "
            "or a fault_opcode"
        )


def _reads(dialect: BinaryDialect, frame: bytes, expected: Callable[[Any], bool]) -> bool:
    try:
        (found,) = dialect.read_at_host(frame)
    except CodecError:
        return False
    return expected(found)
