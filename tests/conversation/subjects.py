"""The code that is compared with the reference model: an exchange, and a requester on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tcpcomm.codec.base import MORE, ReplyReader
from tcpcomm.conversation.call import Call
from tcpcomm.conversation.exchange import Exchange
from tcpcomm.conversation.requester import Requester
from tcpcomm.errors import CodecError, Fault, NotSent
from tcpcomm.framing import Lines
from tcpcomm.session.observer import Observers
from tests.conversation.world import SENSELESS, TIMEOUT, Command, Frame, Rules, Subject, World


class Reader(ReplyReader):
    """Reads frames of the model."""

    def take(self, body: Frame) -> Any:
        if body.form == "fault":
            raise Fault(1, "no part")
        if body.form in SENSELESS:
            raise CodecError("'?' is not a reply")
        return MORE if body.form in ("part", "opened") else body


class OneFrameReader(Reader):
    """Reads frames of the model, each of which is a whole reply."""

    is_one_frame = True


class SilenceReader(OneFrameReader):
    """Reads frames of the model that come in place of silence."""

    is_hasty = True
    silence_is_success = True

    def take(self, body: Frame) -> Any:
        if body.form == "fault":
            raise Fault(1, "no part")
        raise CodecError("'?' is not a fault")


def reader_of(rules: Rules) -> ReplyReader:
    if rules.silence:
        return SilenceReader()
    return OneFrameReader() if rules.is_one_frame else Reader()


class ExchangeSubject:
    """An exchange, with the least driver."""

    def __init__(self, world: World) -> None:
        rules = world.rules
        self._world = world
        self._by_id = rules.by_id
        self._reader = reader_of(rules)
        self._calls: dict[int, Call] = {}
        self._exchange = Exchange(
            by_id=rules.by_id,
            broken=self._broken,
            depth=rules.depth,
            max_waiting=rules.waiting,
            quiet=rules.quiet,
            is_alien=lambda call, body: body.form == "alien",
        )

    def _broken(self, reason: str) -> None:
        self._world.was_broken()
        self._exchange.end(reason)

    def ask(self, command: Command) -> None:
        number, settle = command.number, command.outcomes.append
        call = Call(number, b"%d" % number, (), self._reader, TIMEOUT, settle)
        call.doubtful = self._world.rules.is_doubtful(number)
        self._calls[command.number] = call
        try:
            self._exchange.ask(call, self._world.now)
        except NotSent as error:
            command.outcomes.append(error)
        self._write()

    def read(self, frames: Sequence[Frame]) -> None:
        exchange, kept = self._exchange, []
        for frame in frames:
            if frame.form == "busy":
                exchange.begin_anew("busy", lambda call: TIMEOUT, self._world.now)
                continue
            found = exchange.take(frame, frame.id)
            if found is None:
                exchange.surplus(b"?")
            elif self._by_id or len(frames) == 1:
                exchange.settle(*found, b"?", frame)
            elif exchange.keep(*found):
                kept.append(found[0])
            if found is not None and frame.form == "opened":
                exchange.begin_anew("the first answer", lambda call: TIMEOUT, self._world.now)
        for call in kept:
            exchange.give(call)
        self._write()

    def cancel(self, command: Command) -> None:
        self._exchange.cancel(self._calls[command.number])
        self._write()

    def tick(self) -> None:
        self._exchange.tick(self._world.now)
        self._write()

    def end(self) -> None:
        self._exchange.end("the cable was pulled")

    def _write(self) -> None:
        for call in self._exchange.begin(self._world.now, None if self._by_id else self._world.is_quiet):
            self._world.was_written(call.id)


class _Transport:
    def __init__(self, world: World) -> None:
        self.has_unread_input = lambda: not world.is_quiet()


class _Session:
    """The part of a session that a requester needs."""

    send_framing = Lines()
    observers = Observers()
    keeps_secret = is_held = has_backlog = waits_turn = False
    frame_began_at = None
    reason: str | None = None
    unfinished = ""

    def __init__(self, world: World) -> None:
        self.transport = _Transport(world)
        self._world = world

    def send_framed(self, parts: Sequence[bytes], frames: Sequence[bytes]) -> None:
        for frame in frames:
            self._world.was_written(int(frame))


class RequesterSubject:
    """A requester on a virtual clock. It has no ids, and one command is under way at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock = Clock()
        self._clock.rightNow = world.now
        self._session = session = _Session(world)
        self._asked: dict[int, Any] = {}
        self._reader = reader_of(world.rules)
        quiet = world.rules.quiet
        self._requester = Requester(cast("Any", session), self._clock, self._broken, quiet=quiet)

    def _broken(self, reason: str) -> None:
        self._world.was_broken()
        self._session.reason = reason
        self._requester.end(reason)

    def ask(self, command: Command) -> None:
        frame, doubtful = b"%d" % command.number, self._world.rules.is_doubtful(command.number)
        asked = self._requester.ask_frame(frame, self._reader, TIMEOUT, doubtful=doubtful)
        self._asked[command.number] = asked

        def failed(failure: Failure) -> None:
            if not failure.check(CancelledError):
                command.outcomes.append(failure.value)

        asked.addCallbacks(command.outcomes.append, failed)

    def read(self, frames: Sequence[Frame]) -> None:
        self._requester.hold(len(frames))
        for frame in frames:
            if not self._requester.answer(frame):
                self._requester.surplus(b"?")
            if self._session.reason is not None:
                break
        self._requester.release()

    def cancel(self, command: Command) -> None:
        self._asked[command.number].cancel()

    def tick(self) -> None:
        self._clock.rightNow = self._world.now  # advance(seconds) would round
        self._clock.advance(0.0)

    def end(self) -> None:
        self._session.reason = self._session.reason or "the cable was pulled"
        self._requester.end("the cable was pulled")


SUBJECTS: dict[str, Callable[[World], Subject]] = {
    "exchange": ExchangeSubject,
    "requester": RequesterSubject,
}
