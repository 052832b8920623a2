"""
:class:`Binary`: an opcode, then parameters in bytes as their annotations say.

::

    class Drive(Equipment):
        codec = Binary()

        @command(0x10)
        def move(self, axis: U8, position: I32) -> U16: ...

    request   10 01 00 00 03 E8        opcode, axis, position
    reply     10 00 2A                 opcode, result
    fault     90 02                    opcode with its top bit set, code

"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Optional

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import MISSING, Codec, Dialect, Field, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.binary.compiler import LayoutCompiler
from tcpcomm.codec.binary.dialect import BinaryDialect, BinaryMessage, WireFormat, check_distinct
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Header, int_type
from tcpcomm.codec.binary.layout import NOTHING, Layout
from tcpcomm.codec.binary.types import U8, Order
from tcpcomm.codec.limits import MAX_ITEMS, limited_lists, positive
from tcpcomm.codec.problems import brief_repr, errors_at
from tcpcomm.errors import ConfigurationError

ERROR_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: 3,
    ProtocolErrorKind.MALFORMED: 3,
    ProtocolErrorKind.UNKNOWN_COMMAND: 1,
    ProtocolErrorKind.BAD_PARAMETERS: 3,
    ProtocolErrorKind.WRONG_STATE: 4,
    ProtocolErrorKind.INTERNAL: 4,
}
"""The exception codes of Modbus: illegal function, illegal data value, server device failure."""


@frozen
class Binary(Codec):
    """
    Binary messages: a header with an opcode, then the parameters as their annotations say.

    Args:
        opcode: the type of the opcode.
        id: the type of the number that a reply repeats from its request. None: replies have no id, and come
            in the order of the requests.
        status: the type of a field in every reply that shows a fault: any status other than ``ok`` is the
            code of a fault. None: the opcode shows a fault.
        ok: the status of a successful reply.
        head: the header of requests: OPCODE, ID, STATUS, ``Length(U16)``, ``Skip(2)`` and constant bytes in
            their order. By default OPCODE, then ID if there is one.
        reply_head: the header of replies and faults. By default ``head``, then STATUS if there is one.
        event_head: the header of events. By default ``head`` without ID.
        reply_bit: the bit that a reply sets in the opcode of its request: 0x80, or 0 for the same opcode.
            ``@command(0x10, reply=0x11)`` gives one command's reply an opcode of its own.
        fault_bit: the bit that a fault sets in the opcode of its request; by default the top bit, as Modbus
            has.
        fault_opcode: the opcode of all faults, instead of ``fault_bit``.
        code: the type of a fault's code, which is first in the fault unless it is the status.
        reason: the annotation of a fault's reason, behind its code. None: it is not sent.
        data: the annotation of a fault's data, which are last, or missing. None: they are not sent.
        byte_order: ``big`` or ``little``, for annotations that have none.
        encoding: the encoding of texts that have none.
        codes: the codes of faults that no declaration foresees; by default those of Modbus.
        max_items: the most items of a list that is read one by one, such as a list of attrs classes or
            texts. A list of numbers is read by one call, and only the frame limits it.

    Raises:
        ConfigurationError: the options contradict each other.
    """

    opcode: Any = U8
    id: Any = field(default=None, kw_only=True)
    status: Any = field(default=None, kw_only=True)
    ok: int = field(default=0, kw_only=True)
    head: tuple[Any, ...] = field(kw_only=True)
    reply_head: tuple[Any, ...] = field(kw_only=True)
    event_head: tuple[Any, ...] = field(kw_only=True)
    reply_bit: int = field(default=0, kw_only=True)
    fault_bit: int = field(kw_only=True)
    fault_opcode: int | None = field(default=None, kw_only=True)
    code: Any = field(default=U8, kw_only=True)
    reason: Any = field(default=None, kw_only=True)
    data: Any = field(default=None, kw_only=True)
    byte_order: Order = field(default="big", kw_only=True)
    encoding: str = field(default="ascii", kw_only=True)
    codes: Mapping[ProtocolErrorKind, int] = field(factory=dict, kw_only=True)
    max_items: int = field(default=MAX_ITEMS, kw_only=True, validator=positive)

    @head.default
    def _default_head(self) -> tuple[Any, ...]:
        return (OPCODE,) if self.id is None else (OPCODE, ID)

    @reply_head.default
    def _default_reply_head(self) -> tuple[Any, ...]:
        return self.head if self.status is None or STATUS in self.head else (*self.head, STATUS)

    @event_head.default
    def _default_event_head(self) -> tuple[Any, ...]:
        return tuple(item for item in self.head if item is not ID)

    @fault_bit.default
    def _default_fault_bit(self) -> int:
        return int(1 << 8 * int_type(self.opcode, "opcode").width - 1)

    def _headers(self) -> list[Header]:
        types = {
            OPCODE: int_type(self.opcode, "opcode"),
            ID: None if self.id is None else int_type(self.id, "id"),
            STATUS: None if self.status is None else int_type(self.status, "status"),
        }
        heads = (self.head, self.reply_head, self.event_head)
        return [Header(items, types, self.byte_order) for items in heads]

    def __attrs_post_init__(self) -> None:
        if self.byte_order not in ("big", "little"):
            raise ConfigurationError(f"byte_order must be big or little, not {self.byte_order!r}")
        request, reply, event = (header.fields for header in self._headers())
        problems = []
        if OPCODE not in request or OPCODE not in event:
            problems.append("head and event_head need OPCODE, which shows the command or event")
        if (self.id is not None) != (ID in request) or (ID in request) != (ID in reply):
            problems.append("an id needs its type, id=, and ID in head and reply_head")
        if self.status is None and OPCODE not in reply:
            problems.append("without OPCODE in reply_head nothing shows a fault: add it, or give a status")
        if self.status is not None and STATUS not in reply:
            problems.append("reply_head needs STATUS")
        if self.reason is not None and bare_type(self.reason) is not str:
            problems.append("the reason of a fault must be text, such as Annotated[str, Counted(U8)]")
        if self.status is not None and self.ok in {**ERROR_CODES, **self.codes}.values():
            problems.append(f"status {self.ok} means success: give faults other codes with codes=")
        if problems:
            raise ConfigurationError("; ".join(problems))
        self._fault_layout()

    def _fault_layout(self) -> Layout:
        """Return the layout of a fault behind its header: code, reason and data, if they are sent."""
        types = {"code": self.code if self.status is None else None, "reason": self.reason}
        fields = [Field(name, type) for name, type in types.items() if type is not None]
        if self.data is not None:
            fields.append(Field("data", Optional[self.data]))  # noqa: UP045  # a type only known when it runs
        with errors_at("Binary"):
            return LayoutCompiler(self.byte_order, self.encoding).values(fields)

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        compiler = LayoutCompiler(self.byte_order, self.encoding)
        messages: dict[str, BinaryMessage] = {}
        by_opcode: dict[tuple[bool, int], MessageSpec] = {}
        for spec in specs:
            with errors_at(spec.where), limited_lists(self.max_items):
                message = self._message(spec, compiler)
                other = by_opcode.setdefault((spec.is_event, message.opcode), spec)
                if other is not spec:
                    raise ConfigurationError(f"{other.where} has the opcode 0x{message.opcode:02X} already")
            messages[spec.name] = message
        request_header, reply_header, event_header = self._headers()
        wire = WireFormat(
            request_header=request_header,
            reply_header=reply_header,
            event_header=event_header,
            has_status=self.status is not None,
            ok=self.ok,
            fault_bit=self.fault_bit if self.fault_opcode is None else 0,
            fault_opcode=self.fault_opcode,
            fault=self._fault_layout(),
            fault_parts=frozenset(name for name in ("reason", "data") if getattr(self, name) is not None),
            codes={**ERROR_CODES, **self.codes},
        )
        dialect = BinaryDialect(wire, messages)
        for message in messages.values():
            check_distinct(dialect, message)
        return dialect

    def _message(self, spec: MessageSpec, compiler: LayoutCompiler) -> BinaryMessage:
        opcode = self._opcode(spec.wire)
        reply = opcode | self.reply_bit if spec.reply in (MISSING, None) else self._opcode(spec.reply)
        fault = opcode | self.fault_bit if self.fault_opcode is None else self.fault_opcode
        parameters = compiler.values(spec.parameters, "parameter ")
        with errors_at("its result"):
            result = NOTHING if spec.result is None else compiler.value(spec.result)
        return BinaryMessage(
            spec, opcode, reply, reply if self.status is not None else fault, parameters, result
        )

    def _opcode(self, value: Any) -> int:
        most = (1 << 8 * int_type(self.opcode, "opcode").width) - 1
        if type(value) is not int or not 0 <= value <= most:
            given = "" if value is MISSING else f", not {brief_repr(value)}"
            raise ConfigurationError(f"its opcode must be a number from 0 to 0x{most:X}{given}")
        return value
