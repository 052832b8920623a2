"""Random links of hosts: :func:`draw_link` makes one, and :func:`run_link` runs it in one way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from random import Random
from typing import Any, Final

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm import Limits, declaration_of
from tcpcomm.host.link import HostLink, HostSession
from tcpcomm.host.options import HostOptions
from tcpcomm.link.link import LinkSession
from tests.conversation.differential.acts import Scene
from tests.conversation.differential.answers import HOST_KINDS, Answers, HostKind
from tests.conversation.differential.recording import (
    NOW,
    Outcome,
    Reactor,
    Recorder,
    SessionState,
    logged_lines,
)
from tests.conversation.differential.sessions import Step, draw_hooks, named, watcher

THEN: Final = (
    "asks again",
    "asks again",
    "asks three times",
    "raises",
    "closes the session",
    "aborts the session",
    "stops the link",
    "cancels another",
)
"""What the callback of a command does."""

CHUNKS: Final = (1, 1, 1, 2, 3, 8, 20, 70)
"""The numbers of commands that are asked at once, to choose from."""

WILD_STEPS: Final = {
    "ask": 12.0,
    "script": 2.0,
    "reply": 12.0,
    "event": 2.0,
    "wait": 3.0,
    "cancel": 1.0,
    "pause": 0.5,
    "resume": 1.5,
    "appetite": 0.7,
    "observe": 0.7,
    "end input": 0.3,
    "lose": 0.4,
    "close": 0.2,
    "stop": 0.1,
    "start": 0.5,
}
CALM_STEPS: Final = {"ask": 12.0, "script": 3.0, "reply": 12.0, "event": 2.0, "wait": 1.0}

MOST_ROUNDS: Final = 80
"""Times that the equipment answers in one step, while the host asks more."""

MOST_ASKED: Final = 300
"""Commands that callbacks may ask in one link, so that it ends."""


LOGGED_BY_LINKS: Final = {
    "a surplus reply": "no command waits for a reply",
    "a late reply by id": "it answers no command",
    "a wrong reply": "is not the reply to",
    "a timeout": "did not come in time",
    "a broken framing": "the framing was broken",
}
"""Situations that the log tells of, with words of it."""


class GeneralSession(HostSession):
    """A session that takes every chunk the general way."""

    framesReceived = LinkSession.framesReceived


GeneralSession.__name__ = HostSession.__name__  # a log line names the class

GENERATED: type[HostSession] = HostSession
"""The sessions that are compared with the general ones. A test of the comparison plants a defect here."""


@frozen
class LinkScript:
    """A random link: all that its two runs share."""

    kind: HostKind
    is_calm: bool
    options: dict[str, Any]
    observed: str | None
    has_heartbeats: bool
    """True if the equipment answers each heartbeat at once."""
    seed: int
    steps: tuple[Step, ...]


def draw_link(seed: int) -> LinkScript:
    """Draw a link. The same seed gives the same one."""
    random = Random(seed)
    kind = random.choice(HOST_KINDS)
    is_calm = random.random() < 0.5
    steps: list[Step] = [("start",), ("wait", 0.01)]
    verbs = CALM_STEPS if is_calm else WILD_STEPS
    wrong = 0.0 if is_calm else random.choice((0.0, 0.05, 0.3))
    acting = 0.0 if is_calm else random.choice((0.0, 0.1, 0.4))
    cut = random.choice((0.0, 0.3))
    for verb in random.choices([*verbs], [*verbs.values()], k=random.randrange(4, 16)):
        if verb == "ask":
            count = random.choice(CHUNKS)
            calls = tuple(
                (*random.choice(kind.kind.calls), random.choice(THEN) if random.random() < acting else "")
                for _ in range(count)
            )
            steps.append(("ask", calls))
            if random.random() < 0.8:
                steps.append(_replying(random, wrong, cut))
        elif verb == "script":
            calls = tuple((*random.choice(kind.kind.calls), "") for _ in range(random.randrange(1, 6)))
            steps.append(("script", calls))
            steps.append(_replying(random, wrong, cut))
        elif verb == "reply":
            steps.append(_replying(random, wrong, cut))
        elif verb == "wait":
            steps.append(("wait", random.choice((0.001, 0.006, 0.3, 0.3, 1.1, 3.0))))
        elif verb in ("event", "cancel"):
            steps.append((verb, random.randrange(100)))
        elif verb == "observe":
            steps.append((verb, draw_hooks(random)))
        elif verb == "appetite":
            steps.append((verb, random.choice((None, 0, 500))))
        else:
            steps.append((verb,))
    steps += [("settle down",), ("wait", 10.0), ("stop",), ("wait", 10.0)]
    options: dict[str, Any] = {"retries": random.choice((1, 0)), "wait": random.choice((None, 0.0, 0.5))}
    options["limits"] = Limits(idle=None, partial=random.choice((5.0, 0.2)))
    has_heartbeats = kind.policy.heartbeats is not None and random.random() < 0.9
    observed = draw_hooks(random) if random.random() < 0.1 else None
    return LinkScript(kind, is_calm, options, observed, has_heartbeats, seed, tuple(steps))


def _replying(random: Random, wrong: float, cut: float) -> Step:
    """Draw a step in which the equipment answers: its seed, its mistakes, its cuts, and how often."""
    rounds = random.choice((1, 2, MOST_ROUNDS, MOST_ROUNDS))
    return ("reply", random.randrange(1, 1 << 30), wrong, cut, rounds)


class Place:
    """The place where the equipment listens: an endpoint whose connections are made in virtual time."""

    def __init__(self, play: LinkPlay) -> None:
        self._play = play

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect after a millisecond."""
        made: Deferred[Any] = Deferred(lambda _: call.cancel())
        call = self._play.reactor.clock.callLater(0.001, self._connect, factory, made)
        return made

    def _connect(self, factory: Any, made: Deferred[Any]) -> None:
        address = IPv4Address("TCP", "192.168.0.20", 9999)
        protocol = factory.buildProtocol(address)
        if protocol is None:
            made.errback(ConnectionError("refused here"))
            return
        self._play.connected(protocol, Recorder(address))
        made.callback(protocol)


