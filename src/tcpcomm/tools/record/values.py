"""
The values that a recording holds, as :class:`~tcpcomm.tools.record.recording.Recording` returns them.

``number`` is the place of a value among all values of the recording, whatever their kind. ``at`` is the
time in microseconds since 1970. ``sent`` is the direction: True if this side of the session sent the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, frozen

from tcpcomm.session.observer import MessageKind


def _read_only(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(values))


def time_of(at: int) -> datetime:
    """Return a time of a recording as a datetime in UTC."""
    seconds, microseconds = divmod(at, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


@frozen(kw_only=True)
class RecordedRun:
    """A time in which one program recorded into the file."""

    number: int
    began_at: int
    ended_at: int | None
    """None if the recorder still runs, or was killed."""
    program: str


@frozen(kw_only=True)
class RecordedSession:
    """One TCP connection."""

    number: int
    """The number of the session: 1 is the first session of the recording."""
    peer: str
    """The address of the other side, such as ``10.0.0.7:50432``."""
    target: str
    """The address of this side, whose bytes are ``sent``; empty if it is not known."""
    is_equipment: bool
    """True if this side is the equipment, so that received bytes came from the host."""
    declaration: str
    """The declaration of the conversation as ``module:name``; empty if none is declared."""
    identity: str
    """The name that the peer has proven; empty if it has proven none."""
    first: int
    """The number of the value with which the session began."""
    last: int | None
    """The number of the value with which it ended, or None."""
    opened_at: int
    ready_at: int | None
    closed_at: int | None
    reason: str
    """The reason for which the session ended; empty while it is open."""
    is_cut: bool
    """True if the recorder was killed before the session ended, so that its end is not recorded."""


@frozen(kw_only=True)
class RecordedChunk:
    """Bytes as TCP delivered them, or as they were handed to TCP."""

    number: int
    at: int
    session: int
    sent: bool
    data: bytes
    masked: bool
    """True if the bytes were secret: the data is as many ``*``."""


@frozen(kw_only=True)
class RecordedFrame:
    """One frame, without delimiter, header and checksum."""

    number: int
    at: int
    session: int
    sent: bool
    frame: bytes
    masked: bool


@frozen(kw_only=True)
class RecordedMessage:
    """One frame of a declared conversation, decoded."""

    number: int
    at: int
    session: int
    sent: bool
    frame: bytes
    masked: bool
    kind: MessageKind
    name: str
    values: Mapping[str, Any] = field(converter=_read_only)
    """The values by their names, as JSON has them: bytes are hexadecimal digits in pairs."""
    answers: int | None
    """The number of the command that this answers; None if it answers none, or none that is recorded."""
    seconds: float | None
    """The seconds from that command to this answer."""
    problem: str


@frozen(kw_only=True)
class RecordedFault:
    """Bytes that broke the rule of the framing, or a frame that began and did not end."""

    number: int
    at: int
    session: int
    sent: bool
    kind: str
    """The class of the error, such as ``BadChecksum``, or ``half frame``."""
    text: str
    details: str


@frozen(kw_only=True)
class RecordedAlteration:
    """A tool between the two sides changed what passes."""

    number: int
    at: int
    session: int
    sent: bool
    text: str


@frozen(kw_only=True)
class RecordedState:
    """A link was in another state, or a server began to listen."""

    number: int
    at: int
    name: str
    """The name of the link, or the address at which a server listens."""
    state: str
    """The state of the link, or ``listening``."""
    reason: str


@frozen(kw_only=True)
class RecordedGap:
    """Values that are not in the recording: dropped, because the disk was full or too slow, or deleted."""

    number: int
    at: int
    until: int
    count: int
    """The number of values that are missing."""
    size: int
    """The bytes of their data, 0 if they were deleted."""
    reason: str


Recorded: TypeAlias = (
    RecordedChunk
    | RecordedFrame
    | RecordedMessage
    | RecordedFault
    | RecordedAlteration
    | RecordedState
    | RecordedGap
)
"""Each value that a recording holds in the order of time."""
