"""One tapped connection: :class:`TappedPassage` shows what passes to observers, and disturbs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import define, field
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.session.observer import ObservedMessage, Observers, SessionObserver
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.tap.direction import Direction, Passage, Piece, is_tls
from tcpcomm.tools.tap.disturber import Disturber
from tcpcomm.tools.tap.lane import Lane, ToldFrame
from tcpcomm.tools.tap.relay import Connection


@define(eq=False)
class FrameCollector(SessionObserver):
    """Collects the frames and messages that a dissector tells while it takes one chunk."""

    told: list[tuple[bool, ToldFrame]] = field(factory=list)
    """The frames, each with True if the equipment sent it."""

    def frame_received(self, session: object, frame: bytes) -> None:
        self.told.append((False, ToldFrame(frame)))

    def frame_sent(self, session: object, frame: bytes) -> None:
        self.told.append((True, ToldFrame(frame)))

    def message(self, session: object, message: ObservedMessage) -> None:
        if self.told and self.told[-1][0] is message.sent and self.told[-1][1].message is None:
            self.told[-1] = (message.sent, ToldFrame(self.told[-1][1].frame, message))

    def take(self) -> list[tuple[bool, ToldFrame]]:
        """Return the collected frames, and begin anew."""
        told, self.told = self.told, []
        return told


class TapOwner(Protocol):
    """The tap of a passage."""

    speech: Speech
    observers: Observers
    collector: FrameCollector
    disturber: Disturber
    clock: IReactorTime
    host_connects: bool
    target_name: str

    def glued(self, session: OverheardSession, count: int, *, to_host: bool) -> None:
        """Note that a chunk had several frames."""

    def log_failure(self, session: OverheardSession, error: Exception) -> None:
        """Log that the code that decodes has failed."""

    def side_ended(self, session: OverheardSession, text: str) -> None:
        """Note that one side has finished sending."""

    def frame_passed(self, session: OverheardSession, told: ToldFrame, *, to_host: bool) -> None:
        """Note that a frame has come."""


_SIDES = ("host", "equipment")


class TappedPassage(Passage):
    """
    Passes the chunks of one connection.

    Args:
        tap: the tap.
        connection: the connection.
    """

    def __init__(self, tap: TapOwner, connection: Connection) -> None:
        self._tap = tap
        self._connection = connection
        self._session: OverheardSession | None = None
        self._dissector: Dissector | None = None
        self._lanes: tuple[Lane, ...] = ()
        self._began = tap.clock.seconds()
        self._bytes = [0, 0]  # to the equipment, to the host
        self._gap_timers: dict[bool, IDelayedCall] = {}
        self._ended: list[bool] = []  # True for the equipment, in the order in which they ended
        self._reasons: list[str] = []
        self._by_tap = ""
        self._is_connected = False

    @property
    def session(self) -> OverheardSession | None:
        """The session that observers see, or None before the client has connected."""
        return self._session

    def opened(self) -> None:
        tap, connection = self._tap, self._connection
        client, target = connection.peer, tap.target_name
        host, equipment = (client, target) if tap.host_connects else (target, client)
        session = OverheardSession(
            peer=host,
            target=equipment,
            speech=tap.speech,
            host=connection.host if tap.host_connects else None,
            control=connection,
        )
        self._session = session
        self._dissector = Dissector(session, tap.observers, tap.clock.seconds, clock=tap.clock)
        self._lanes = tuple(self._lane(to_host=each) for each in (False, True))

    def _lane(self, *, to_host: bool) -> Lane:
        return Lane(
            self._connection,
            to_host=to_host,
            framing=self._tap.speech.framing(to_host=to_host),
            disturber=self._tap.disturber,
            tell=lambda words: self.alter(words, to_host=to_host),
            send=self._direction(to_host=to_host).send,
        )

    def _direction(self, *, to_host: bool) -> Direction:
        connection = self._connection
        return connection.downstream if to_host == self._tap.host_connects else connection.upstream

    def connected(self) -> None:
        self._is_connected = True
        if self._dissector is not None:
            self._dissector.open()
            for rule in self._tap.disturber.streams():
                self._tap.disturber.tell_of_stream(rule, self._connection)

    def unreachable(self, failure: Failure) -> None:
        if self._dissector is not None:
            self._dissector.open()
        side = _SIDES[self._tap.host_connects]
        text = connect_error_text(failure)
        self._by_tap = f"the {side} at {self._tap.target_name} cannot be reached: {text}"

    def take(self, data: bytes, *, upstream: bool) -> Iterable[Piece]:
        assert self._dissector is not None
        assert self._session is not None
        to_host = upstream != self._tap.host_connects
        self._bytes[to_host] += len(data)
        self._stop_gap(to_host=to_host)
        self._tap.collector.take()
        try:
            self._dissector.feed(data, to_host=to_host)
        except Exception as error:
            self._go_on_raw(self._session, error)
        told = [each for way, each in self._tap.collector.take() if way == to_host]
        if len(told) > 1:
            self._tap.glued(self._session, len(told), to_host=to_host)
        self._start_gap(to_host=to_host)
        is_secret = self._session.sends_secret if to_host else self._session.keeps_secret
        pieces = self._lanes[to_host].take(data, told, is_secret=is_secret)
        if self._lanes[not to_host].is_late:
            self._lanes[not to_host].is_late = False
            self._direction(to_host=not to_host).release()
        for each in told:
            self._tap.frame_passed(self._session, each, to_host=to_host)
        return pieces

    def _go_on_raw(self, session: OverheardSession, error: Exception) -> None:
        """Decode no more, because the code that decodes has failed. The connection goes on."""
        self._tap.log_failure(session, error)
        if self._dissector is not None:
            self._dissector.forget_half_frames()
        session.speech = Speech.raw()
        self._dissector = Dissector(session, self._tap.observers, self._tap.clock.seconds)

    def _start_gap(self, *, to_host: bool) -> None:
        gap, dissector = self._tap.speech.gap, self._dissector
        if gap is not None and dissector is not None:
            self._gap_timers[to_host] = self._tap.clock.callLater(gap, dissector.silence, to_host=to_host)

    def _stop_gap(self, *, to_host: bool) -> None:
        timer = self._gap_timers.pop(to_host, None)
        if timer is not None and timer.active():
            timer.cancel()

    def finished(self, *, at_client: bool) -> None:
        self._note_end(at_client=at_client, reason="FIN")

    def _note_end(self, *, at_client: bool, reason: str) -> None:
        is_equipment = at_client != self._tap.host_connects
        if is_equipment in self._ended:
            return
        self._ended.append(is_equipment)
        self._reasons.append(reason)
        self._stop_gap(to_host=is_equipment)
        if reason == "FIN" and not self._by_tap:
            self._tell_end(is_equipment=is_equipment)
        # What is held back from this side waits for nothing any more.
        self._direction(to_host=not is_equipment).release()

    def _tell_end(self, *, is_equipment: bool) -> None:
        session, dissector = self._session, self._dissector
        if dissector is None or session is None or not session.is_open:
            return
        dissector.end(to_host=is_equipment)
        if len(self._ended) == 1:
            self._tap.side_ended(session, f"the {_SIDES[is_equipment]} has finished sending (FIN)")

    def end(self, *, upstream: bool) -> Iterable[Piece]:
        return self._lanes[upstream != self._tap.host_connects].end()

    def lost(self, *, at_client: bool, failure: Failure) -> None:
        if not self._connection.is_ending and not self._connection.is_half_open:
            end = self._connection.client if at_client else self._connection.target
            is_done = failure.check(ConnectionDone) is not None
            broken = "without closing TLS" if is_tls(end.transport) else "RST"
            self._note_end(at_client=at_client, reason="FIN" if is_done else broken)

    def closed(self) -> None:
        for to_host in (False, True):
            self._stop_gap(to_host=to_host)
        for lane in self._lanes:
            lane.stop()
        if self._dissector is not None and self._session is not None:
            if not self._session.is_open:  # the client has left before the target was connected
                self._dissector.open()
            self._dissector.close(self._reason())

    def _reason(self) -> str:
        lasted = self._tap.clock.seconds() - self._began
        figures = f"it lasted {lasted:.3f} s; {self._bytes[0]:,} bytes to the equipment, "
        figures += f"{self._bytes[1]:,} to the host"
        if not self._is_connected:
            return self._by_tap or "the client left before the target was connected"
        if self._by_tap:
            return f"{self._by_tap}; {figures}"
        if not self._ended:
            return f"closed by the tap; {figures}"
        first, how = _SIDES[self._ended[0]], self._reasons[0]
        words = {"FIN": "closed it first (FIN)", "RST": "reset it (RST)"}.get(how, f"ended it {how}")
        words = f"the {first} {words}"
        return f"{words}; {figures}"

    def settle(self) -> None:
        """Let the bytes go on that are held for no disturbance any more."""
        for to_host, lane in enumerate(self._lanes):
            pieces = lane.settle()
            if pieces:
                self._direction(to_host=bool(to_host)).send(pieces)

    def release(self) -> None:
        """Let all bytes go on that wait without end."""
        for to_host in (False, True):
            self._direction(to_host=to_host).release()

    def alter(self, words: str, *, to_host: bool) -> None:
        """Report that the tap changed what passes."""
        if self._dissector is not None:
            self._dissector.alter(words, to_host=to_host)

    def ended_by_tap(self, words: str) -> None:
        """Take note that the tap itself ends the connection."""
        self._by_tap = self._by_tap or words
