"""Frames of Modbus RTU: :class:`ModbusRtuCandidate`. The function code tells their length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.checksums import checksum
from tcpcomm.framing.headers.header_framed import HeaderFramed, More
from tcpcomm.framing.headers.modbus_rtu import modbus_rtu_reply, modbus_rtu_request
from tcpcomm.framing.wrappers import Checked
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side

_LONGEST: Final = 260
_CRC: Final = checksum("crc-16/modbus")


@frozen
class ModbusRtuCandidate(Candidate):
    """Requests or replies of Modbus RTU, each with its right checksum."""

    kinds = ("modbus-rtu-request", "modbus-rtu-reply")
    verifies = True

    reply: bool

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if side.bursts and len(side.bursts[0]) >= 4:
            yield cls(False)
            yield cls(True)

    @property
    def framing(self) -> Framing:
        return Checked(HeaderFramed(2, modbus_rtu_reply if self.reply else modbus_rtu_request), _CRC)

    @property
    def prior(self) -> float:
        return 6.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        total = modbus_rtu_reply if self.reply else modbus_rtu_request
        position = start
        while position + 2 <= stop:
            size = _size(total, data[position : min(stop, position + _LONGEST)])
            if size is None or position + size > stop:
                break
            if not size or not _CRC.matches(
                data[position : position + size - 2], data[position + size - 2 : position + size]
            ):
                return Walk(ends, position)
            position += size
            ends.append(position)
        return Walk(ends)

    def evidence(self, frames: Sequence[bytes]) -> float:
        """Return the bits of the checksums, which are right in each frame."""
        return 8.0 * _CRC.size * len({*frames})

    def surprise(self, frames: Sequence[bytes]) -> float:
        return self.prior - (20 if len({*frames}) >= 3 else 0)


def _size(total: object, header: bytes) -> int | None:
    """Return the bytes of the frame, 0 if no frame begins so, or None if more must be seen."""
    shown = 2
    assert callable(total)
    while shown <= len(header):
        try:
            size = total(header[:shown])
        except ValueError:
            return 0
        if not isinstance(size, More):
            return int(size)
        shown += size.count
    return None
