"""
A recording as a capture for Wireshark: :func:`capture`.

Each chunk becomes a packet, or several. Messages, faults and changes of states are comments of the packets
that they are about. A few packets are held back until their comments are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field

from tcpcomm._version import __version__
from tcpcomm.tools.export import pcapng
from tcpcomm.tools.export.addresses import Place, Places
from tcpcomm.tools.export.made_up_tcp import MadeUpConnection
from tcpcomm.tools.export.source import Closed, Exported, Opened
from tcpcomm.tools.export.texts import fault_text, gap_text, message_text, state_text
from tcpcomm.tools.record.values import (
    RecordedAlteration,
    RecordedChunk,
    RecordedFault,
    RecordedGap,
    RecordedMessage,
    RecordedSession,
    RecordedState,
)

MOST_HELD: Final = 500
"""Packets that wait for their comments."""

HELD_FOR: Final = 1_000_000
"""Microseconds after which a packet waits no longer for comments."""

MOST_COMMENTS: Final = 50
"""Comments of a packet in an exported capture. The last one says how many more there are."""

MOST_INTERFACES: Final = 1000
"""Interfaces of one capture. All further servers share the first one."""

FIRST_CLIENT_PORT: Final = 32768
"""The lowest port that Linux chooses for clients; other systems begin at 49152."""

_RECENT: Final = 16
"""Packets of a direction among which that of a frame is sought."""

_MOST_ASKED: Final = 10_000

_RESET: Final = ("reset", "RST", "abort", "broke", "vanished", "does not answer", "no route")

_ABOUT: Final = (
    "A recording of tcpcomm. The bytes, their times and directions are as recorded. The headers of TCP and "
    "IP are made up. So are addresses of 192.0.2.0/24 and 2001:db8::/32, and handshakes."
)


@define(eq=False)
class _Held:
    """A packet, or the packets of one chunk, before they are written."""

    at: int
    session: int
    interface: int
    sent: bool
    data: bytes
    packets: list[tuple[bool, bytes]]
    comments: list[str] = field(factory=list)
    surplus: int = 0
    is_written: bool = False

    def comment(self, text: str) -> None:
        if len(self.comments) < MOST_COMMENTS:
            self.comments.append(text)
        else:
            self.surplus += 1


@define(eq=False)
class _Stream:
    """A session that has packets."""

    connection: MadeUpConnection
    interface: int
    waiting: dict[bool, list[str]] = field(factory=lambda: {False: [], True: []})
    """Comments that wait for the next packet in a direction."""
    recent: dict[bool, deque[_Held]] = field(
        factory=lambda: {False: deque(maxlen=_RECENT), True: deque(maxlen=_RECENT)}
    )
    """The last packets with data in a direction, the oldest first."""


def capture(values: Iterable[Exported], sessions: dict[int, RecordedSession]) -> Iterator[bytes]:
    """
    Yield the pieces of a pcapng file.

    Args:
        values: what was recorded, in order.
        sessions: the sessions by their numbers.
    """
    yield pcapng.section(f"tcpcomm {__version__}", _ABOUT)
    written = _Capture(sessions)
    for value in values:
        written.add(value)
        yield from written.due(value.at)
    yield from written.due(None)


class _Capture:
    def __init__(self, sessions: dict[int, RecordedSession]) -> None:
        self._sessions = sessions
        self._places = Places()
        self._streams: dict[int, _Stream] = {}
        self._interfaces: dict[str, int] = {}
        self._named: set[tuple[str, str]] = set()
        self._blocks: list[bytes] = []
        self._held: deque[_Held] = deque()
        self._waiting: list[str] = []
        self._asked: dict[int, str] = {}

    def due(self, now: int | None) -> Iterator[bytes]:
        """Yield what need not wait any longer, or all if ``now`` is None."""
        yield from self._blocks
        self._blocks.clear()
        if now is None:
            for text in self._waiting:
                self._comment_last(text)
        while self._held and (
            now is None or len(self._held) > MOST_HELD or now - self._held[0].at > HELD_FOR
        ):
            held = self._held.popleft()
            held.is_written = True
            yield from _blocks_of(held)

    def add(self, value: Exported) -> None:
        """Take the next value."""
        match value:
            case RecordedChunk():
                stream = self._stream(value.session, value.at)
                packets = [*stream.connection.data(value.data, sent=value.sent)]
                held = self._hold(value.session, value.at, packets, sent=value.sent, data=value.data)
                stream.recent[value.sent].append(held)
                for text in self._take(stream.waiting[value.sent]):
                    held.comment(text)
                if value.masked:
                    held.comment("these bytes were secret: they are shown as *")
            case RecordedMessage():
                asked = self._asked.get(value.answers, "") if value.answers is not None else ""
                text = message_text(value, asked)
                if value.name:
                    self._remember(value.number, text.partition(": ")[2])
                self._comment(value.session, value.sent, text, value.frame)
            case RecordedFault():
                self._comment(value.session, value.sent, fault_text(value))
            case RecordedAlteration():
                self._comment(value.session, value.sent, f"disturbed: {value.text}")
            case RecordedState():
                self._waiting.append(state_text(value))
            case RecordedGap():
                self._waiting.append(gap_text(value))
            case Opened():
                self._stream(value.session.number, value.at)
            case Closed():
                self._close(value)
        del self._waiting[:-MOST_COMMENTS]

    def _remember(self, number: int, text: str) -> None:
        if len(self._asked) >= _MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[number] = text

    def _stream(self, number: int, at: int) -> _Stream:
        """Return the stream of a session. If it is new, it begins with a handshake."""
        stream = self._streams.get(number)
        if stream is None:
            session = self._sessions.get(number)
            peer, target = self._places.of(
                session.peer if session else "", session.target if session else "", number
            )
            opens = peer_is_client(peer, target, session)
            connection = MadeUpConnection(peer, target, peer_is_client=opens, number=number)
            interface = self._interface(target if opens else peer, session)
            self._name(peer, session, is_equipment=session is not None and not session.is_equipment)
            self._name(target, session, is_equipment=session is not None and session.is_equipment)
            stream = self._streams[number] = _Stream(connection, interface)
            held = self._hold(number, at, [*connection.open()], sent=not opens)
            held.comment(f"session {number} with {session.peer if session else 'an unknown peer'}")
        return stream

    def _interface(self, server: Place, session: RecordedSession | None) -> int:
        name = f"{server.name or server.address} port {server.port}"
        if name not in self._interfaces:
            if len(self._interfaces) >= MOST_INTERFACES:
                return 0
            self._interfaces[name] = len(self._interfaces)
            about = session.declaration if session is not None else ""
            self._blocks.append(pcapng.interface(name, about or "tcpcomm"))
        return self._interfaces[name]

    def _name(self, place: Place, session: RecordedSession | None, *, is_equipment: bool) -> None:
        name = place.name
        if not name and is_equipment and session is not None:
            name = session.declaration.rpartition(":")[2]
        name = "".join(each if each.isalnum() or each in ".-_" else "-" for each in name).strip("-")
        if name and (str(place.address), name) not in self._named and len(self._named) < MOST_INTERFACES:
            self._named.add((str(place.address), name))
            self._blocks.append(pcapng.names([(place.address, name)]))

    def _hold(
        self, session: int, at: int, packets: list[tuple[bool, bytes]], *, sent: bool, data: bytes = b""
    ) -> _Held:
        held = _Held(at, session, self._streams[session].interface, sent, data, packets)
        self._held.append(held)
        for text in self._take(self._waiting):
            held.comment(text)
        return held

    def _comment(self, session: int, sent: bool, text: str, frame: bytes = b"") -> None:
        """Comment the packet with a frame, or the last one of a direction, or the next one."""
        stream = self._streams.get(session)
        recent = [each for each in stream.recent[sent] if not each.is_written] if stream is not None else []
        found = next((each for each in reversed(recent) if frame and frame in each.data), None)
        if found is None and recent and not (frame and sent):
            found = recent[-1]
        if found is not None:
            found.comment(text)
        else:  # what is sent may be decoded before its chunk leaves
            waiting = self._waiting if stream is None else stream.waiting[sent]
            waiting.append(text)
            del waiting[:-MOST_COMMENTS]

    def _comment_last(self, text: str) -> None:
        if self._held:
            self._held[-1].comment(text)

    def _close(self, closed: Closed) -> None:
        session = closed.session
        stream = self._streams.get(session.number)
        if stream is None or session.is_cut:
            return
        is_reset = any(each in session.reason for each in _RESET)
        by_target = session.reason.startswith("the equipment" if session.is_equipment else "the host")
        by_peer = session.reason.startswith(("the peer", "the host", "the equipment")) and not by_target
        by_peer = by_peer or (is_reset and not by_target and "here" not in session.reason)
        packets = [*stream.connection.close(sent=not by_peer, is_reset=is_reset)]
        held = self._hold(session.number, closed.at, packets, sent=not by_peer)
        for texts in stream.waiting.values():
            for text in texts:
                held.comment(text)
        held.comment(f"closed: {session.reason}")
        del self._streams[session.number]

    @staticmethod
    def _take(texts: list[str]) -> list[str]:
        taken = texts[:]
        texts.clear()
        return taken


def peer_is_client(peer: Place, target: Place, session: RecordedSession | None) -> bool:
    """
    Return True if the peer has probably connected to this side; a recording does not tell.

    Only a server has a port below those that systems choose for clients. Otherwise hosts connect to
    equipment, and the higher port is that of the client.
    """
    is_low = peer.port < FIRST_CLIENT_PORT, target.port < FIRST_CLIENT_PORT
    if is_low[0] != is_low[1]:
        return is_low[1]
    if session is not None and (session.is_equipment or session.declaration):
        return session.is_equipment
    return peer.port >= target.port


def _blocks_of(held: _Held) -> Iterator[bytes]:
    comments = [*held.comments, f"{held.surplus} more"] if held.surplus else held.comments
    for number, (sent, data) in enumerate(held.packets):
        yield pcapng.packet(
            held.interface, held.at, data, is_inbound=not sent, comments=() if number else comments
        )
