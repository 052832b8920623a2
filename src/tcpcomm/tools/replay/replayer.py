"""
Play one side of a recorded conversation, without I/O: :class:`Replayer`.

The driver calls :meth:`Replayer.next` until it gets a :class:`Wait` or an :class:`Ended`. It does what the
actions say, and passes on received bytes::

    action = replayer.next(now)          # Send(data): write it, and call next() again
                                         # Wait(until): call next() again then, or when bytes have come
                                         # Ended(…): close the connection
    replayer.received(data, now)
    replayer.closed(reason, now)

The frames of one side keep their order, and so do those of both sides: a frame is sent when all frames have
come that stand before it in the recording. Only replies and events may come in another order than
recorded. Heartbeats are answered at once, and are not compared, because their number is by chance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from random import Random
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from tcpcomm.codec.base import Refusal
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.login import LoginClient, LoginMessage
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, LoginRefused
from tcpcomm.session.observer import MessageKind, ObservedMessage, SessionObserver
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.record.values import time_of
from tcpcomm.tools.replay.comparison import Comparison, Difference
from tcpcomm.tools.replay.live_ids import LiveIds
from tcpcomm.tools.replay.said import ConversationReader, Said, Step, is_beat, is_login

REPLAY_PATIENCE: Final = 10.0
"""Seconds for a frame in a replay, beyond its recorded time. Then the replay fails."""

SURPLUS: Final = 0.2
"""Seconds after the last frame of a replay in which nothing may come. A frame is a difference."""

MOST_EARLY: Final = 10_000
"""Frames that may come before their turn in a replay. More are a difference."""

MOST_EARLY_BYTES: Final = 16 * 1024 * 1024
"""Bytes that may come before their turn in a replay without a framing. More are a difference."""

_BEFORE: Final = 32

_PAUSE: Final = 0.05
"""Seconds between two chunks of a language in which only time tells them apart."""


class Verdict(Enum):
    """The end of a replay. The value is the exit code of ``tcpcomm replay``."""

    SAME = 0
    DIFFERENT = 3
    TIMEOUT = 4
    NO_LINK = 5


@frozen
class Send:
    """Write these bytes now."""

    data: bytes = field(repr=lambda data: repr(data[:40]))


@frozen
class Wait:
    """Wait until this time in seconds, or for bytes."""

    until: float


@frozen
class Ended:
    """The replay of this session is over."""

    verdict: Verdict
    difference: Difference | None = None
    problem: str = ""
    """The reason in words, if the verdict is not SAME."""


Action: TypeAlias = Send | Wait | Ended


@frozen(kw_only=True)
class ReplayRules:
    """
    The rules of a replay.

    Args:
        comparison: tells which frames are the same.
        speed: the speed in times of the recorded one; infinite: no pauses.
        patience: seconds that the other side has for a frame, beyond the recorded time.
        surplus: seconds after the last frame in which nothing more may come.
        credentials: for the declared login, if the host is played.
    """

    comparison: Comparison = field(factory=Comparison)
    speed: float = 1.0
    patience: float = REPLAY_PATIENCE
    surplus: float = SURPLUS
    credentials: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not self.speed > 0:
            raise ConfigurationError(f"speed must be a number above 0, not {self.speed!r}")


class Replayer:
    """
    Plays one side of one connection.

    Args:
        steps: the recorded steps.
        speech: the language.
        plays_host: True to play the host, and to compare the equipment. False: the other way round.
        rules: the rules.
        session: the number of the session in the recording, for differences.
        observers: watch the live conversation, in the view of the equipment.
        seen: the session that they see.

    Raises:
        ConfigurationError: the login needs credentials that are missing.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        speech: Speech,
        *,
        plays_host: bool,
        rules: ReplayRules | None = None,
        session: int = 1,
        observers: Sequence[SessionObserver] = (),
        seen: OverheardSession | None = None,
    ) -> None:
        self._steps = iter(steps)
        self._speech = speech
        self._plays_host = plays_host
        self._rules = ReplayRules() if rules is None else rules
        self._number = session
        self._observers = observers
        self._seen = seen
        self._ids = LiveIds(speech, plays_host=plays_host)
        self._heartbeat = speech.declaration.heartbeat if speech.declaration is not None else None
        self._login = self._login_client() if plays_host else None
        self._reader: ConversationReader | None = None
        self._step: Step | None = None
        self._expected: deque[Said] = deque()
        self._arrived: deque[Said] = deque()
        self._raw_expected = b""
        self._raw_arrived = bytearray()
        self._outbox: deque[tuple[bytes, Sequence[Said]]] = deque()  # with the recorded frames in it
        self._held = b""  # recorded bytes of a frame that is not complete, if frames are written anew
        self._last_recorded = self._last_live = 0.0
        self._due = 0.0
        self._heard_at: float | None = None
        self._sent_at: float | None = None  # None: something came since
        self._holds = self._ids.matters or self._heartbeat is not None
        self._counts = {True: 0, False: 0}  # frames, or bytes, of the host and of the equipment
        self._beat_results: dict[str, Any] = {}
        self._ending_at: float | None = None
        self._ended: Ended | None = None
        self.steps_done = 0
        """The chunks of the recording that were played so far."""

    @property
    def notes(self) -> list[str]:
        """Things that could not be played as they should, in words."""
        return self._ids.notes

    @property
    def side(self) -> str:
        """The side that is compared."""
        return "the equipment" if self._plays_host else "the host"

    def _login_client(self) -> LoginClient | None:
        declaration = self._speech.declaration
        if declaration is None or not self._login_is_ours:
            return None
        return LoginClient(
            declaration.greeting, declaration.login, declaration.encoding, self._rules.credentials
        )

    # -- the driver's side

    def begin(self, now: float) -> None:
        """Take note that the connection is there."""
        self._reader = ConversationReader(self._speech, self._observers, self._seen)
        self._last_live = now
        if self._login is not None:
            self._send_login(self._login.begin())

    def next(self, now: float) -> Action:
        """Return the next action at a time in seconds."""
        while True:
            if self._outbox:
                data, recorded = self._outbox.popleft()
                self._feed_own(data, recorded, now)
                return Send(data)
            if self._ended is not None:
                return self._ended
            self._hear_silence(now)
            action = self._advance(now)
            if action is not None:
                return action

    def received(self, data: bytes, now: float) -> None:
        """Take bytes that came at a time in seconds."""
        self._heard_at, self._sent_at = now, None
        if self._reader is None or self._ended is not None:
            return
        said = self._reader.feed(data, now, from_host=not self._plays_host)
        if self._speech.is_raw:
            self._raw_arrived += data
        else:
            self._take(said)
        if len(self._arrived) > MOST_EARLY or len(self._raw_arrived) > MOST_EARLY_BYTES:
            self._tell_surplus()

    def closed(self, reason: str, now: float) -> None:
        """Take note that the connection is gone."""
        if self._reader is not None:
            self._reader.close(reason)
        if self._login is not None and not self._login.done:
            self._give_up(Verdict.NO_LINK, f"{reason}, before the login was over")
        while self._ended is None:
            self._outbox.clear()
            if self._is_waiting:
                self._match(now)
                if self._ended is None and self._is_waiting:
                    self._give_up(Verdict.NO_LINK, f"{reason}; {self._awaited_text()}")
                continue
            if self._step is not None:
                self._step = None
                self.steps_done += 1
            if not self._load(now):
                self._finish()

    # -- the recording's side

    @property
    def _is_waiting(self) -> bool:
        """True if something is expected that has not come."""
        return bool(self._expected or self._raw_expected)

    @property
    def _is_theirs(self) -> bool:
        return self._step is not None and self._step.from_host != self._plays_host

    def _load(self, now: float) -> bool:
        """Take the next step of the recording. Return False if there is none."""
        if self._step is None:
            self._step = next(self._steps, None)
            if self._step is None:
                return False
            self._due = self._last_live + (self._step.at - self._last_recorded) / self._rules.speed
            if self._is_theirs:
                self._expect(self._step)
        return True

    def _expect(self, step: Step) -> None:
        if self._speech.is_raw:
            self._raw_expected = step.data
        for each in step.said if not self._speech.is_raw else ():
            if is_beat(each, self._heartbeat):
                self._note_beat(each)
            elif not (is_login(each) and self._login_is_ours) and not self._rules.comparison.ignores(each):
                self._expected.append(each)

    @property
    def _login_is_ours(self) -> bool:
        """True if the login is carried out by the declaration, and not as it was recorded."""
        declaration = self._speech.declaration
        if not self._plays_host or declaration is None:
            return False
        return bool(declaration.login or declaration.greeting is not None)

    def _advance(self, now: float) -> Action | None:
        """Do the next step. Return an action, or None to go on."""
        if self._login is not None:
            if self._login.done:
                self._login = None
            else:
                return self._wait_for_login(now)
        if self._is_waiting:
            self._match(now)
            if self._is_waiting:
                return self._wait_for_more(now)
        if self._is_theirs:
            self._step_done(now)
        if not self._load(now):
            return self._wait_for_end(now)
        if self._is_theirs:
            return None
        return self._play(now)

    def _step_done(self, now: float) -> None:
        assert self._step is not None
        self._last_recorded, self._last_live = self._step.at, now
        self._step = None
        self.steps_done += 1

    def _play(self, now: float) -> Action | None:
        """Send the recorded chunk when its time has come."""
        step = self._step
        assert step is not None
        due = self._due
        if self._sent_at is not None and (self._speech.is_raw or self._speech.gap is not None):
            due = max(due, self._sent_at + (1.5 * self._speech.gap if self._speech.gap else _PAUSE))
        if now < due:
            return self._waits(due)
        if step.is_masked and not self._login_is_ours:
            self._give_up(Verdict.NO_LINK, self._secret_text(step))
            return None
        self._step_done(now)
        for each in step.said:
            if is_beat(each, self._heartbeat):
                self._note_beat(each)
        recorded = [each for each in step.said if not is_beat(each, self._heartbeat)]
        if self._login_is_ours and (step.is_masked or any(is_login(each) for each in step.said)):
            # Our own login has taken its place, but commands may stand behind it in the same chunk.
            recorded = [each for each in recorded if not (each.is_masked or is_login(each) or each.fault)]
            own = self._encoded([self._ids.frame_for(each) for each in recorded])
        else:
            own = self._wire_for(step)
        if own:
            self._outbox.append((own, recorded))
        return None

    def _encoded(self, frames: Sequence[bytes]) -> bytes:
        return self._speech.framing(to_host=not self._plays_host).encode_many(frames)

    def _wire_for(self, step: Step) -> bytes:
        """Return the bytes to send for a recorded chunk."""
        if not self._holds:
            return step.data
        self._held += step.data
        framing = self._speech.framing(to_host=not self._plays_host)
        said = [each for each in step.said if not each.fault]
        try:
            recorded = framing.encode_many([each.frame for each in said])
        except EncodeError:
            recorded = self._held
        if len(said) < len(step.said) or not self._held.startswith(recorded):
            held, self._held = self._held, b""  # garbage, or another form of the framing: as it was
            return held
        if not said:
            return b""
        held, self._held = recorded, self._held[len(recorded) :]
        frames = [self._ids.frame_for(each) for each in said if not self._answers_beat(each)]
        if frames == [each.frame for each in said]:
            return held
        try:
            return framing.encode_many(frames)
        except EncodeError as error:
            self._ids.notes.append(f"a frame is sent as it was recorded: {error}")
            return held

    def _answers_beat(self, said: Said) -> bool:
        message = said.message
        return message is not None and message.answers is not None and is_beat(said, self._heartbeat)

    def _feed_own(self, data: bytes, recorded: Sequence[Said], now: float) -> None:
        """Let the live conversation know the bytes that are sent."""
        self._sent_at = now
        if self._reader is None:
            return
        said = self._reader.feed(data, now, from_host=self._plays_host)
        live = [each for each in said if not is_beat(each, self._heartbeat)]
        self._counts[self._plays_host] += len(recorded)
        if len(recorded) == len(live):
            for each, other in zip(recorded, live, strict=True):
                self._ids.pair(each, other)

    # -- what comes

    def _take(self, said: Iterable[Said]) -> None:
        for each in said:
            if self._login is not None and not self._login.done:
                self._take_login(self._login, each)
            elif is_beat(each, self._heartbeat):
                self._answer_beat(each)
            elif not self._rules.comparison.ignores(each):
                self._arrived.append(each)

    def _hear_silence(self, now: float) -> None:
        gap = self._speech.gap
        if gap is None or self._heard_at is None or self._reader is None or now < self._heard_at + gap:
            return
        self._heard_at = None
        self._take(self._reader.silence(now, from_host=not self._plays_host))

    def _waits(self, until: float) -> Wait:
        """Return the wait until a time, or until a silence that may end a frame."""
        gap = self._speech.gap
        if gap is not None and self._heard_at is not None:
            until = min(until, self._heard_at + gap)
        return Wait(until)

    def _match(self, now: float) -> None:
        """Compare live frames with the expected ones, as far as they have come."""
        if self._speech.is_raw:
            self._match_bytes()
            return
        while self._expected and self._ended is None:
            expected = self._expected[0]
            wanted = self._place(expected, is_live=False)
            places = ((each, self._place(each, is_live=True)) for each in self._arrived)
            found = next((each for each, place in places if place == wanted), None)
            if found is None:
                return
            self._expected.popleft()
            self._arrived.remove(found)
            self._counts[not self._plays_host] += 1
            self._compare(expected, found)
            self._ids.pair(expected, found)

    def _place(self, said: Said, *, is_live: bool) -> tuple[object, ...]:
        """Return the place of a frame in its conversation. Frames of one place keep their order."""
        message = said.message
        if message is None:
            return ("in order",)
        if message.answers is not None:
            asked: ObservedMessage | None = message.answers
            if not is_live:
                assert asked is not None
                asked = self._ids.live_command(asked)
            return ("answer", id(asked)) if asked is not None else ("in order",)
        if message.kind is MessageKind.EVENT:
            return ("event", message.name)
        return ("in order",)

    def _compare(self, expected: Said, got: Said) -> None:
        fields = self._rules.comparison.differences(expected, got)
        if fields is not None:
            self._differ(expected, got, fields)

    def _match_bytes(self) -> None:
        expected, arrived = self._raw_expected, self._raw_arrived
        size = min(len(expected), len(arrived))
        if self._step is not None and self._step.is_masked:
            same = size
        else:
            same = next((at for at in range(size) if expected[at] != arrived[at]), size)
        self._counts[not self._plays_host] += same
        if same < size:
            side = not self._plays_host
            self._counts[side] += 1
            whole = b"" if self._step is None else self._step.data
            at = len(whole) - len(expected) + same
            begin = max(0, at - _BEFORE)  # the bytes before show where it is
            came = whole[:at] + bytes(arrived[same : same + _BEFORE])
            self._differ(Said(side, whole[begin:]), Said(side, came[begin:]), ())
            return
        self._raw_expected = expected[size:]
        del arrived[:size]

    def _differ(self, expected: Said | None, got: Said | None, fields: Sequence[Any]) -> None:
        difference = self._difference(expected, got, fields)
        self._ended = self._ended or Ended(Verdict.DIFFERENT, difference, str(difference))

    def _difference(self, expected: Said | None, got: Said | None, fields: Sequence[Any]) -> Difference:
        return Difference(
            session=self._number,
            time=self._step.time if self._step is not None and expected is not None else 0,
            frame=max(1, self._counts[not self._plays_host]),
            side=self.side,
            unit="byte" if self._speech.is_raw else "frame",
            expected=expected,
            got=got,
            fields=tuple(fields),
        )

    # -- ends

    def _wait_for_more(self, now: float) -> Action | None:
        until = max(self._due, self._last_live) + self._rules.patience
        if now < until and self._ended is None:
            return self._waits(until)
        if self._ended is None and self._arrived and self._expected:
            self._counts[not self._plays_host] += 1
            self._differ(self._expected[0], self._arrived[0], self._fields_of_first())
        elif self._ended is None:
            self._give_up(Verdict.TIMEOUT, f"{self._awaited_text()} within {self._rules.patience:g} s")
        return None

    def _fields_of_first(self) -> Sequence[Any]:
        return self._rules.comparison.differences(self._expected[0], self._arrived[0]) or ()

    def _awaited_text(self) -> str:
        self._counts[not self._plays_host] += 1
        expected = (
            self._expected[0] if self._expected else Said(not self._plays_host, bytes(self._raw_expected))
        )
        lines = str(self._difference(expected, None, ())).splitlines()
        return "\n".join([f"{self.side} did not send what is recorded", *lines[1:]])

    def _give_up(self, verdict: Verdict, problem: str) -> None:
        self._ended = self._ended or Ended(verdict, None, problem)

    def _wait_for_end(self, now: float) -> Action | None:
        if self._arrived or self._raw_arrived:
            self._tell_surplus()
            return None
        if self._held:  # the recording ends in the middle of a frame
            self._outbox.append((self._held, ()))
            self._held = b""
            return None
        if self._ending_at is None:
            self._ending_at = now + self._rules.surplus
        if now < self._ending_at:
            return self._waits(self._ending_at)
        self._finish()
        return None

    def _tell_surplus(self) -> None:
        side = not self._plays_host
        self._counts[side] += 1
        got = self._arrived[0] if self._arrived else Said(side, bytes(self._raw_arrived))
        self._differ(None, got, ())

    def _finish(self) -> None:
        if self._ended is None and (self._arrived or self._raw_arrived):
            self._tell_surplus()
        self._ended = self._ended or Ended(Verdict.SAME)

    def _secret_text(self, step: Step) -> str:
        at = f"{time_of(step.time):%H:%M:%S}" if step.time else f"{step.at:.3f} s"
        return (
            f"session {self._number} sends a secret at {at}, and recordings do not keep secrets: give the "
            "declaration of the equipment, and the credentials of its login by --credential-file"
        )

    # -- login and heartbeats

    def _send_login(self, messages: Iterable[LoginMessage]) -> None:
        framing = self._speech.framing(to_host=not self._plays_host)
        for each in messages:
            self._outbox.append((framing.encode(each.text) if each.is_frame else each.text, ()))

    def _take_login(self, login: LoginClient, said: Said) -> None:
        try:
            self._send_login(login.take(said.frame))
        except LoginRefused as error:
            self._give_up(Verdict.DIFFERENT, f"the login failed: {error}")

    def _wait_for_login(self, now: float) -> Action | None:
        until = self._last_live + self._rules.patience
        if now < until:
            return self._waits(until)
        seconds = f"{self._rules.patience:g} s"
        self._give_up(Verdict.TIMEOUT, f"the equipment did not go on with its login for {seconds}")
        return None

    def _note_beat(self, said: Said) -> None:
        """Remember the result of a recorded heartbeat, for the answers to live ones."""
        message = said.message
        if message is not None and message.answers is not None and "result" in message.values:
            self._beat_results[message.name] = message.values["result"]

    def _answer_beat(self, said: Said) -> None:
        """Answer a live heartbeat at once."""
        message = said.message
        if message is None or message.answers is not None:
            return
        declaration: Declaration | None
        declaration = self._speech.declaration if said.from_host else self._speech.host_side
        if declaration is None:
            return
        frames = _beat_reply(declaration, said, self._beat_results)
        framing = self._speech.framing(to_host=not self._plays_host)
        if frames:
            self._outbox.append((framing.encode_many(frames), ()))


def _beat_reply(declaration: Declaration, said: Said, results: Mapping[str, Any]) -> list[bytes]:
    """Return the frames that answer a heartbeat: as recorded, or with a result that fits."""
    dialect = declaration.dialect
    (asked,) = dialect.read_at_equipment(said.frame).requests
    if isinstance(asked, Refusal) or not asked.wants_reply:
        return []
    result = results.get(asked.name)
    try:
        return dialect.reply(asked, result)
    except CodecError:
        return dialect.reply(asked, dialect.draw_reply(asked, Random(0)))
