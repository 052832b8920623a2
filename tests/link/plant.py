"""
A host and its equipment on a simulated network, and all that must be true of them whatever goes wrong.

The host sends numbered commands, the equipment applies each that it gets. Both are programs as users write
them, on real links; the plant watches from outside, as no program can.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tcpcomm.errors import NotReady, NotSent, OutcomeUnknown
from tcpcomm.link.link import Handshake, Link
from tcpcomm.link.policy import Backoff, Policy
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.testing.network.clock import Timer
from tcpcomm.testing.network.wire import Machine, Network

BEAT = Heartbeat(b"PING", b"PONG")
PORT = 9999

USABLE = (LinkState.READY, LinkState.SUSPECT)


@define
class Plant:
    """The state that both programs and the checks share."""

    network: Network
    random: Random
    policy: Policy
    host_dials: bool
    by_name: bool = False
    """Whether the other machine is known by its name only."""
    issued: int = 0
    emitted: int = 0
    applied: list[int] = field(factory=list)
    not_sent: set[int] = field(factory=set)
    answered: int = 0
    judged: int = 0
    misbehaving: bool = True
    """Whether the programs also cancel requests, and leave commands unanswered."""
    violations: list[str] = field(factory=list)

    def violated(self, what: str) -> None:
        self.violations.append(f"{self.network.clock.now:.6f}: {what}")

    def connecting(self, machine: Machine, other: Machine) -> Any:
        by_name = machine.connecting_by_name
        return by_name(other.name, PORT) if self.by_name else machine.connecting(other, PORT)

    def link(self, machine: Machine, other: Machine, *, dials: bool, **options: Any) -> Link:
        where: dict[str, Any] = (
            {"connect": self.connecting(machine, other)} if dials else {"listen": machine.listening(PORT)}
        )
        random = Random(self.random.random())
        return Link(
            **where, **options, heartbeat=BEAT, policy=self.policy, reactor=machine.clock, random=random
        )


class Host:
    """The host's program."""

    def __init__(self, plant: Plant, machine: Machine, equipment: Machine) -> None:
        self.plant = plant
        self.clock = machine.clock
        self.under_way: list[Deferred[bytes]] = []
        self.last_event = -1
        self.logins = 0
        self.link = plant.link(
            machine,
            equipment,
            dials=plant.host_dials,
            on_ready=[self.log_in, self.choose_recipe],
            received=self.event,
            is_event=lambda frame: frame.startswith(b"E"),
        )
        self.link.startService()
        self.next = self.clock.callLater(0.01, self.work)

    def stop(self) -> Deferred[None]:
        self.next.cancel()
        return self.link.stopService()

    async def log_in(self, handshake: Handshake) -> None:
        reply = await handshake.request(b"LOGIN", timeout=0.5)
        if reply != b"WELCOME":
            self.plant.violated(f"LOGIN was answered with {reply!r}")

    async def choose_recipe(self, handshake: Handshake) -> None:
        reply = await handshake.request(b"RECIPE", timeout=0.5)
        if reply != b"CHOSEN":
            self.plant.violated(f"RECIPE was answered with {reply!r}")

    def work(self) -> None:
        random = self.plant.random
        for _ in range(random.choice((1, 1, 1, 3))):
            self.command()
        if self.plant.misbehaving and self.under_way and random.random() < 0.03:
            random.choice(self.under_way).cancel()
        self.next = self.clock.callLater(random.expovariate(10.0), self.work)

    def command(self) -> None:
        plant = self.plant
        number, plant.issued = plant.issued, plant.issued + 1
        timeout = plant.random.choice((0.1, 0.2, 0.4)) if plant.misbehaving else 2.0
        result = self.link.request(b"C%d" % number, timeout=timeout)
        self.under_way.append(result)

        def settled(outcome: bytes | Failure) -> None:
            self.under_way.remove(result)
            if isinstance(outcome, bytes):
                plant.answered += 1
                if outcome != b"A%d" % number:
                    plant.violated(f"command {number} was answered with {outcome!r}")
                elif number not in plant.applied[-20:]:
                    plant.violated(f"command {number} was answered but not applied")
            elif outcome.check(NotSent):
                plant.not_sent.add(number)
                if outcome.check(NotReady) and self.link.state in USABLE:
                    plant.violated(f"{outcome.getErrorMessage()}, though it is")
            elif not outcome.check(OutcomeUnknown, CancelledError):
                plant.violated(f"command {number} failed with {outcome!r}")

        result.addBoth(settled)

    def event(self, frame: bytes) -> None:
        number = int(frame[1:]) if frame.startswith(b"E") else -1
        if number <= self.last_event:
            self.plant.violated(f"{frame!r} came as an event, after {self.last_event}")
        self.last_event = number


