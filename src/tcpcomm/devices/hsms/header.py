"""
The header of HSMS messages, and the words of its codes.

=====  ==========================================================================
bytes  content
=====  ==========================================================================
0, 1   the session ID: the device ID in data messages, and FFFF in control messages
2      in data messages the W bit and the stream; in a reject the refused type
3      in data messages the function; in responses the status, in a reject the reason
4      PType: 0 is SECS-II
5      SType: 0 is a data message
6 – 9  the system bytes, which a reply repeats from its primary message
=====  ==========================================================================

Source: SEMI E37, section 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from tcpcomm.errors import CodecError

HEADER_SIZE: Final = 10
"""The bytes of a header."""

CONTROL_SESSION: Final = 0xFFFF
"""The session ID of control messages (SEMI E37.1, section 7)."""

W_BIT: Final = 0x80
"""The bit beside the stream that a primary message sets if it wants a reply."""

_HEADER: Final = Struct(">HBBBBI")
_NAME: Final = re.compile(r"S(\d{1,3})F(\d{1,3})")


class SType(IntEnum):
    """The types of messages (SEMI E37, table 5)."""

    DATA = 0
    SELECT_REQ = 1
    SELECT_RSP = 2
    DESELECT_REQ = 3
    DESELECT_RSP = 4
    LINKTEST_REQ = 5
    LINKTEST_RSP = 6
    REJECT_REQ = 7
    SEPARATE_REQ = 9


CONTROL: Final[Mapping[str, SType]] = {
    "Select.req": SType.SELECT_REQ,
    "Deselect.req": SType.DESELECT_REQ,
    "Linktest.req": SType.LINKTEST_REQ,
    "Separate.req": SType.SEPARATE_REQ,
}
"""The requests among the control messages, by the names of the standard."""

NOT_SELECTED: Final = "Reject 4"
"""The fault code of a peer that gets data while it holds the session for not selected."""

WORDS: Final[Mapping[str, str]] = {
    "Select 1": "the session is selected already",
    "Select 2": "the connection is not ready to be selected",
    "Select 3": "another connection is selected",
    "Deselect 1": "the session is not selected",
    "Deselect 2": "the session is busy",
    "Reject 1": "this SType is not supported",
    "Reject 2": "this PType is not supported",
    "Reject 3": "no transaction is open",
    NOT_SELECTED: "the session is not selected",
    "F0": "the peer aborted the transaction",
    "S9F1": "unrecognized device ID: set device_id to that of the equipment",
    "S9F3": "unrecognized stream",
    "S9F5": "unrecognized function",
    "S9F7": "illegal data",
    "S9F9": "transaction timeout",
    "S9F11": "the data are too long",
}
"""The words of the codes of faults (SEMI E37, section 8.3; SEMI E5, stream 9)."""


class Header(NamedTuple):
    """The header of a message."""

    session: int
    byte2: int
    byte3: int
    ptype: int
    stype: int
    system: int

    @classmethod
    def read(cls, frame: bytes) -> Header:
        """Return the header of a frame. Raises CodecError if the frame is too short."""
        if len(frame) < HEADER_SIZE:
            raise CodecError(f"an HSMS message has at least {HEADER_SIZE} bytes, not {len(frame)}")
        return cls(*_HEADER.unpack_from(frame))

    @classmethod
    def of_data(cls, device: int, stream: int, function: int, system: int, *, wants_reply: bool) -> Header:
        """Return the header of a data message."""
        return cls(device, stream | W_BIT if wants_reply else stream, function, 0, SType.DATA, system)

    @property
    def stream(self) -> int:
        return self.byte2 & ~W_BIT

    @property
    def wants_reply(self) -> bool:
        return bool(self.byte2 & W_BIT)

    @property
    def name(self) -> str:
        """The message in the field's words: ``S1F3`` or ``Select.rsp``."""
        if self.ptype:
            return f"a message of PType {self.ptype}"
        if self.stype == SType.DATA:
            return message_name(self.stream, self.byte3)
        try:
            kind, _, direction = SType(self.stype).name.partition("_")
        except ValueError:
            return f"a message of SType {self.stype}"
        return f"{kind.capitalize()}.{direction.lower()}"

    def but(self, **changes: int) -> Header:
        """Return this header with other values of these fields."""
        return self._replace(**changes)

    def write(self, body: bytes = b"") -> bytes:
        """Return the frame with this header."""
        return _HEADER.pack(*self) + body


def message_name(stream: int, function: int) -> str:
    """Return the name of a data message: ``S1F3``."""
    return f"S{stream}F{function}"


def parse_name(name: str) -> tuple[int, int]:
    """
    Return the stream and the function of a data message.

    Raises:
        CodecError: it is not written as in ``S1F3``, or a number is out of its range.
    """
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise CodecError(f"a message is named by stream and function, as in S1F3, not {name!r}")
    stream, function = int(found[1]), int(found[2])
    if stream > 127 or function > 255:
        raise CodecError(f"{name}: streams go to 127, and functions to 255")
    return stream, function
