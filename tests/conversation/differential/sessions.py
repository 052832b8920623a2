"""Random sessions of equipment: :func:`draw` makes one, and :func:`run_session` runs it in one way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache
from random import Random
from typing import Any, Final

from attrs import frozen
from twisted.internet.address import IPv4Address

from tcpcomm import Heartbeats, Limits, SessionObserver, per_session
from tcpcomm.server.serving import EquipmentFactory, EquipmentProtocol
from tests.conversation.differential.acts import ACTS, ENDING_ACTS, WAITING_ACTS, Act, Scene
from tests.conversation.differential.kinds import KINDS, USUAL_KINDS, Kind
from tests.conversation.differential.recording import (
    NOW,
    Outcome,
    Reactor,
    Recorder,
    SessionState,
    logged_lines,
    shown,
)

Step = tuple[Any, ...]

CHUNKS: Final = (*(1,) * 10, *(2,) * 6, *(3,) * 4, *(8,) * 8, *(16,) * 6, 17, 40, 64, 64, 70, 130)
"""The numbers of frames in a chunk, to choose from."""

VARIETY: Final = (1, 2, 3, 6, 1000)
"""The most commands that a session has, to choose from: a real host repeats a few."""

SIZES: Final = {1: "one frame", 2: "two", 3: "three", 8: "eight", 69: "up to 69", 1000: "70 and more"}
"""Words for the numbers of frames, by the largest of them."""

APPETITES: Final = (0, 0, 500, 3000)
"""The bytes that a peer reads in one turn while it reads slowly."""

MOST_SESSIONS: Final = 4

LONGEST_STEP: Final = 300
"""Characters of a step in a message."""

WILD_STEPS: Final = {
    "receive": 14.0,
    "finish": 5.0,
    "wait": 2.0,
    "pause": 0.7,
    "resume": 2.0,
    "event": 1.0,
    "event to": 0.7,
    "observe": 2.5,
    "appetite": 1.0,
    "send": 0.7,
    "open": 0.4,
    "close": 0.2,
    "abort": 0.2,
    "end input": 0.3,
    "stop reading": 0.4,
    "lose": 0.5,
}
CALM_STEPS: Final = {"receive": 14.0, "finish": 2.0, "wait": 1.0, "event": 0.7, "event to": 0.3}


LOGGED: Final = {
    "a handler failed": "failed; a fault is the answer",
    "a result that cannot be written": "returned what cannot be sent",
    "a reply that the framing cannot carry": "the reply to",
    "an unknown command": "no such command",
    "bad values": "the parameters do not fit",
    "bytes that cannot be decoded": "the request cannot be read",
    "a request beyond max_frame": "exceeds max_frame",
    "a handler that took long": "its hosts wait",
    "a frame that did not end": "did not finish it",
    "a silent peer": "the peer was silent",
    "a peer without heartbeats": "no heartbeat",
    "a peer that never reads": "the peer does not read",
}
"""Situations that the log tells of, with words of it."""


class General(EquipmentProtocol):
    """A session that takes every chunk the general way."""

    __slots__ = ()

    @property
    def takes_chunks(self) -> bool:
        return False

    @takes_chunks.setter
    def takes_chunks(self, value: bool) -> None: ...


General.__name__ = EquipmentProtocol.__name__  # a log line names the class

GENERATED: type[EquipmentProtocol] = EquipmentProtocol
"""The sessions that are compared with the general ones. A test of the comparison plants a defect here."""


@frozen
class Script:
    """A random session: all that its two runs share."""

    kind: Kind
    is_calm: bool
    plan: dict[int, Act]
    options: dict[str, Any]
    observed: str | None
    """The only hook of an observer that watches from the beginning; "all", or None without one."""
    steps: tuple[Step, ...]


def draw(seed: int) -> Script:
    """Draw a session. The same seed gives the same one."""
    random = Random(seed)
    kind = random.choice(USUAL_KINDS if random.random() < 0.6 else KINDS)
    is_calm = random.random() < 0.5
    return _Drawing(random, kind, is_calm).script()


class _Drawing:
    """Draws one session."""

    def __init__(self, random: Random, kind: Kind, is_calm: bool) -> None:
        self.random = random
        self.kind = kind
        self.is_calm = is_calm
        self.sessions = random.choice((1, 1, 1, 1, 2, 3))
        # Most chunks of calm sessions go the generated way, so that a single act meets it in the middle.
        self.is_nearly_calm = not is_calm and random.random() < 0.5
        is_quiet = is_calm or self.is_nearly_calm
        self.verbs = CALM_STEPS if is_quiet else WILD_STEPS
        self.bad = 0.0 if is_quiet else random.choice((0.0, 0.0, 0.02, 0.2))
        self.cut = random.choice((0.0, 0.0, 0.0, 0.1, 0.5))
        self.good = random.sample(kind.good, min(random.choice(VARIETY), len(kind.good)))
        self.has_heartbeats = random.random() < (0.05 if is_quiet else 0.2)
        self.rests = [b""] * MOST_SESSIONS
        self.frames = 0
        self.takes_names = kind.name == "robot" and random.random() < 0.8
        # At most one broken chunk a session, because most end it.
        self.broken = 0.0 if is_quiet else random.choice((0.0, 0.05, 0.2))

    def script(self) -> Script:
        random, kind = self.random, self.kind
        steps: list[Step] = [("open",)] * self.sessions
        if self.kind.opening:
            steps += [("receive", at, (self.kind.opening,), 1) for at in range(self.sessions)]
        if self.verbs is WILD_STEPS and random.random() < 0.4:
            steps.append(("appetite", random.randrange(self.sessions), random.choice(APPETITES)))
        verbs = self.verbs
        kinds = random.choices([*verbs], [*verbs.values()], k=random.randrange(4, 18))
        for verb in kinds:
            if verb == "stop reading":
                steps += self._stop_reading()
            else:
                steps.append(self._step(verb))
        steps += [("settle down",), ("wait", 40.0)]
        observed = draw_hooks(random) if random.random() < 0.1 else None
        return Script(kind, self.is_calm, self._plan(), self._options(), observed, tuple(steps))

    def _options(self) -> dict[str, Any]:
        random = self.random
        limits = Limits(
            awaited=random.choice((1000, 1000, 1000, 1, 2, 5)),
            unread_pause=random.choice((256 * 1024, 80_000)),
            unread_abort=random.choice((4 * 1024 * 1024, 256 * 1024)),
            idle=random.choice((600.0, 3.0)),
        )
        # A session that looks for browsers takes its first chunk the general way.
        options: dict[str, Any] = {"limits": limits, "allow_http": random.random() < 0.7}
        if self.has_heartbeats:
            options["heartbeat"] = self.kind.heartbeat
            if random.random() < 0.5:
                options["heartbeats"] = Heartbeats(1.0, 3.0)
                options["asks"] = random.random() < 0.5
        return options

    def _plan(self) -> dict[int, Act]:
        random = self.random
        if self.is_calm:
            acts, share = WAITING_ACTS, random.choice((0.0, 0.0, 0.0, 0.01, 0.1))
        elif self.is_nearly_calm:
            acts = ENDING_ACTS if random.random() < 0.4 else ACTS
            share = random.choice((0.0, 0.0, 0.02)) + 1 / max(self.frames, 1)
        else:
            acts, share = ACTS, random.choice((0.01, 0.03, 0.1, 0.5))
        count = min(int(self.frames * share) + (share > 0), self.frames)
        calls = random.sample(range(self.frames), count)
        plan = dict(zip(calls, random.choices(acts, k=count), strict=True))
        if self.frames and self.verbs is WILD_STEPS and random.random() < 0.25:
            plan[random.randrange(self.frames)] = random.choice(ENDING_ACTS)
        return plan

    def _step(self, verb: str) -> Step:
        random = self.random
        at = random.randrange(self.sessions)
        if verb == "receive":
            return ("receive", at, *self._chunks(at))
        if verb == "finish":
            return ("finish", random.randrange(8), random.choice(("", "", "", "fault", "exception")))
        if verb == "wait":
            return ("wait", random.choice((0.001, 0.3, 0.3, 1.5, 4.0, 15.0)))
        if verb == "appetite":
            return ("appetite", at, random.choice((None, *APPETITES)))
        if verb == "open":
            if self.sessions == MOST_SESSIONS:
                return ("wait", 0.3)
            self.sessions += 1
            return ("open",)
        if verb in ("event", "event to"):
            return (verb, at, random.randrange(100))
        if verb == "observe":
            return (verb, draw_hooks(random))
        return (verb, at)

    def _stop_reading(self) -> list[Step]:
        """Draw a peer that asks, but does not read its answers."""
        at = self.random.randrange(self.sessions)
        asked: list[Step] = [("receive", at, *self._chunks(at)) for _ in range(3)]
        return [("appetite", at, 0), *asked, ("wait", self.random.choice((1.0, 15.0)))]

    def _chunks(self, at: int) -> tuple[tuple[bytes, ...], int]:
        """Draw a chunk of frames, and cut it. Return its pieces, and the number of frames."""
        random, kind = self.random, self.kind
        count = random.choice(CHUNKS)
        self.frames += count
        frames = random.choices(self.good, k=count)
        if self.takes_names:
            frames[0] = kind.good[0]
        if random.random() < 0.12:
            for _ in range(random.choice((1, 1, 4))):
                frames[random.randrange(count)] = random.choice(kind.long)
        if self.has_heartbeats and random.random() < 0.5:
            frames[random.randrange(count)] = kind.wire(kind.heartbeat.request)
        if self.bad:
            for place in range(count):
                if random.random() < self.bad:
                    frames[place] = random.choice(kind.bad)
        data = self.rests[at] + b"".join(frames)
        self.rests[at] = b""
        if self.broken and random.random() < self.broken:
            data += random.choice(kind.broken)
        if random.random() >= self.cut:
            return (data,), count
        places = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 1, 2, 5))))
        pieces = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
        if random.random() < 0.3:
            self.rests[at] = pieces.pop()
        return tuple(filter(None, pieces)), count


class Watcher(SessionObserver):
    """Notes all that an observer sees, for each session apart: events reach them in any order."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def _see(self, session: Any, *what: Any) -> None:
        self._scene.watched.setdefault(session, []).append(what)

    def received(self, session: Any, data: bytes) -> None:
        self._see(session, "received", data)

    def sent(self, session: Any, data: bytes) -> None:
        watched = self._scene.watched.setdefault(session, [])
        if watched and watched[-1][0] == "sent":  # one chunk may leave as two
            watched[-1] = ("sent", watched[-1][1] + data)
        else:
            watched.append(("sent", data))

    def frame_received(self, session: Any, frame: bytes) -> None:
        self._see(session, "frame received", frame)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self._see(session, "frame sent", frame)

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._see(session, "half frame", description, sent)

    def fault(self, session: Any, fault: Any, *, sent: bool = False) -> None:
        self._see(session, "fault", str(fault), sent)

    def message(self, session: Any, message: Any) -> None:
        it = message
        answers = None if it.answers is None else (it.answers.name, it.answers.frame)
        values = repr(dict(it.values))
        self._see(
            session, "message", it.kind, it.sent, it.frame, it.name, values, answers, it.seconds, it.problem
        )

    def closed(self, session: Any, reason: str) -> None:
        self._see(session, "closed", reason)


