"""Commands of Telnet in a stream: :class:`TelnetWrapper`."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.streams.telnet import Telnet
from tcpcomm.tools.guess.wrappers.wrapper import Wrapper

_OPTION: Final = rb"[\x00-\x31\x8a-\x8c\xff]"  # of those that are registered
_ASKED: Final = rb"\xff([\xfb-\xfe]" + _OPTION + rb")"
_SUBNEGOTIATION: Final = rb"\xff\xfa" + _OPTION + rb"(?:[^\xff]|\xff\xff){0,256}\xff\xf0"
_BEGIN: Final = re.compile(_ASKED)
_COMMAND: Final = re.compile(_ASKED + rb"|" + _SUBNEGOTIATION + rb"|\xff[\xf1-\xf9\xff]")
_HALF: Final = re.compile(rb"\xff[\xfb-\xfe]?\Z")
_WORTH: Final = 16.0  # bits of a command: 24, of which 8 say which one it is
_MOST: Final = 3  # commands that count
_PRIOR: Final = 6.0


@frozen
class TelnetWrapper(Wrapper):
    """
    Commands of Telnet that one side sends.

    Args:
        asked: the different options that it offers, asks for, or refuses.
    """

    options = ("telnet",)

    asked: frozenset[bytes]

    @classmethod
    def propose(cls, data: bytes) -> TelnetWrapper | None:
        """Return the wrapper of one side, or None if not each FF begins a command, or none negotiates."""
        if b"\xff" not in data:
            return None
        asked = frozenset(match[1] for match in _COMMAND.finditer(data) if match[1])
        if not asked or b"\xff" in _HALF.sub(b"", _COMMAND.sub(b"", data)):
            return None
        return cls(asked)

    @classmethod
    def begins(cls, data: bytes) -> bool:
        """Return True if a side begins with the negotiation of an option."""
        return _BEGIN.match(data) is not None

    def around(self, framing: Framing) -> Framing:
        return Telnet(framing)

    @property
    def bits(self) -> float:
        return _WORTH * min(_MOST, len(self.asked)) - _PRIOR

    @property
    def evidence(self) -> str:
        return f"each byte FF belongs to a command of Telnet, which negotiates {len(self.asked)} options"
