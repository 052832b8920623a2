"""Play the sessions of a recording over real or simulated connections: :class:`Player`."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from tcpcomm.framing import Framing, Unframed
from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.admission import Network
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.limits import Limits
from tcpcomm.session.observer import SessionObserver
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import RecordedSession
from tcpcomm.tools.replay.replayer import Ended, Replayer, ReplayRules, Send, Verdict
from tcpcomm.tools.replay.script import chunks_of, steps_of, waits_for
from tcpcomm.tools.send.host_view import HostSession, HostView

CONNECT_WAIT: Final = 5.0
"""Seconds to wait for a connection to be ready, if the replay connects."""

_SLICE: Final = 64
"""Actions of one session before others get their turn."""

_UNREAD: Final = 64 * 1024 * 1024


class _ReplaySession(FrameProtocol):
    """One connection of a replay."""

    __slots__ = ("_call", "_part", "_player")

    framing: Framing = Unframed()
    allow_http = True
    limits: Limits = Limits(idle=None, handshake=10.0, unread_abort=_UNREAD, stall=60.0)

    def __init__(self, player: Player, part: _Part | None = None) -> None:
        self._player = player
        self._part = part
        self._call: Any = None

    def sessionReady(self) -> Awaitable[None] | None:
        if self._part is None:
            self._part = self._player.take_part()
        if self._part is None:
            self.close("all sessions of the recording are played, or being played")
            return None
        self._part.session = self
        self._part.replayer = self._player.replayer_for(self._part, self)
        self._part.replayer.begin(self._seconds())
        self._work()
        return None

    def frameReceived(self, frame: bytes) -> Awaitable[None] | None:
        if self._part is not None and self._part.replayer is not None:
            self._part.replayer.received(frame, self._seconds())
            self._work()
        return None

    def sessionLost(self, reason: str) -> None:
        self._cancel()
        part = self._part
        if part is None or part.replayer is None:
            return
        part.replayer.closed(reason, self._seconds())
        while part.ended is None:
            action = part.replayer.next(self._seconds())
            if isinstance(action, Ended):
                self._player.part_ended(part, action)
            elif not isinstance(action, Send):
                break
        part.gone.callback(None)

    def log_connected(self) -> None:
        """Do nothing: the output shows it."""

    def _work(self) -> None:
        """Carry out the actions of the replayer, as far as they are due."""
        self._cancel()
        part = self._part
        if part is None or part.replayer is None or part.ended is not None or not self.is_open:
            return
        clock = clock_of(self.factory)
        for _ in range(_SLICE):
            action = part.replayer.next(self._seconds())
            if isinstance(action, Send):
                self.sendBytes(action.data)
                continue
            if isinstance(action, Ended):
                self._player.part_ended(part, action)
                self.close("the replay is over")
            else:
                delay = max(0.0, action.until - self._seconds())
                self._call = clock.callLater(delay, self._work)
            return
        self._call = clock.callLater(0, self._work)

    def _cancel(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None


@define(eq=False)
class _Part:
    """One recorded session, and its replay."""

    recorded: RecordedSession
    replayer: Replayer | None = None
    session: _ReplaySession | None = None
    ended: Ended | None = None
    gone: Deferred[None] = field(factory=Deferred)
    """Fires when its connection is gone."""


class Player:
    """
    Plays one side of recorded sessions, each on a connection of its own, until the first difference.

    A session begins when all those are over that had ended before it in the recording.

    Args:
        recording: the recording.
        sessions: the sessions to play.
        speech: the language.
        plays_host: True to play the host, and to compare the equipment. False: the other way round.
        rules: the rules.
        clock: the reactor, or a test's clock.
        observers: watch the live sessions.
        allow: the networks from which peers may come, if the replay listens; None: all.
        keys: our name and the keys of peers, if they must be proven.
    """

    def __init__(
        self,
        recording: Recording,
        sessions: Sequence[RecordedSession],
        speech: Speech,
        *,
        plays_host: bool,
        rules: ReplayRules | None = None,
        clock: Any = None,
        observers: Iterable[SessionObserver] = (),
        allow: Sequence[Network] | None = None,
        keys: PreSharedKeys | None = None,
    ) -> None:
        self._recording = recording
        self._speech = speech
        self._plays_host = plays_host
        self._rules = ReplayRules() if rules is None else rules
        self._observers = tuple(observers)
        self._parts = [_Part(each) for each in sessions]
        self._next = 0
        self._clock = clock
        self._options: dict[str, Any] = {"allow": allow, "keys": keys, "clock": clock}
        self.factory = FrameFactory(lambda: _ReplaySession(self), **self._options)
        """The factory of the sessions, if the replay listens."""
        self._factories = [self.factory]
        self.finished: Deferred[Ended] = Deferred()
        """Fires when all is played, or at the first difference. Its verdict is that of the whole replay."""

    @property
    def steps_done(self) -> int:
        """The recorded chunks that were played so far."""
        return sum(each.replayer.steps_done for each in self._parts if each.replayer is not None)

    @property
    def sessions_done(self) -> int:
        """The recorded sessions that were played so far."""
        return sum(each.ended is not None for each in self._parts)

    @property
    def notes(self) -> list[str]:
        """Things that could not be played as they should, in words."""
        found = [each.replayer.notes for each in self._parts if each.replayer is not None]
        return list(dict.fromkeys(note for notes in found for note in notes))

    async def connect(self, endpoint: IStreamClientEndpoint, wait: float = CONNECT_WAIT) -> Ended:
        """Play all sessions over connections that are made here. Return the verdict."""
        for part in self._parts:
            self._connect_when_due(part, endpoint, wait)
        return await self.finished

    def _connect_when_due(self, part: _Part, endpoint: IStreamClientEndpoint, wait: float) -> None:
        earlier = waits_for(part.recorded, [each.recorded for each in self._parts])
        numbers = {each.number for each in earlier}

        async def begin() -> None:
            for other in self._parts:
                if other.recorded.number in numbers and not other.gone.called:
                    await _also(other.gone)
            if self.finished.called:
                return
            problem = await self._try(part, endpoint, wait)
            if problem:
                self._finish(Ended(Verdict.NO_LINK, None, problem))

        Deferred.fromCoroutine(begin()).addErrback(self._failed)

    async def _try(self, part: _Part, endpoint: IStreamClientEndpoint, wait: float) -> str:
        """Connect. Return the problem, or an empty text."""
        dials = self._options["keys"] is not None
        factory = _DiallingFactory(self, part, **self._options, dials=dials)
        self._factories.append(factory)
        connecting = endpoint.connect(factory)
        timer = self._clock.callLater(wait, connecting.cancel)
        try:
            await connecting
        except CancelledError:
            return f"no answer within {wait:g} s: cable, power or address"
        except Exception:
            if not timer.active():
                return f"no answer within {wait:g} s: cable, power or address"
            return connect_error_text(Failure())
        finally:
            if timer.active():
                timer.cancel()
        return ""

    def take_part(self) -> _Part | None:
        """Return the next recorded session for a new connection, or None if all are taken."""
        if self._next >= len(self._parts) or self.finished.called:
            return None
        part = self._parts[self._next]
        self._next += 1
        return part

    def replayer_for(self, part: _Part, session: _ReplaySession) -> Replayer:
        """Make the replayer of a recorded session, on a new connection."""
        recorded = part.recorded
        seen = OverheardSession(
            peer=session.peer, target=session.host or "", host=session.host, speech=self._speech
        )
        observers: Sequence[SessionObserver] = self._observers
        if self._plays_host:
            host = HostSession(
                peer=session.peer, target=session.host or "", host=session.host, speech=self._speech
            )
            observers = [HostView(host, observers)]
        return Replayer(
            steps_of(chunks_of(self._recording, recorded), self._speech, recorded.opened_at),
            self._speech,
            plays_host=self._plays_host,
            rules=self._rules,
            session=recorded.number,
            observers=observers,
            seen=seen,
        )

    def part_ended(self, part: _Part, ended: Ended) -> None:
        """Take note of the end of one session."""
        if part.ended is not None:
            return
        part.ended = ended
        if ended.verdict is not Verdict.SAME:
            self._finish(ended)
        elif all(each.ended is not None for each in self._parts):
            self._finish(Ended(Verdict.SAME))

    def give_up(self, verdict: Verdict, problem: str) -> None:
        """End the replay for another reason."""
        self._finish(Ended(verdict, None, problem))

    def _finish(self, ended: Ended) -> None:
        if not self.finished.called:
            self.finished.callback(ended)

    def _failed(self, failure: Failure) -> None:
        if not self.finished.called:
            self.finished.errback(failure)

    async def close(self) -> None:
        """Close all connections, after all that was sent has left."""
        for factory in self._factories:
            await factory.drain(reason="the replay is over")


class _DiallingFactory(FrameFactory):
    """Makes the one session of a recorded session, and tells if it is not admitted."""

    def __init__(self, player: Player, part: _Part, **options: Any) -> None:
        super().__init__(lambda: _ReplaySession(player, part), **options)
        self._player = player

    def sessionRefused(self, session: FrameProtocol, reason: str) -> None:
        super().sessionRefused(session, reason)
        self._player.give_up(Verdict.NO_LINK, reason)


def _also(done: Deferred[Any]) -> Deferred[Any]:
    """Return a Deferred that fires with another one, and leaves the result of that one alone."""
    waiting: Deferred[Any] = Deferred()

    def tell(result: Any) -> Any:
        waiting.callback(None)
        return result

    done.addBoth(tell)
    return waiting