HOOKS: Final = tuple(name for name in vars(Watcher) if not name.startswith("_"))
"""The hooks that an observer may have alone."""


def draw_hooks(random: Random) -> str:
    """Draw the hooks of an observer: all, or one."""
    return "all" if random.random() < 0.4 else random.choice(HOOKS)


def watcher(hooks: str, scene: Scene) -> SessionObserver:
    """Return an observer with all hooks, or with one."""
    return Watcher(scene) if hooks == "all" else _watching(hooks)(scene)


@cache
def _watching(hook: str) -> type[Any]:
    names = ("__init__", "_see", hook)
    return type(f"Watches_{hook}", (SessionObserver,), {name: vars(Watcher)[name] for name in names})


class Play:
    """One run of a script."""

    def __init__(self, script: Script, protocol: type[EquipmentProtocol]) -> None:
        self.script = script
        self.reactor = Reactor()
        NOW.clock = self.reactor.clock
        kind = script.kind
        self.scene = Scene(self.reactor, script.plan, kind.frame, kind.long_frame)
        equipment: Any
        if kind.per_session:
            equipment = per_session(kind.bodies, self.scene)
        else:
            equipment = self.equipment = kind.bodies(self.scene)
        self.factory = EquipmentFactory(
            equipment,
            clock=self.reactor.clock,
            observers=[] if script.observed is None else [watcher(script.observed, self.scene)],
            **script.options,
        )
        self.factory.protocol = protocol
        self.outcomes: list[Outcome] = []
        self._detach: Callable[[], None] | None = None
        self._was_blocked = [False] * MOST_SESSIONS

    def run(self) -> list[Outcome]:
        """Run all steps. Return what was seen of each."""
        with logged_lines() as lines:
            for step in self.script.steps:
                seen, said = len(self.scene.seen), len(lines)
                self._do(step)
                self.reactor.settle()
                self.outcomes.append(
                    Outcome(named(step), self._states(), self.scene.seen[seen:], lines[said:])
                )
        return self.outcomes

    def _states(self) -> list[SessionState]:
        states, scene = [], self.scene
        for at, (session, transport) in enumerate(
            zip(scene.sessions, self.reactor.transports, strict=True)
        ):
            was_blocked, self._was_blocked[at] = self._was_blocked[at], session.unsent > 0
            if session.unsent:
                scene.note("a peer does not read")
            if session.unfinished_handlers >= session.limits.awaited:
                scene.note("as many handlers are unfinished as may be")
            watched = tuple(scene.watched.pop(session, ()))
            states.append(SessionState.of(session, transport, watched, was_blocked=was_blocked))
        return states

    def _do(self, step: Step) -> None:
        verb, *details = step
        scene, reactor = self.scene, self.reactor
        if verb == "open":
            self._open()
        elif verb == "finish":
            scene.finish(*details)
        elif verb == "wait":
            reactor.wait(*details)
        elif verb == "observe":
            self._observe(*details)
        elif verb == "settle down":
            self._settle_down()
        else:
            self._do_to(verb, details[0], details[1:])

    def _do_to(self, verb: str, at: int, details: list[Any]) -> None:
        """Do something to one session."""
        session, transport = self.scene.sessions[at], self.reactor.transports[at]
        note = self.scene.note
        if transport.lost:
            return
        if verb == "receive":
            pieces, count = details
            note("a chunk is cut" if len(pieces) > 1 else "a chunk is whole")
            note(f"a chunk of {next(name for most, name in SIZES.items() if count <= most)}")
            transport.arrive(*pieces)
        elif verb == "appetite":
            (transport.appetite,) = details
        elif verb == "pause":
            session.pauseProducing()
        elif verb == "resume":
            session.resumeProducing()
        elif verb == "close":
            session.close("the program has enough")
        elif verb == "abort":
            session.abort("the program has enough")
        elif verb == "end input":
            transport.end_input()
        elif verb == "lose":
            if session.unfinished_handlers:
                note("a session with handlers is lost")
            transport.lose()
        elif session.is_open:
            self._send(verb, session, details)

    def _send(self, verb: str, session: Any, details: list[Any]) -> None:
        self.scene.note(f"between chunks: {verb}")
        if verb == "send":
            session.sendFrame(self.script.kind.frame)
            return
        equipment = session.equipment if self.script.kind.per_session else self.equipment
        equipment.tell(*details, *([session] if verb == "event to" else []))

    def _open(self) -> None:
        number = len(self.scene.sessions)
        address = IPv4Address("TCP", "192.168.0.10", 50_000 + number)
        session: Any = self.factory.buildProtocol(address)
        transport = Recorder(address)
        transport.BUFFER = 200  # a small one, so that a peer soon blocks
        transport.protocol = session
        self.scene.sessions.append(session)
        self.reactor.transports.append(transport)
        if number:
            self.scene.note("several sessions")
        session.makeConnection(transport)

    def _observe(self, hooks: str) -> None:
        """Attach an observer, or detach it."""
        if self._detach is None:
            self._detach = self.factory.observers.add(watcher(hooks, self.scene))
            self.scene.note("an observer is attached")
        else:
            self._detach()
            self._detach = None
            self.scene.note("an observer is detached")

    def _settle_down(self) -> None:
        """Let peers read, sessions go on, and handlers finish."""
        for session, transport in zip(self.scene.sessions, self.reactor.transports, strict=True):
            transport.appetite = None
            session.resumeProducing()
        self.reactor.settle()
        while self.scene.pending:
            self.scene.finish(0, "")
            self.reactor.settle()