@define(eq=False)
class Answering:
    """The equipment at the other end of one connection, which the steps have answer."""

    transport: Recorder
    session: Any
    decoder: Any
    taken: int = 0
    asked: list[bytes] = field(factory=list)

    def take(self) -> None:
        """Cut what the host wrote into frames."""
        data = bytes(self.transport.stream[self.taken :])
        self.taken += len(data)
        if data:
            self.asked += self.decoder.feed(data)


class LinkPlay:
    """One run of a script."""

    def __init__(self, script: LinkScript, session_class: type[HostSession]) -> None:
        self.script = script
        self.reactor = Reactor()
        NOW.clock = self.reactor.clock
        self.scene = Scene(self.reactor, {})
        self.declaration = declaration_of(script.kind.declared)
        self.answers = Answers(script.kind, self.declaration, self.scene)
        self.peers: list[Answering] = []
        self.asked: list[Deferred[Any]] = []
        if script.has_heartbeats:
            self.reactor.idle = self._answer_heartbeats
        self.outcomes: list[Outcome] = []
        self._was_blocked: dict[int, bool] = {}
        self._detach: Callable[[], None] | None = None
        kind = script.kind
        options = HostOptions(
            connect=Place(self),  # type: ignore[arg-type]
            reactor=self.reactor.clock,
            policy=kind.policy,
            credentials=kind.credentials,
            random=Random(7),
            observers=[] if script.observed is None else [watcher(script.observed, self.scene)],
            **script.options,
        )
        self.link = HostLink(self.declaration, options)
        self.link.session_class = session_class
        self.proxy: Any = self.link.host_proxy.proxy
        self.link.observe(lambda state, reason: self.scene.see("link", state, reason))
        for name in self.declaration.events:
            getattr(self.proxy, name).subscribe(partial(self._event_came, Random(script.seed)))

    def run(self) -> list[Outcome]:
        """Run all steps. Return what was seen of each."""
        with logged_lines() as lines:
            for step in self.script.steps:
                seen, said = len(self.scene.seen), len(lines)
                self._do(step)
                self.reactor.settle()
                for peer in self.peers:
                    peer.take()
                self.outcomes.append(
                    Outcome(
                        named(step),
                        self._states(),
                        self.scene.seen[seen:],
                        lines[said:],
                        (self.link.state, self.link.reason),
                    )
                )
        return self.outcomes

    def _states(self) -> list[SessionState]:
        states = []
        for at, peer in enumerate(self.peers):
            was_blocked = self._was_blocked.get(at, False)
            self._was_blocked[at] = peer.session.unsent > 0
            watched = tuple(self.scene.watched.pop(peer.session, ()))
            states.append(SessionState.of(peer.session, peer.transport, watched, was_blocked=was_blocked))
        return states

    def connected(self, protocol: Any, transport: Recorder) -> None:
        """Take a new connection."""
        transport.BUFFER = 200
        transport.protocol = protocol
        self.reactor.transports.append(transport)
        self.peers.append(Answering(transport, protocol.protocol, self.declaration.received.decoder()))
        if len(self.peers) > 1:
            self.scene.note("the link connects again")
        protocol.makeConnection(transport)
        if self.script.kind.credentials is not None:
            transport.arrive(self.answers.wire(b"CAMERA 2"), self.answers.wire(b"User:"))

    # -- steps

    def _do(self, step: Step) -> None:
        verb, *details = step
        scene = self.scene
        if verb == "ask":
            (calls,) = details
            scene.note("commands are asked together" if len(calls) > 1 else "a command is asked alone")
            for name, values, then in calls:
                self._ask(name, values, then)
        elif verb == "script":
            Deferred.fromCoroutine(self._script(*details))
        elif verb == "reply":
            self._reply(*details)
        elif verb == "event":
            self._say([self.answers.event(*details)])
        elif verb == "wait":
            self.reactor.wait(*details)
        elif verb == "cancel":
            self._cancel(*details)
        elif verb == "observe":
            self._observe(*details)
        elif verb == "start":
            if not self.link.running:
                self.link.startService()
        elif verb == "stop":
            if self.link.running:
                self.link.stopService().addBoth(lambda result: scene.see("stopped", repr(result)))
        elif verb == "settle down":
            self._settle_down()
        elif self.peers:
            self._do_to(verb, self.peers[-1], *details)

    def _do_to(self, verb: str, peer: Answering, *details: Any) -> None:
        """Do something to the newest session."""
        session, transport = peer.session, peer.transport
        if transport.lost:
            return
        self.scene.note(f"between chunks: {verb}")
        if verb == "appetite":
            (transport.appetite,) = details
        elif verb == "pause":
            session.pauseProducing()
        elif verb == "resume":
            session.resumeProducing()
        elif verb == "close":
            session.close("the program has enough")
        elif verb == "end input":
            transport.end_input()
        elif verb == "lose":
            transport.lose()

    def _observe(self, hooks: str) -> None:
        """Attach an observer, or detach it."""
        if self._detach is None:
            self._detach = self.link.observers.add(watcher(hooks, self.scene))
            self.scene.note("an observer is attached")
        else:
            self._detach()
            self._detach = None

    def _settle_down(self) -> None:
        """Let the peer read, and answer all."""
        for peer in self.peers:
            peer.transport.appetite = None
            peer.session.resumeProducing()
        self._reply(0, 0.0, 0.0, MOST_ROUNDS)

    # -- asking

    def _ask(self, name: str, values: Mapping[str, Any], then: str) -> None:
        number = len(self.asked)
        asked = getattr(self.proxy, name)(**values)
        self.asked.append(asked)
        asked.addBoth(self._settled, number, name, then)
        asked.addErrback(lambda failure: self.scene.see("the callback failed", number, str(failure.value)))

    def _settled(self, outcome: Any, number: int, name: str, then: str) -> None:
        """Note an outcome, and do what the callback of the command does."""
        scene = self.scene
        if isinstance(outcome, Failure):
            kind = type(outcome.value).__name__
            scene.see("failed", number, name, kind, outcome.getErrorMessage())
            scene.note(f"failed: {kind}")
        else:
            scene.see("done", number, name, repr(outcome))
            scene.note("done")
        if then:
            scene.note(f"a callback {then}")
            self._act(then, number)

    def _act(self, then: str, number: int) -> None:
        if then.startswith("asks") and len(self.asked) < MOST_ASKED:
            for times in range(3 if then == "asks three times" else 1):
                calls = self.script.kind.kind.calls
                name, values = calls[(number + times) % len(calls)]
                self._ask(name, values, "")
        elif then == "raises":
            raise ValueError("the callback is broken")
        elif then == "cancels another":
            self._cancel(number + 1)
        elif then == "stops the link" and self.link.running:
            self.link.stopService()
        elif self.peers and self.peers[-1].session.is_open:
            session = self.peers[-1].session
            if then == "closes the session":
                session.close("the callback has enough")
            elif then == "aborts the session":
                session.abort("the callback has enough")

    def _cancel(self, at: int) -> None:
        """Cancel a command that has no outcome yet, if there is one."""
        waiting = [each for each in self.asked if not each.called]
        if waiting:
            self.scene.note("a command is cancelled")
            waiting[at % len(waiting)].cancel()

    async def _script(self, calls: tuple[tuple[str, Mapping[str, Any], str], ...]) -> None:
        """Ask one command after the other, as a script does."""
        for name, values, _ in calls:
            try:
                self.scene.see("awaited", name, repr(await getattr(self.proxy, name)(**values)))
            except Exception as error:
                self.scene.see("awaited", name, type(error).__name__, str(error))
            self.scene.note("a script awaits")

    def _event_came(self, random: Random, value: int) -> None:
        self.scene.see("event", value)
        self.scene.note("an event comes")
        if not self.script.is_calm and random.random() < 0.05 and len(self.asked) < MOST_ASKED:
            self.scene.note("a subscriber asks")
            self._ask(*self.script.kind.kind.calls[0], "")

    # -- answering

    def _answer_heartbeats(self) -> bool:
        """Answer the heartbeats that wait. Return True if there were some."""
        found = False
        for peer in self.peers:
            peer.take()
            if b"PING" in peer.asked and not peer.transport.lost:
                peer.asked.remove(b"PING")
                peer.transport.arrive(self.answers.wire(b"PONG"))
                self.scene.note("a heartbeat is answered")
                found = True
        return found

    def _reply(self, seed: int, wrong: float, cut: float, rounds: int) -> None:
        """Answer commands that wait, as often as more are asked. With the seed 0, answer all."""
        random = Random(seed)
        for _ in range(rounds):
            self.reactor.settle()
            if not self.peers or self.peers[-1].transport.lost:
                return
            peer = self.peers[-1]
            peer.take()
            count = len(peer.asked)
            if seed and random.random() < 0.3:
                count = random.randrange(count + 1)
            if count or wrong:
                frames, peer.asked = peer.asked[:count], peer.asked[count:]
                self._say(self.answers.to(frames, random, wrong, has_events=bool(seed)), random, cut)
            if not count:
                return

    def _say(self, wires: list[bytes], random: Random | None = None, cut: float = 0.0) -> None:
        """Let bytes arrive at the host, in one chunk or cut anywhere."""
        data = b"".join(wires)
        if not data or not self.peers or self.peers[-1].transport.lost:
            return
        places: list[int] = []
        if random is not None and random.random() < cut:
            self.scene.note("replies come cut")
            places = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 2, 4))))
        pieces = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
        self.peers[-1].transport.arrive(*filter(None, pieces))


@lru_cache(maxsize=4)
def _drawn(seed: int) -> LinkScript:
    return draw_link(seed)


def play_link(seed: int, session_class: type[HostSession]) -> LinkPlay:
    """Run the link of a seed with sessions of a class."""
    made = LinkPlay(_drawn(seed), session_class)
    made.run()
    return made


def run_link(seed: int, general: bool) -> list[Outcome]:
    """Run the link of a seed. Return what was seen of each step."""
    return play_link(seed, GeneralSession if general else GENERATED).outcomes


def link_situations(seed: int) -> Counter[str]:
    """Return the number of situations of each kind in the link of a seed."""
    made = play_link(seed, GeneralSession)
    found = made.scene.happened
    lines = [line for outcome in made.outcomes for line in outcome.lines]
    for what, words in LOGGED_BY_LINKS.items():
        found[what] += sum(words in line for line in lines)
    found[f"kind: {made.script.kind.kind.name}"] += 1
    found["calm" if made.script.is_calm else "wild"] += 1
    return found
