"""The rules that hold for all messages of :class:`~tcpcomm.codec.Binary`, and one compiled message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from tcpcomm.codec.base import MessageSpec, ProtocolErrorKind
from tcpcomm.codec.binary.header import Header
from tcpcomm.codec.binary.layouts.layout import Layout
from tcpcomm.codec.binary.opcodes import OpcodeType
from tcpcomm.codec.binary.statuses import GoodStatuses, ResultForm
from tcpcomm.codec.meanings import fault_with_meaning
from tcpcomm.errors import Fault


@frozen(kw_only=True)
class WireFormat:
    """
    The rules that hold for all messages of a codec.

    Attributes:
        has_faults: whether the equipment can answer with a fault.
        has_status: whether a status in the header shows a fault. Otherwise its opcode does.
        sends_code: whether the code of a fault is behind its header.
        fault_status: the status of all faults, or None if it is the code of each.
        good: the statuses that do not show a fault.
        fault_parts: the parts of a fault that are sent behind its code: ``reason``, ``data``.
        default_data: returns the data of a fault that has none.
        status_last: whether the code and these parts stand behind the result of every reply.
        meanings: the words of codes, which are not sent.
    """

    has_faults: bool
    request_header: Header
    reply_header: Header
    fault_header: Header
    event_header: Header
    opcodes: OpcodeType
    has_status: bool
    sends_code: bool
    fault_status: int | None
    good: GoodStatuses
    wants_reply_bit: int
    reply_bit: int
    fault_bit: int
    fault_opcode: Any
    fault: Layout
    fault_parts: frozenset[str]
    default_data: Callable[[int, Mapping[str, Any]], Any] | None
    status_last: bool
    codes: Mapping[ProtocolErrorKind, int]
    meanings: Mapping[int | str, str]

    @property
    def is_headed(self) -> bool:
        """True if a header, other than that of faults, carries values or tells if a reply is wanted."""
        heads = (self.request_header, self.reply_header, self.event_header)
        return any(each.values or each.tells_wish for each in heads) or self.wants_reply_bit != 0

    @property
    def tells_status(self) -> bool:
        """True if every reply has a status, in its header or behind its result."""
        return self.has_status or self.status_last

    def fault_opcode_of(self, opcode: Any) -> Any:
        """Return the opcode of a fault that answers an opcode, if no status shows it."""
        found = self.fault_opcode
        if found is None:
            return opcode | self.fault_bit if self.fault_bit else opcode
        return found(opcode) if callable(found) else found

    def status_of(self, fault: Fault) -> Any:
        """Return the status in the header of a fault."""
        return fault.code if self.fault_status is None else self.fault_status

    def received_fault(self, code: int | None, values: Mapping[str, Any], data: Any) -> Fault:
        """Return the fault with this code and data, and with the reason among the values."""
        code = 0 if code is None else code
        reason = values.get("reason", "")
        if not reason and self.good.mask is not None and code not in self.meanings:
            reason = self.meanings.get(code & self.good.mask, "")
        return fault_with_meaning(self.meanings, code, reason, data)


@frozen
class BinaryMessage:
    """A compiled command or event."""

    spec: MessageSpec
    opcode: Any
    reply_opcode: Any
    fault_opcode: Any
    parameters: Layout
    result: ResultForm
