"""
:class:`Binary`: opcodes, and parameters that lie in bytes as their annotations say.

::

    class Drive(Equipment):
        codec = Binary()

        @command(0x10)
        def move(self, axis: U8, position: I32) -> U16: ...

    request   10 01 00 00 03 E8        opcode, axis, position
    reply     10 00 2A                 opcode, result
    fault     90 02                    opcode with its top bit set, code

The marks for annotations can be imported from here too; :mod:`tcpcomm.codec.binary.types` explains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Optional

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import MISSING, Codec, Dialect, Field, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.binary import types
from tcpcomm.codec.binary.compiler import Layouts
from tcpcomm.codec.binary.dialect import BinaryDialect, BinaryDialectById, Plan, Wire, check_apart, named
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Head, Length, Skip, Slot, whole_number
from tcpcomm.codec.binary.layout import Layout
from tcpcomm.codec.binary.types import *  # noqa: F403
from tcpcomm.codec.binary.types import U8, Int, Order
from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import ConfigurationError

__all__ = ["ID", "OPCODE", "STATUS", "Binary", "Length", "Skip"]
__all__ += types.__all__

TROUBLE_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: 3,
    ProtocolErrorKind.MALFORMED: 3,
    ProtocolErrorKind.UNKNOWN_COMMAND: 1,
    ProtocolErrorKind.BAD_PARAMETERS: 3,
    ProtocolErrorKind.INTERNAL: 4,
}
"""The exception codes of Modbus: illegal function, illegal data value, server device failure."""


@frozen
class Binary(Codec):
    """
    Binary messages: a header with an opcode, then the parameters as their annotations say.

    Args:
        opcode: the type of the opcode.
        id: the type of the number that a reply repeats from its request. None: there is none, and replies
            come in the order of the requests.
        status: the type of a field in every reply that tells how it went; a reply with another status than
            ``ok`` is a fault, and that is its code. None: a fault is told by its opcode.
        ok: the status of a reply that is no fault.
        head: the header of requests: OPCODE, ID, STATUS, ``Length(U16)``, ``Skip(2)`` and constant bytes in
            their order. By default OPCODE, then ID if there is one.
        reply_head: the header of replies and faults. By default ``head``, then STATUS if there is one.
        event_head: the header of events. By default ``head`` without ID.
        reply_bit: what a reply has set in the opcode of its request: 0x80, or 0 for the same opcode.
            ``@command(0x10, reply=0x11)`` gives one command's reply an opcode of its own.
        fault_bit: what a fault has set in the opcode of its request; by default the top bit, as in Modbus.
        fault_opcode: the opcode of all faults, instead of that.
        code: the type of a fault's code, which stands first in it unless it is the status.
        reason: the annotation of a fault's reason, behind its code. None: it is not sent.
        data: the annotation of a fault's data, which may stand at its end. None: they are not sent.
        byte_order: ``big`` or ``little``, where an annotation says none.
        encoding: of text, where an annotation says none.
        codes: the codes of the faults that no declaration foresees; by default those of Modbus.

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
        return int(1 << 8 * whole_number(self.opcode, "opcode").width - 1)

    @property
    def types(self) -> dict[Slot, Int | None]:
        """What stands in each slot of a header."""
        return {
            OPCODE: whole_number(self.opcode, "opcode"),
            ID: None if self.id is None else whole_number(self.id, "id"),
            STATUS: None if self.status is None else whole_number(self.status, "status"),
        }

    def __attrs_post_init__(self) -> None:
        if self.byte_order not in ("big", "little"):
            raise ConfigurationError(f"byte_order must be big or little, not {self.byte_order!r}")
        heads = [
            Head(items, self.types, self.byte_order)
            for items in (self.head, self.reply_head, self.event_head)
        ]
        head, reply_head, event_head = heads
        problems = []
        if OPCODE not in head.slots or OPCODE not in event_head.slots:
            problems.append("head and event_head need OPCODE, or no command could be told from another")
        if (self.id is not None) != (ID in head.slots) or (ID in head.slots) != (ID in reply_head.slots):
            problems.append("an id must have its type, and a place in head and reply_head")
        if self.status is None and OPCODE not in reply_head.slots:
            problems.append("without OPCODE in reply_head nothing would tell a fault: give it a status")
        if self.status is not None and STATUS not in reply_head.slots:
            problems.append("reply_head needs STATUS")
        if self.reason is not None and bare_type(self.reason) is not str:
            problems.append("the reason of a fault is text, such as Annotated[str, Counted(U8)]")
        if self.status is not None and self.ok in {**TROUBLE_CODES, **self.codes}.values():
            problems.append(f"status {self.ok} means that all is well: give faults other codes, codes=...")
        if problems:
            raise ConfigurationError("; ".join(problems))
        self._fault_layout()

    def _fault_layout(self) -> Layout:
        """What stands behind the header of a fault: code, reason and data, as far as they do."""
        types = {"code": self.code if self.status is None else None, "reason": self.reason}
        fields = [Field(name, type) for name, type in types.items() if type is not None]
        if self.data is not None:
            fields.append(Field("data", Optional[self.data]))  # noqa: UP045  # a type only known when it runs
        return named(Layouts(self.byte_order, self.encoding), fields, "Binary: ")

    def bind(self, forms: Sequence[MessageSpec]) -> Dialect:
        layouts = Layouts(self.byte_order, self.encoding)
        plans: dict[str, Plan] = {}
        taken: dict[tuple[bool, int], MessageSpec] = {}
        for form in forms:
            plan = self._plan(form, layouts)
            other = taken.setdefault((form.is_event, plan.opcode), form)
            if other is not form:
                raise ConfigurationError(
                    f"{form.where}: {other.where} has the opcode 0x{plan.opcode:02X} already"
                )
            plans[form.name] = plan
        dialect = (BinaryDialect if self.id is None else BinaryDialectById)(self._wire(), plans)
        for plan in plans.values():
            check_apart(dialect, plan)
        return dialect

    def _wire(self) -> Wire:
        head, reply_head, event_head = (
            Head(items, self.types, self.byte_order)
            for items in (self.head, self.reply_head, self.event_head)
        )
        return Wire(
            head=head,
            reply_head=reply_head,
            event_head=event_head,
            has_status=self.status is not None,
            ok=self.ok,
            fault_bit=self.fault_bit if self.fault_opcode is None else 0,
            fault_opcode=self.fault_opcode,
            fault=self._fault_layout(),
            fault_parts=frozenset(name for name in ("reason", "data") if getattr(self, name) is not None),
            codes={**TROUBLE_CODES, **self.codes},
        )

    def _plan(self, form: MessageSpec, layouts: Layouts) -> Plan:
        opcode = self._opcode(form, form.wire)
        reply = opcode | self.reply_bit if form.reply in (MISSING, None) else self._opcode(form, form.reply)
        fault = opcode | self.fault_bit if self.fault_opcode is None else self.fault_opcode
        parameters = named(layouts, form.parameters, f"{form.where}: parameter ")
        try:
            result = named(layouts, (), "") if form.result is None else layouts.of(form.result)
        except ConfigurationError as error:
            raise ConfigurationError(f"{form.where}: its result: {error}") from None
        return Plan(form, opcode, reply, reply if self.status is not None else fault, parameters, result)

    def _opcode(self, form: MessageSpec, value: Any) -> int:
        most = (1 << 8 * whole_number(self.opcode, "opcode").width) - 1
        if type(value) is not int or not 0 <= value <= most:
            given = "" if value is MISSING else f", not {brief_repr(value)}"
            raise ConfigurationError(
                f"{form.where}: its opcode must be a number from 0 to 0x{most:X}{given}"
            )
        return value
