"""Public protocols with known headers: :func:`known_as`. They break ties, and never outvote the ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from tcpcomm.tools.guess.candidates.base import Candidate
from tcpcomm.tools.guess.candidates.fixed import FixedCandidate
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.candidates.variable import VariableCandidate
from tcpcomm.tools.guess.side import Side


@frozen
class Known:
    """
    A public protocol with a length field in its header.

    Args:
        name: for people.
        candidate: how it is cut.
        begins: the bytes with which every frame begins: one of these.
        fits: returns True if these frames have the header of the protocol. By default all with these
            first bytes have it.
    """

    name: str
    candidate: Candidate
    begins: tuple[bytes, ...] = ()
    fits: Callable[[Sequence[bytes]], bool] | None = None


_MQTT_FLAGS: Final = {kind: 2 if kind in (6, 8, 10) else 0 for kind in (1, 2, *range(4, 16))}
_PUBLISH: Final = 3


def _is_mqtt(frames: Sequence[bytes]) -> bool:
    """Return True if all frames have types of MQTT, and one of them shows its name or a topic."""
    if not frames or any(len(frame) < 2 for frame in frames):
        return False
    kinds = {frame[0] for frame in frames}
    if any(kind >> 4 != _PUBLISH and _MQTT_FLAGS.get(kind >> 4) != kind & 0xF for kind in kinds):
        return False
    return any(b"MQTT" in frame[2:12] for frame in frames) or all(
        _has_topic(frame) for frame in frames if frame[0] >> 4 == _PUBLISH
    )


def _has_topic(frame: bytes) -> bool:
    at = next((at + 1 for at in range(1, min(5, len(frame))) if frame[at] < 0x80), len(frame))
    size = int.from_bytes(frame[at : at + 2], "big")
    topic = frame[at + 2 : at + 2 + size]
    return 0 < size == len(topic) and topic.isascii() and topic.decode().isprintable()


def _each(fits: Callable[[bytes], bool]) -> Callable[[Sequence[bytes]], bool]:
    """Return a function that returns True if all frames have a header that fits."""
    return lambda frames: all(map(fits, frames))


def _is_modbus(frame: bytes) -> bool:
    """Return True for protocol 0 and a function: other protocols have their length there too."""
    return 8 <= len(frame) <= 260 and frame[2:4] == b"\0\0" and frame[7] & 0x7F != 0


def _is_hsms(frame: bytes) -> bool:
    """Return True for a header of 10 bytes with PType 0 and an SType of SEMI E37."""
    return len(frame) >= 14 and frame[8] == 0 and frame[9] in (*range(8), 9)


_ENCAPSULATED: Final = frozenset((0, 4, 0x63, 0x64, 0x65, 0x66, 0x6F, 0x70, 0x72, 0x73))


def _is_ethernet_ip(frame: bytes) -> bool:
    """Return True for a command of the encapsulation, without options."""
    command, options = int.from_bytes(frame[:2], "little"), frame[20:24]
    return command in _ENCAPSULATED and options == bytes(4)


def _is_ads(frame: bytes) -> bool:
    """Return True for a header of AMS with a length that agrees and a command of ADS."""
    command, size = (int.from_bytes(frame[at : at + width], "little") for at, width in ((22, 2), (26, 4)))
    return len(frame) >= 38 and command <= 9 and size == len(frame) - 38


def _is_rtde(frame: bytes) -> bool:
    return len(frame) >= 3 and frame[2] in b"VvMUOISP"


def _is_iec_104(frame: bytes) -> bool:
    """Return True for a frame with data, or for one of six bytes that only counts or controls."""
    return len(frame) >= 6 and (frame[2] & 1 == 0 or len(frame) == 6)


_SINGLE, _SHORT, _LONG, _STOP = 0xE5, 0x10, 0x68, 0x16  # the bytes that mark frames of M-Bus


def _is_m_bus(frame: bytes) -> bool:
    """Return True for a short or long frame with its checksum."""
    begin = 4 if frame[0] == _LONG else 1
    return frame[-1] == _STOP and sum(frame[begin:-2]) & 0xFF == frame[-2]


_KNOWN: Final = (
    Known("Modbus TCP", LengthCandidate(4, 2, "big", 0), fits=_each(_is_modbus)),
    Known("HSMS", LengthCandidate(0, 4, "big", 0), fits=_each(_is_hsms)),
    Known("SLMP 3E", LengthCandidate(7, 2, "little", 0), (b"P\0", b"\xd0\0")),
    Known("SLMP 4E", LengthCandidate(11, 2, "little", 0), (b"T\0", b"\xd4\0")),
    Known("SLMP 3E in ASCII", LengthCandidate(14, 4, "hex", 0), (b"5000", b"D000")),
    Known("FINS/TCP", LengthCandidate(4, 4, "big", 0), (b"FINS",)),
    Known("TPKT", LengthCandidate(2, 2, "big", -4), (b"\3\0",)),
    Known("EtherNet/IP", LengthCandidate(2, 2, "little", 20), fits=_each(_is_ethernet_ip)),
    Known("ADS", LengthCandidate(2, 4, "little", 0), (b"\0\0",), _each(_is_ads)),
    Known("RTDE of Universal Robots", LengthCandidate(0, 2, "big", -2), fits=_each(_is_rtde)),
    Known("XGT", LengthCandidate(16, 2, "little", 2), (b"LSIS-XGT",)),
    Known("MQTT", VariableCandidate("varint", 1), fits=_is_mqtt),
    Known("M-Bus", LengthCandidate(1, 1, "big", 4), (b"h",), fits=_each(_is_m_bus)),
    Known("M-Bus", FixedCandidate(5), (b"\x10",), fits=_each(_is_m_bus)),
    Known("IEC 60870-5-104", LengthCandidate(1, 1, "big", 0), (b"h",), _each(_is_iec_104)),
)
_BY_CANDIDATE: Final = {each.candidate: each for each in _KNOWN}


def known_as(candidate: Candidate, frames: list[bytes]) -> Known | None:
    """Return the public protocol that is cut so, with frames that have its header, or None."""
    known = _BY_CANDIDATE.get(candidate)
    if known is None or not frames or not all(frame.startswith(known.begins or b"") for frame in frames):
        return None
    return None if known.fits is not None and not known.fits(frames) else known


def common_sync(known: Known, frames: list[bytes]) -> bytes:
    """Return the bytes with which all frames of a known protocol begin, to look for after garbage."""
    return next((begin for begin in known.begins if all(each.startswith(begin) for each in frames)), b"")


_CHECKED: Final = 3
_LONGEST_M_BUS: Final = 261


@frozen
class Recognised:
    """A stream that no framing helps to read, told by its first bytes."""

    name: str
    advice: str


_TLS: Final = Recognised("TLS", "the bytes are encrypted: capture behind the TLS, or with its keys")
_HTTP: Final = Recognised("HTTP", "use an HTTP client or server for it")
_SSH: Final = Recognised("SSH", "the bytes are encrypted")
_M_BUS: Final = Recognised(
    "M-Bus",
    "the notation has no kind for its short and long frames together: "
    "give HeaderFramed a function of the first bytes",
)
_METHODS: Final = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"PATCH ")


def recognised(side: Side) -> Recognised | None:
    """Return the protocol that the first bytes of a side belong to, if no framing can help with it."""
    begin = side.data[:16]
    if (
        begin[:1] in (b"\x14", b"\x15", b"\x16", b"\x17")
        and begin[1:2] == b"\3"
        and begin[2:3] in b"\0\1\2\3\4"
    ):
        return _TLS if _are_tls_records(side.data) else None
    if begin.startswith(b"SSH-"):
        return _SSH
    if begin.startswith(b"HTTP/1.") or (begin.startswith(_METHODS) and b" HTTP/1." in side.data[:2048]):
        return _HTTP
    return _M_BUS if _mixes_m_bus(side.data) else None


def _mixes_m_bus(data: bytes) -> bool:
    """Return True if these are frames of EN 13757-2 in several forms, three or more with their checksum."""
    position = checked = 0
    forms: set[int] = set()
    while position < len(data):
        head = data[position : position + 4]
        if head[0] == _SINGLE:
            size = 1
        elif head[0] == _SHORT:
            size = 5
        elif head[0] == _LONG and len(head) == 4 and head[1] == head[2] and head[3] == _LONG:
            size = head[1] + 6
        else:
            break
        frame = data[position : position + size]
        if len(frame) < size:
            break
        if size > 1:
            if not _is_m_bus(frame):
                return False
            checked += 1
        forms.add(head[0])
        position += size
    return len(forms) > 1 and checked >= _CHECKED and len(data) - position < _LONGEST_M_BUS


def _are_tls_records(data: bytes) -> bool:
    position = count = 0
    while position + 5 <= len(data) and count < 20:
        if not 0x14 <= data[position] <= 0x17 or data[position + 1] != 3:
            return False
        position += 5 + int.from_bytes(data[position + 3 : position + 5], "big")
        count += 1
    return count > 0