class Equipment:
    """The equipment's program."""

    def __init__(self, plant: Plant, machine: Machine, host: Machine) -> None:
        self.plant = plant
        self.clock = machine.clock
        self.steps: list[bytes] = []
        self.replies: deque[Timer] = deque(maxlen=20)
        self.stopped = False
        self.link = plant.link(machine, host, dials=not plant.host_dials, received=self.received)
        self.link.observe(self.state_changed)
        self.link.startService()
        self.next = self.clock.callLater(0.02, self.work)

    def stop(self) -> Deferred[None]:
        self.stopped = True
        self.next.cancel()
        for timer in self.replies:
            if timer.active():
                timer.cancel()
        return self.link.stopService()

    def state_changed(self, state: LinkState, reason: str) -> None:
        if state is LinkState.HANDSHAKING:
            self.steps = []

    def received(self, frame: bytes) -> Any:
        plant = self.plant
        if not frame.startswith(b"C"):
            self.steps.append(frame)
            return {b"LOGIN": b"WELCOME", b"RECIPE": b"CHOSEN"}[frame]
        number = int(frame[1:])
        if self.steps != [b"LOGIN", b"RECIPE"]:
            plant.violated(f"command {number} came after no more than {self.steps}")
        if plant.applied and number <= plant.applied[-1]:
            plant.violated(f"command {number} was applied after {plant.applied[-1]}")
        plant.applied.append(number)
        chance = plant.random.random()
        if plant.misbehaving and chance < 0.03:
            return None
        if chance < 0.8:
            return b"A%d" % number
        answer, wait = b"A%d" % number, plant.random.uniform(0.0, 0.15)
        return self.finish_all_the_same(wait, answer) if number % 2 else self.after(wait, answer)

    def after(self, wait: float, answer: bytes) -> Deferred[bytes]:
        """Return a Deferred that fires after so many seconds. The end of the session cancels it."""
        later: Deferred[bytes] = Deferred()
        self.replies.append(self.clock.callLater(wait, later.callback, answer))
        return later

    async def finish_all_the_same(self, wait: float, answer: bytes) -> bytes:
        """Answer after so many seconds, even if that is cancelled: a motion that has begun must end."""
        due = self.clock.seconds() + wait
        try:
            return await self.after(wait, answer)
        except CancelledError:
            if self.stopped:
                raise
            return await self.after(max(0.0, due - self.clock.seconds()), answer)

    def work(self) -> None:
        plant = self.plant
        try:
            self.link.send(b"E%d" % plant.emitted)
        except NotReady:
            if self.link.state in USABLE:
                plant.violated("an event was refused by a link that is ready")
        plant.emitted += 1
        self.next = self.clock.callLater(plant.random.expovariate(2.0), self.work)


POLICIES = (
    Policy(
        connect_timeout=0.08,
        handshake_timeout=1.0,
        backoff=Backoff(quick=0.02, quick_for=30.0, cap=2.0),
        heartbeats=Heartbeats(0.1, 0.3),
    ),
    Policy(
        connect_timeout=0.3,
        handshake_timeout=1.0,
        backoff=Backoff(quick=0.05, cap=1.0),
        heartbeats=Heartbeats(0.2, 0.5),
    ),
)
