"""
The reference model of a conversation: a host, a wire, and equipment that can say too much or too little.

A course is a list of events, such as "the host asks" or "the equipment says its last reply again". The
model knows which command each frame truly answers, so it knows what each caller must be told. After every
event it compares that with what an :class:`Exchange`, or a :class:`Requester` on a virtual clock, does.

Without ids one wrong answer is possible, and no other: a surplus frame that arrives after a command was
written and is read before the command's true reply. The model counts such answers, and fails at each
answer to another command that was not given in that window. A frame that makes no sense is taken for the
reply where nothing else can be; then the true reply is surplus, if it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from tcpcomm.conversation.call import LEAST_PATIENCE
from tcpcomm.conversation.exchange import (
    LEAST_DOUBT,
    LONGEST_DOUBT,
    LONGEST_PAUSE,
    PAUSE_INTERVAL,
    PAUSE_SHARE,
)
from tcpcomm.errors import NotReady, NotSent
from tests.conversation.subjects import ExchangeSubject
from tests.conversation.world import KINDS, SENSELESS, TIMEOUT, Command, Event, Frame, Rules, Subject, World


class Course:
    """
    One course, which is compared with the model after each event.

    Args:
        rules: its conditions.
        subject: makes a session of the code under test.
    """

    def __init__(self, rules: Rules, subject: Callable[[World], Subject] = ExchangeSubject) -> None:
        self.rules = rules
        self.now = 0.0
        self.commands: list[Command] = []
        self.events: list[Event] = []
        self.wrong = 0
        """The number of answers to another command, all of them in the window that cannot be closed."""
        self.surplus = 0
        """The number of frames that ended a session because no command waited for them."""
        self.paused = 0
        """The number of times that a flow of commands paused."""
        self._make = subject
        self._begin_session()

    def _begin_session(self) -> None:
        self.over = False
        self._ended_here = self._told_broken = False
        self._at_equipment: list[Command] = []
        self._last_said: Frame | None = None
        self._kernel: list[Frame] = []
        self._open: list[Command] = []  # they were not settled at the event before
        self._silent_since = self._flow_began = -inf
        self._longest_reply = 0.0
        self._replied: Command | None = None
        self._expected: list[int] = []
        self._paused_until = inf
        self._subject = self._make(self)

    # -- what may happen --------------------------------------------------------------------------------

    def enabled(self) -> list[Event]:
        """Return the events that may happen now."""
        rules = self.rules
        found: list[Event] = []
        if len(self.commands) < rules.asks:
            found.append(("ask",))
        if self.over:
            return [*found, ("new session",)]
        ways = ("comes", "arrives") if rules.unread else ("comes",)
        said: list[Event] = [("unasked",)]
        if self._at_equipment:
            which = range(len(self._at_equipment)) if rules.by_id else (0,)
            said += [("answer", number, form) for number in which for form in rules.forms]
            found += [("twice", number) for number in which]
            if rules.interim:
                said.append(("busy",))
            found += [("lose", number) for number in which]
        if self._last_said is not None:
            said.append(("repeat",))
        if "nonsense" in rules.forms and rules.is_one_frame:
            said.append(("noise",))
        found += [(*each, way) for each in said for way in ways]
        if self._kernel:
            found.append(("read",))
        found += [("cancel", each.number) for each in self._open]
        found += [("pass", seconds) for seconds in rules.ticks]
        found.append(("end",))
        return found

    def do(self, event: Event) -> None:
        """Let an event happen, and compare."""
        self.events.append(event)
        name, *arguments = event
        getattr(self, f"_{name.replace(' ', '_')}")(*arguments)
        self._compare()

    def finish(self) -> None:
        """End the last session: every caller must have been told something then."""
        if not self.over:
            self.do(("end",))
        for each in self.commands:
            self._check(each)

    # -- the events -------------------------------------------------------------------------------------

    def _ask(self) -> None:
        command = Command(len(self.commands), self.now)
        refused = self.over or len(self._in_state("waits")) >= self.rules.waiting
        command.state, command.due = ("not sent", inf) if refused else ("waits", self.now + TIMEOUT)
        self.commands.append(command)
        self._open.append(command)
        self._write()
        self._subject.ask(command)

    def _answer(self, which: int, form: str, way: str) -> None:
        command = self._at_equipment[which]
        if form not in ("part", "opened"):
            self._at_equipment.remove(command)
        self._says(self._frame(command, form), way)

    def _twice(self, which: int) -> None:
        frame = self._frame(self._at_equipment.pop(which), "reply")
        self._kernel += [frame, self._again(frame)]
        self._read()

    def _repeat(self, way: str) -> None:
        assert self._last_said is not None
        self._says(self._again(self._last_said), way)

    def _unasked(self, way: str) -> None:
        self._says(Frame(None, -1, "reply", len(self.events)), way)

    def _busy(self, way: str) -> None:
        self._says(Frame(None, -1, "busy", len(self.events)), way)

    def _noise(self, way: str) -> None:
        self._says(Frame(None, -1, "nonsense", len(self.events)), way)

    def _lose(self, which: int) -> None:
        self._at_equipment.pop(which)

    def _cancel(self, number: int) -> None:
        command = self.commands[number]
        was_written, command.state = command.state == "under way", "cancelled"
        if was_written and not self.rules.by_id:
            self._break()
        self._write()
        self._subject.cancel(command)

    def _end(self) -> None:
        self._ended_here = True
        self._end_in_model()
        self._subject.end()

    def _new_session(self) -> None:
        self._begin_session()

    def _pass(self, seconds: float) -> None:
        ends = self.now + seconds
        while not self.over:
            due = min((each.due for each in self._unsettled()), default=inf)
            if self._in_state("waits"):
                due = min(due, self._paused_until)
            if due > ends:
                break
            self.now = max(self.now, due)
            self._judge_time()
            self._write()
            self._subject.tick()
            self._compare()
        self.now = ends
        self._subject.tick()

    def _read(self) -> None:
        frames, self._kernel = self._kernel, []
        self._judge(frames)
        self._write()
        self._subject.read(frames)

    # -- the equipment ----------------------------------------------------------------------------------

    def _frame(self, command: Command, form: str) -> Frame:
        return Frame(command, command.number, form, len(self.events))

    def _again(self, frame: Frame) -> Frame:
        return Frame(None, frame.id, frame.form, len(self.events))

    def _says(self, frame: Frame, way: str) -> None:
        self._last_said = frame
        self._kernel.append(frame)
        if way == "comes":
            self._read()

    # -- what must be true ------------------------------------------------------------------------------

    def _in_state(self, state: str) -> list[Command]:
        return [each for each in self._open if each.state == state]

    def _unsettled(self) -> list[Command]:
        return [each for each in self._open if each.state in ("waits", "under way")]

    def _judge(self, frames: Sequence[Frame]) -> None:
        """Decide what frames that came together mean."""
        answers: list[tuple[Command, Frame]] = []
        for frame in frames:
            under_way = self._in_state("under way")
            if frame.form == "busy":
                for each in under_way:
                    each.due = self.now + TIMEOUT
                continue
            command: Command | None
            if self.rules.by_id:
                command = next((each for each in under_way if each.number == frame.id), None)
                if command is None:
                    continue
            elif not under_way:
                self.surplus += 1
                for each, _ in answers:
                    each.state = "unknown"
                self._break()
                return
            else:
                command = under_way[0]
            if frame.form in SENSELESS or (self.rules.silence and frame.form != "fault"):
                command.state = "bad reply"
                takes_place = len(frames) == len(under_way) == 1 and self.rules.is_one_frame
                if not self.rules.by_id and not (takes_place and frame.form != "alien"):
                    for each, _ in answers:
                        each.state = "unknown"
                    self._break()
                    return
                self._replied = command
            elif frame.form == "opened":
                command.due = self.now + TIMEOUT
            elif frame.form != "part":
                command.state = "fault" if frame.form == "fault" else "answered"
                command.answer = frame
                self._replied = command
                answers.append((command, frame))
        for command, frame in answers:
            if frame.answers is not command and not (self.rules.by_id and frame.id == command.number):
                self.wrong += 1
                assert not self.rules.by_id, f"{command.number} was answered with {frame}"
                assert frame.arrived > command.written, f"{frame} was there before {command.number}"

    def _judge_time(self) -> None:
        late = [each for each in self._in_state("under way") if each.due <= self.now]
        if self.rules.silence:
            for each in late:
                each.state = "done"
                self._silent_since = max(self._silent_since, each.due - TIMEOUT)
            late = []
        for each in late[: None if self.rules.by_id else 1]:
            each.state = "timeout"
            self._replied = each
        if late and not self.rules.by_id:
            self._break()
        for each in self._in_state("waits"):
            if each.due <= self.now and self.rules.silence and not each.is_patient:
                each.is_patient = True
                each.due += LEAST_PATIENCE - TIMEOUT
            elif each.due <= self.now:
                each.state = "not sent"

    def _break(self) -> None:
        assert not self.rules.by_id
        self._told_broken = True
        self._end_in_model()

    def _end_in_model(self) -> None:
        self.over = True
        for each in self._in_state("under way"):
            each.state = "unknown"
        for each in self._in_state("waits"):
            each.state = "not sent"

    def _write(self) -> None:
        """Decide which commands must be written now."""
        if self._replied is not None:
            self._silent_since = self.now
            began = self._replied.due - TIMEOUT
            self._longest_reply = max(self._longest_reply, self.now - began)
            is_doubtful = self._replied.state == "bad reply" or self.rules.is_doubtful(self._replied.number)
            if is_doubtful and not self.rules.by_id:
                doubt = min(max(TIMEOUT / 2, LEAST_DOUBT), LONGEST_DOUBT)
                self._silent_since += max(doubt - self.rules.quiet, 0.0)
            self._replied = None
        waiting, under_way = self._in_state("waits"), self._in_state("under way")
        free = self.rules.depth - len(under_way)
        if self.over or not waiting or free <= 0:
            return
        self._paused_until = self._pause(bool(under_way))
        if self._paused_until < inf or self._must_drain or not (self.is_quiet() or self.rules.by_id):
            return
        for command in waiting[:free]:
            command.state, command.written = "under way", len(self.events)
            command.due = self.now + TIMEOUT
            self._at_equipment.append(command)
            self._expected.append(command.number)

    _must_drain = False

    def _pause(self, is_busy: bool) -> float:
        """Return until when the host must not write, or infinity if it may."""
        until = self._silent_since + self.rules.quiet
        self._must_drain = False
        if not self.rules.by_id:
            pause = min(1.25 * self._longest_reply + 0.001, LONGEST_PAUSE)
            flowed = self.now - self._flow_began
            if self.now >= self._silent_since + pause and not is_busy:
                self._flow_began = self.now
            elif flowed >= max(PAUSE_INTERVAL, pause / PAUSE_SHARE):
                self._must_drain = is_busy
                self.paused += 1
                until = max(until, self._silent_since + pause)
        return until if self.now < until else inf

    # -- called by the subject --------------------------------------------------------------------------

    def is_quiet(self) -> bool:
        return not self._kernel

    def was_written(self, number: int) -> None:
        assert self._expected, f"command {number} was written, but must not be"
        assert number == self._expected.pop(0), f"command {number} was written out of turn"

    def was_broken(self) -> None:
        assert self._told_broken or self.over, "the session was broken without a reason"
        self._told_broken = False

    def _compare(self) -> None:
        assert not self._expected, f"commands {self._expected} were not written"
        assert not self._told_broken, "the session was not broken"
        for each in self._open:
            self._check(each)
        self._open = self._unsettled()

    def _check(self, command: Command) -> None:
        """Compare what the caller of a command was told."""
        kind, number = KINDS.get(command.state), command.number
        told = [NotSent if isinstance(one, NotReady) else type(one) for one in command.outcomes]
        assert told == ([] if kind is None else [kind]), f"{number} was told {told}, not {kind}"
        if command.state == "answered":
            assert command.outcomes[0] is command.answer, f"{number} got {command.outcomes[0]}"
        if command.state == "not sent":
            assert command.written < 0, f"{number} was written and reported as not sent"
