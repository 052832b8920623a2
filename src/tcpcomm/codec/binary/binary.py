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

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Optional

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import MISSING, Codec, Dialect, Field, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.binary.dialect import check_distinct
from tcpcomm.codec.binary.headed_dialect import dialect_of
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Header
from tcpcomm.codec.binary.layouts.compiler import LayoutCompiler
from tcpcomm.codec.binary.layouts.fixed_size import FixedLayout, number
from tcpcomm.codec.binary.layouts.layout import Layout
from tcpcomm.codec.binary.opcodes import OpcodeType, int_type, opcode_bits, opcode_text, opcode_type
from tcpcomm.codec.binary.statuses import good_statuses, result_form, uses_status
from tcpcomm.codec.binary.types import U8, Order, Via
from tcpcomm.codec.binary.variables import WantsReply
from tcpcomm.codec.binary.wire_format import BinaryMessage, WireFormat
from tcpcomm.codec.limits import MAX_ITEMS, limited_lists, positive
from tcpcomm.codec.meanings import Meanings, meanings_of
from tcpcomm.codec.problems import errors_at
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

_OF_FAULTS: Final = ("status", "fault_opcode", "reason", "data")
"""The options that say something about faults only, and that are None by default."""


@frozen
class Binary(Codec):
    """
    Binary messages: a header with an opcode, then the parameters as their annotations say.

    Args:
        opcode: the type of the opcode: a number, a tuple of numbers that stand side by side, such as
            ``(U8, U8)`` for ``@command((1, 13))``, or text or bytes of a fixed size.
        id: the type of the number that a reply repeats from its request. None: replies have no id, and come
            in the order of the requests.
        status: the type of a field in every reply that shows a fault: any status other than ``ok`` is the
            code of a fault. None: the opcode shows a fault.
        ok: the status of a successful reply; or several such as ``(0, 4)`` or ``range(16)``, a ``Mask``, or
            a function that returns True for a good one. ``Annotated[int, STATUS]`` in a command's result is
            the status of its reply, such as a warning.
        status_last: True if the status, and then the reason and the data of a fault, stand behind the
            result of every reply instead of in its header.
        head: the header of requests: OPCODE, ID, STATUS, ``Length(U16)``, ``Skip(2)``, ``Check``, constant
            bytes, and values that vary (``Echo``, ``Var``, ``WantsReply``) in their order. By default
            OPCODE, then ID if there is one.
        reply_head: the header of replies and faults. By default ``head``, then STATUS if there is one.
        fault_head: the header of faults. By default ``reply_head``. None: the equipment has no faults. It
            sends nothing where it cannot serve a request.
        event_head: the header of events. By default ``head`` without ID.
        wants_reply_bit: the bit of the opcode that is set in a request that wants a reply: 0x8000 for the W
            bit of HSMS. 0: there is none.
        reply_bit: the bit that a reply sets in the opcode of its request: 0x80, or 0 for the same opcode.
            ``@command(0x10, reply=0x11)`` gives one command's reply an opcode of its own.
        fault_bit: the bit that a fault sets in the opcode of its request; by default the top bit, as Modbus
            has, and 0 for text and bytes.
        fault_opcode: the opcode of all faults, instead of ``fault_bit``; or a function that returns the
            opcode of a fault for the number of a request's opcode: ``lambda opcode: opcode & 0xFF00`` for
            the function 0 of SECS-II.
        code: the type of a fault's code, which is first in the fault unless it is the status. None: it is
            not sent, and arrives as 0.
        fault_status: the status of all faults, such as 0xFFFF, if the status says only that it is a fault.
            The code follows it then.
        reason: the annotation of a fault's reason, behind its code. None: it is not sent.
        data: the annotation of a fault's data, which are last, or missing. None: they are not sent.
        default_data: returns the data of a fault that has none: a function of the number of the request's
            opcode, 0 if there is none, and of the values in its header by name. The equipment calls it.
        byte_order: ``big``, ``little``, or ``hex`` for numbers that are written as hexadecimal digits, for
            annotations that have none.
        encoding: the encoding of texts that have none.
        codes: the codes of faults that no declaration foresees; by default those of Modbus.
        meanings: the words of codes, as the reason of faults that come without one; an IntEnum, or a
            mapping such as ``{2: "illegal data address"}``.
        types: how to carry values of types of your own, such as ``{Address: Via(...)}``, where an
            annotation has no ``Via``.
        max_items: the most items of a list that is read one by one, such as a list of attrs classes or
            texts. A list of numbers is read by one call, and only the frame limits it.

    Raises:
        ConfigurationError: the options contradict each other.
    """

    takes_silence: ClassVar[bool] = True

    opcode: Any = U8
    id: Any = field(default=None, kw_only=True)
    status: Any = field(default=None, kw_only=True)
    ok: Any = field(default=0, kw_only=True)
    status_last: bool = field(default=False, kw_only=True)
    head: tuple[Any, ...] = field(kw_only=True)
    reply_head: tuple[Any, ...] = field(kw_only=True)
    fault_head: tuple[Any, ...] | None = field(kw_only=True)
    event_head: tuple[Any, ...] = field(kw_only=True)
    wants_reply_bit: int = field(default=0, kw_only=True)
    reply_bit: int = field(default=0, kw_only=True)
    fault_bit: int = field(kw_only=True)
    fault_opcode: Any = field(default=None, kw_only=True)
    code: Any = field(default=U8, kw_only=True)
    fault_status: int | None = field(default=None, kw_only=True)
    reason: Any = field(default=None, kw_only=True)
    data: Any = field(default=None, kw_only=True)
    default_data: Callable[[int, Mapping[str, Any]], Any] | None = field(default=None, kw_only=True)
    byte_order: Order = field(default="big", kw_only=True)
    encoding: str = field(default="ascii", kw_only=True)
    codes: Mapping[ProtocolErrorKind, int] = field(factory=dict, kw_only=True)
    meanings: Meanings = field(factory=dict, kw_only=True, hash=False)
    types: Mapping[type, Via] = field(factory=dict, kw_only=True, hash=False)
    max_items: int = field(default=MAX_ITEMS, kw_only=True, validator=positive)

    @head.default
    def _default_head(self) -> tuple[Any, ...]:
        return (OPCODE,) if self.id is None else (OPCODE, ID)

    @reply_head.default
    def _default_reply_head(self) -> tuple[Any, ...]:
        items = tuple(item for item in self.head if not isinstance(item, WantsReply))
        if self.status is None or self.status_last or STATUS in self.head:
            return items
        return (*items, STATUS)

    @fault_head.default
    def _default_fault_head(self) -> tuple[Any, ...]:
        return self.reply_head

    @event_head.default
    def _default_event_head(self) -> tuple[Any, ...]:
        return tuple(item for item in self.head if item is not ID)

    @fault_bit.default
    def _default_fault_bit(self) -> int:
        bits = opcode_bits(self.opcode)
        return 1 << bits - 1 if bits else 0

    def _compiler(self) -> LayoutCompiler:
        return LayoutCompiler(self.byte_order, self.encoding, self.types)

    def _layout_of(self, annotation: Any) -> FixedLayout | None:
        return self._compiler().value(annotation).fixed

    def _opcode_type(self) -> OpcodeType:
        return opcode_type(self.opcode, self.byte_order, self._layout_of)

    def _headers(self) -> list[Header]:
        id = None if self.id is None else int_type(self.id, "id")
        status = None if self.status is None else int_type(self.status, "status")
        types = {
            OPCODE: self._opcode_type().layout,
            ID: None if id is None else number(int, id, self.byte_order),
            STATUS: None if status is None else number(int, status, self.byte_order),
        }
        largest_id = None if id is None else (1 << 8 * id.width - id.signed) - 1
        fault_head = self.reply_head if self.fault_head is None else self.fault_head
        heads = (self.head, self.reply_head, self.event_head, fault_head)
        return [Header(items, types, self.byte_order, self._layout_of, largest_id) for items in heads]

    def __attrs_post_init__(self) -> None:
        if self.byte_order not in ("big", "little", "hex"):
            raise ConfigurationError(f"byte_order must be big, little or hex, not {self.byte_order!r}")
        good = good_statuses(self.ok)
        bits = self._opcode_type().bits
        request, reply, event, fault = (header.fields for header in self._headers())
        problems = []
        has_faults = self.fault_head is not None
        if not has_faults:
            given = [each for each in _OF_FAULTS if getattr(self, each) is not None]
            if given:
                problems.append(f"fault_head=None means that there are no faults: leave out {given[0]}")
        if OPCODE not in request or OPCODE not in event:
            problems.append("head and event_head need OPCODE, which shows the command or event")
        if (self.id is not None) != (ID in request) or (ID in request) != (ID in reply):
            problems.append("an id needs its type, id=, and ID in head and reply_head")
        if has_faults and self.status is None and OPCODE not in reply:
            problems.append("without OPCODE in reply_head nothing shows a fault: add it, or give a status")
        if has_faults and self.status is None and not bits and self.fault_opcode is None:
            problems.append("text opcodes have no bit for a fault: give a status, or a fault_opcode")
        if self.default_data is not None and (self.data is None or bits == 0):
            problems.append("default_data needs data=, and an opcode that is a number")
        if self.status_last and (self.status is None or STATUS in reply):
            problems.append("status_last needs a status, which is not in reply_head")
        if self.status is not None and STATUS not in reply and not self.status_last:
            problems.append("reply_head needs STATUS")
        shows_fault = not has_faults or self.status is not None or OPCODE in fault
        if fault - {OPCODE} != reply - {OPCODE} or not shows_fault:
            problems.append("fault_head needs the same fields as reply_head; OPCODE only without a status")
        for name in ("wants_reply_bit", "reply_bit", "fault_bit"):
            if not 0 <= getattr(self, name) < 1 << bits:
                problems.append(f"{name} must be a bit of the opcode, which has {bits}")
        if self.reason is not None and bare_type(self.reason) is not str:
            problems.append("the reason of a fault must be text, such as Annotated[str, Counted(U8)]")
        codes = [*self._codes().values()]
        if self.fault_status is not None:
            if STATUS not in reply or self.code is None:
                problems.append("fault_status needs a status in reply_head, and the type of a code")
            codes = [self.fault_status]
        for code in sorted({*filter(good.accepts, codes)} if self.status is not None else ()):
            problems.append(f"status {code} means success: give faults other codes with codes=")
        if problems:
            raise ConfigurationError("; ".join(problems))
        self._fault_layout()
        meanings_of(self.meanings)

    def _fault_layout(self) -> Layout:
        """Return the layout of a fault behind its header: code, reason and data, if they are sent."""
        code = self.status if self.status_last else None
        if self.status is None or self.fault_status is not None:
            code = self.code
        types = {"code": code, "reason": self.reason}
        fields = [Field(name, type) for name, type in types.items() if type is not None]
        if self.data is not None:
            fields.append(Field("data", Optional[self.data]))  # noqa: UP045  # a type only known when it runs
        with errors_at("Binary"):
            return self._compiler().values(fields)

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        wire = self._wire_format()
        compiler = self._compiler()
        messages: dict[str, BinaryMessage] = {}
        by_opcode: dict[tuple[bool, Any], MessageSpec] = {}
        for spec in specs:
            with errors_at(spec.where), limited_lists(self.max_items):
                message = self._message(spec, compiler, wire)
                other = by_opcode.setdefault((spec.is_event, message.opcode), spec)
                if other is not spec:
                    raise ConfigurationError(
                        f"{other.where} has the opcode {opcode_text(message.opcode)} already"
                    )
            messages[spec.name] = message
        dialect = dialect_of(wire, messages)
        for message in messages.values():
            check_distinct(dialect, message)
        return dialect

    def _wire_format(self) -> WireFormat:
        request_header, reply_header, event_header, fault_header = self._headers()
        if self.fault_head in (None, self.reply_head):
            fault_header = reply_header
        opcodes = self._opcode_type()
        fault_opcode = self.fault_opcode
        if fault_opcode is not None and not callable(fault_opcode):
            with errors_at("fault_opcode"):
                fault_opcode = opcodes.take(fault_opcode)
        wire = WireFormat(
            has_faults=self.fault_head is not None,
            request_header=request_header,
            reply_header=reply_header,
            fault_header=fault_header,
            event_header=event_header,
            opcodes=opcodes,
            has_status=self.status is not None and not self.status_last,
            sends_code=self.status_last
            or self.fault_status is not None
            or (self.status is None and self.code is not None),
            fault_status=self.fault_status,
            good=good_statuses(self.ok),
            wants_reply_bit=self.wants_reply_bit,
            reply_bit=self.reply_bit,
            fault_bit=self.fault_bit if self.fault_opcode is None and self.fault_head is not None else 0,
            fault_opcode=fault_opcode,
            fault=self._fault_layout(),
            fault_parts=frozenset(name for name in ("reason", "data") if getattr(self, name) is not None),
            default_data=self.default_data,
            status_last=self.status_last,
            codes=self._codes(),
            meanings=meanings_of(self.meanings),
        )
        with_values = wire.is_headed or fault_header is not reply_header
        for header in {request_header, reply_header, event_header, fault_header}:
            header.generate(with_values=with_values)
        return wire

    def _codes(self) -> dict[ProtocolErrorKind, int]:
        if self.status is None and self.code is None:
            return dict.fromkeys(ProtocolErrorKind, 0)
        return {**ERROR_CODES, **self.codes}

    def _message(self, spec: MessageSpec, compiler: LayoutCompiler, wire: WireFormat) -> BinaryMessage:
        opcodes = wire.opcodes
        opcode = opcodes.take(spec.wire)
        if wire.wants_reply_bit and opcode & wire.wants_reply_bit:
            raise ConfigurationError(
                f"its opcode {opcode_text(opcode)} contains wants_reply_bit: leave that bit out, because "
                "each request sets it as needed"
            )
        reply = opcodes.take(spec.reply) if spec.reply not in (MISSING, None) else opcode
        if self.reply_bit and spec.reply is MISSING:
            reply = opcode | self.reply_bit
        fault = reply if wire.tells_status else wire.fault_opcode_of(opcode)
        parameters = compiler.values(spec.parameters, "parameter ")
        with errors_at("its result"):
            if self.status is None and uses_status(spec.result):
                raise ConfigurationError("it contains STATUS, but the codec has no status=")
            result = result_form(spec.result, compiler, wire.good, spec.parameters)
            if self.status_last and result.layout.from_request is not None:
                raise ConfigurationError(
                    "a reply with status_last cannot have a size that only its request tells: put a count "
                    "into the reply"
                )
        return BinaryMessage(spec, opcode, reply, fault, parameters, result)