def named(step: Step) -> str:
    """Return a text for a step."""
    return shown(step)[:LONGEST_STEP] if len(step) > 1 else str(step[0])


@lru_cache(maxsize=4)
def script_of(seed: int) -> Script:
    """Return the session of a seed."""
    return draw(seed)


def play(seed: int, protocol: type[EquipmentProtocol]) -> Play:
    """Run the session of a seed with sessions of a class."""
    made = Play(script_of(seed), protocol)
    made.run()
    return made


def run_session(seed: int, general: bool) -> list[Outcome]:
    """Run the session of a seed. Return what was seen of each step."""
    return play(seed, General if general else GENERATED).outcomes


def situations(seed: int) -> Counter[str]:
    """Return the number of situations of each kind in the session of a seed."""
    made = play(seed, General)
    script, found = made.script, made.scene.happened
    found[f"kind: {script.kind.name}"] += 1
    found["calm" if script.is_calm else "wild"] += 1
    if "heartbeat" in script.options:
        found["heartbeats of the session"] += 1
    for transport in made.reactor.transports:
        found["a command in a wrong state"] += b"needs the state" in transport.stream
        found["a reply of 5 KB"] += b"long " * 900 in transport.stream
        found["a reply of 70 KB"] += b"longer" * 12_000 in transport.stream
    for line in (line for outcome in made.outcomes for line in outcome.lines):
        for what, words in LOGGED.items():
            found[what] += words in line
    return found
