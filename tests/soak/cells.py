"""The cells of the soak: a host and its equipment, each a program as users write them, on two machines."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater

from tcpcomm import Equipment, Fault, Heartbeat, Heartbeats, Link, command, event, remote, serve
from tcpcomm.codec import U32, Binary, Codec, JsonRpc, Template
from tcpcomm.errors import NotReady
from tcpcomm.framing import Delimited, Framing, LengthPrefixed, Lines
from tcpcomm.host.host import link_of
from tcpcomm.link.link import Handshake
from tcpcomm.link.policy import Backoff, Policy
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.testing.network.wire import Machine, Network
from tests.soak.ledger import Ledger

__all__ = ["CELLS", "PORT", "Cell", "Host", "Mood"]

PORT: Final = 9999
TIMEOUT: Final = 1.0
FIRST_WAIT: Final = 5.0
BOUND: Final = 2 * TIMEOUT + FIRST_WAIT
"""A command waits for the first connection, then for its turn, then for its reply."""

KEY: Final = bytes(range(32))
POLICY: Final = Policy(
    connect_timeout=0.5,
    handshake_timeout=2.0,
    backoff=Backoff(quick=0.2, quick_for=10.0, cap=5.0),
    heartbeats=Heartbeats(4.0, 10.0),
    grace=2.0,
)
"""A day of heartbeats ten times a second costs too much, so those here are slower than ``lan``'s."""

QUIET: Final = evolve(POLICY, heartbeats=None)
BUSY, CALM, SILENT = 0.2, 600.0, 0.0


class Mood:
    """How the programs behave at the moment: the weather sets it."""

    def __init__(self) -> None:
        self.every = CALM
        """The mean virtual seconds between two commands of one host. 0: it sends none."""
        self.is_rude = False
        """True while hosts cancel, and equipment answers late, or never, or refuses."""


class Host:
    """A host's program: it sends numbered commands, each by ``send``, and notes their outcomes."""

    def __init__(self, cell: Cell, machine: Machine) -> None:
        self.cell, self.clock = cell, machine.clock
        self._asked: list[Deferred[Any]] = []
        self.send, self.stop_link, self.link = cell.start_host(machine)
        self._next: Any = None
        self.plan()

    def plan(self) -> None:
        """Plan the next command, as the mood is."""
        every = self.cell.mood.every
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._next = None
        if every:
            self._next = self.clock.callLater(self.cell.random.expovariate(1 / every), self._work)

    def _work(self) -> None:
        random = self.cell.random
        for _ in range(min(random.choice((1, 1, 1, 4)), self.cell.most_at_once - len(self._asked))):
            self.ask()
        if self.cell.mood.is_rude and self._asked and random.random() < 0.03:
            random.choice(self._asked).cancel()
        self.plan()

    def ask(self) -> None:
        ledger = self.cell.ledger
        number = ledger.ask(BOUND)
        result = self.send(number)
        self._asked.append(result)

        def settled(outcome: Any) -> None:
            self._asked.remove(result)
            ledger.settle(number, outcome)

        result.addBoth(settled)

    def stop(self) -> Deferred[Any]:
        if self._next is not None and self._next.active():
            self._next.cancel()
        stopped: Deferred[Any] = self.stop_link()
        return stopped


class Cell:
    """
    A host and its equipment, with a ledger.

    A subclass starts the two programs. Both start again after their machine was killed or had no power.
    """

    name: ClassVar[str]
    can_be_flooded: ClassVar[bool] = True
    """True if a stranger may connect to the listening machine: it serves many, or wants a key."""
    most_at_once: ClassVar[int] = 60
    """The most commands under way and waiting. Beyond 64, a link refuses them."""
    one_session: ClassVar[bool] = True
    """True if the equipment serves one session at a time."""

    def __init__(
        self, network: Network, random: Random, mood: Mood, violated: Callable[[str], None]
    ) -> None:
        self.network, self.random, self.mood = network, random, mood
        self.host, self.equipment = network.machine(f"{self.name}-host"), network.machine(self.name)
        self.hung: dict[str, float] = {}
        self.ledger = Ledger(
            self.name, network.clock.seconds, self.seconds_hung, violated, self.one_session
        )
        self.programs: dict[str, Any] = {}
        self.emitted = 0
        self.host.boot, self.equipment.boot = self._boot_host, self._boot_equipment
        self._boot_host(self.host)
        self._boot_equipment(self.equipment)

    def seconds_hung(self) -> float:
        """Return how many seconds the host's program has been suspended, up to now."""
        total = self.hung.get("total", 0.0)
        return total + (self.network.clock.now - self.hung["since"] if "since" in self.hung else 0.0)

    def note(self, what: str, where: str) -> None:
        """Take a note of the network: the host's program is suspended, resumed or ended."""
        if where != self.host.name:
            return
        now = self.network.clock.now
        if what == "hang":
            self.hung.setdefault("since", now)
        elif what in ("wake", "kill", "crash", "start") and "since" in self.hung:
            self.hung["total"] = self.hung.get("total", 0.0) + now - self.hung.pop("since")
        if what in ("kill", "crash"):
            self.ledger.host_ended()

    def machines(self) -> tuple[Machine, Machine]:
        return self.host, self.equipment

    @property
    def listener(self) -> Machine:
        """The machine that listens."""
        return self.equipment

    def _boot_host(self, machine: Machine) -> None:
        self.programs["host"] = Host(self, machine)

    def _boot_equipment(self, machine: Machine) -> None:
        self.programs["equipment"] = self.start_equipment(machine)

    def start_host(self, machine: Machine) -> tuple[Callable[[int], Deferred[Any]], Callable[[], Any], Any]:
        """Start the host's program. Return how it asks a command, how it stops, and its link."""
        raise NotImplementedError

    def start_equipment(self, machine: Machine) -> Any:
        """Start the equipment's program. Return an object with ``stop()`` and ``emit()``."""
        raise NotImplementedError

    # -- the equipment's work

    def carry_out(self, number: int, clock: Any) -> Any:
        """Carry out a command. Return its number, a Deferred, or a Fault to raise."""
        self.ledger.apply(number)
        chance = self.random.random()
        if not self.mood.is_rude or chance < 0.7:
            return number
        if chance < 0.75:
            return Fault(number % 100, "not now")
        if chance < 0.78:
            return deferLater(clock, 3 * TIMEOUT, lambda: number)  # far too late
        return deferLater(clock, self.random.uniform(0.0, 0.15), lambda: number)

    def next_event(self) -> int:
        number, self.emitted = self.emitted, self.emitted + 1
        return number


class Mover(Equipment):
    """Equipment that moves once for each command."""

    framing: ClassVar[Framing] = Delimited(b"\r\n", max_frame=200)
    codec: ClassVar[Codec] = Template(fault="NG,{code:d},{reason}")

    @command("MOV,{number}", reply="OK,{number}", timeout=TIMEOUT)
    async def move(self, number: int) -> int:
        """Move, and return the number of the command."""
        raise NotImplementedError

    @event("ALM,{number}")
    def alarm(self, number: int) -> None:
        """Something happened."""


class RpcMover(Equipment):
    """The same with ids, and with a heartbeat, by which the equipment notices a host without power."""

    framing = Delimited(b"\n", max_frame=400)
    codec = JsonRpc()
    heartbeat = "ping"

    @command()
    def ping(self) -> None:
        """Show that the program lives."""
        raise NotImplementedError

    @command(timeout=TIMEOUT)
    async def move(self, number: int) -> int:
        """Move, and return the number of the command."""
        raise NotImplementedError

    @event()
    def alarm(self, number: int) -> None:
        """Something happened."""


class BinaryMover(Equipment):
    """The same in bytes, with a heartbeat."""

    framing = LengthPrefixed(2, max_frame=200)
    codec = Binary()
    heartbeat = "ping"

    @command(1, timeout=TIMEOUT)
    async def move(self, number: U32) -> U32:
        """Move, and return the number of the command."""
        raise NotImplementedError

    @command(2)
    def ping(self) -> None:
        """Show that the program lives."""
        raise NotImplementedError

    @event(3)
    def alarm(self, number: U32) -> None:
        """Something happened."""


class _Bodies:
    cell: Cell
    clock: Any

    async def move(self, number: int) -> int:
        done = self.cell.carry_out(number, self.clock)
        if isinstance(done, Fault):
            raise done
        if isinstance(done, Deferred):
            return int(await done)
        return int(done)

    def ping(self) -> None:
        pass


_IMPLEMENTED: Final[dict[type[Equipment], type]] = {
    kind: type(f"My{kind.__name__}", (_Bodies, kind), {}) for kind in (Mover, RpcMover, BinaryMover)
}


class _Served:
    """A running service of a mover."""

    def __init__(self, cell: Cell, mover: Any, service: Any) -> None:
        self._cell, self._mover, self.service = cell, mover, service
        service.startService()

    def emit(self) -> None:
        self._mover.alarm(self._cell.next_event())

    def stop(self) -> Deferred[Any]:
        stopped = self.service.stopService()
        return succeed(None) if stopped is None else stopped


class Declared(Cell):
    """A cell with declared equipment and a proxy."""

    kind: ClassVar[type[Equipment]]
    equipment_dials: ClassVar[bool] = False
    with_keys: ClassVar[bool] = False
    policy: ClassVar[Policy] = POLICY
    by_name: ClassVar[bool] = False

    @property
    def listener(self) -> Machine:
        return self.host if self.equipment_dials else self.equipment

    def connecting(self, machine: Machine, other: Machine) -> Any:
        """Return an endpoint that connects to the other machine, by its name or its address."""
        if self.by_name:
            return machine.connecting_by_name(other.name, PORT)
        return machine.connecting(other, PORT)

    def _keys(self, own: str, peer: str) -> PreSharedKeys | None:
        return PreSharedKeys(own, {peer: KEY}) if self.with_keys else None

    def start_host(self, machine: Machine) -> Any:
        where: dict[str, Any] = (
            {"listen": machine.listening(PORT)}
            if self.equipment_dials
            else {"at": self.connecting(machine, self.equipment)}
        )
        proxy: Any = remote(
            self.kind,
            **where,
            policy=self.policy,
            keys=self._keys("host", "equipment"),
            reactor=machine.clock,
            random=Random(self.random.random()),
        )
        proxy.alarm.subscribe(self.ledger.event)
        link = link_of(proxy)
        return proxy.move, link.stopService, link

    def start_equipment(self, machine: Machine) -> Any:
        mover: Any = _IMPLEMENTED[self.kind]()
        mover.cell, mover.clock = self, machine.clock
        options: dict[str, Any] = {"reactor": machine.clock, "keys": self._keys("equipment", "host")}
        if self.equipment_dials:
            options |= {"connect": self.connecting(machine, self.host), "policy": self.policy}
        else:
            options |= {"at": machine.listening(PORT), "grace": self.policy.grace}
        return _Served(self, mover, serve(mover, **options))


class WithoutIds(Declared):
    """Lines without ids, and without heartbeats: only the commands show that the peer lives."""

    name = "camera"
    kind = Mover
    policy = QUIET
    by_name = True
    one_session = False


class WithIds(Declared):
    """JSON-RPC, over a connection that the equipment makes and proves with a key."""

    name = "robot"
    kind = RpcMover
    equipment_dials = True
    with_keys = True


class InBytes(Declared):
    """Bytes without ids, with a heartbeat that is a command, and with keys."""

    name = "drive"
    kind = BinaryMover
    with_keys = True


class Linked(Cell):
    """Two links that frame for themselves, with heartbeats, keys and a login."""

    name = "press"

    @property
    def listener(self) -> Machine:
        return self.host

    def start_host(self, machine: Machine) -> Any:
        link = Link(
            listen=machine.listening(PORT),
            framing=Lines(),
            heartbeat=Heartbeat(b"PING", b"PONG"),
            policy=POLICY,
            keys=PreSharedKeys("host", {"equipment": KEY}),
            on_ready=[self._log_in],
            received=self._event,
            is_event=lambda frame: frame.startswith(b"E"),
            reactor=machine.clock,
            random=Random(self.random.random()),
        )
        link.startService()

        def send(number: int) -> Deferred[Any]:
            return link.request(b"C%d" % number, timeout=TIMEOUT).addCallback(partial(self._number, b"A"))

        return send, link.stopService, link

    async def _log_in(self, handshake: Handshake) -> None:
        reply = await handshake.request(b"LOGIN", timeout=0.5)
        if reply != b"WELCOME":
            self.ledger.violated(f"LOGIN was answered with {reply!r}")

    def _number(self, letter: bytes, frame: bytes) -> Any:
        return int(frame[1:]) if frame.startswith(letter) else frame

    def _event(self, frame: bytes) -> None:
        self.ledger.event(self._number(b"E", frame))

    def start_equipment(self, machine: Machine) -> Any:
        link = Link(
            connect=machine.connecting_by_name(self.host.name, PORT),
            framing=Lines(),
            heartbeat=Heartbeat(b"PING", b"PONG"),
            policy=POLICY,
            keys=PreSharedKeys("equipment", {"host": KEY}),
            received=partial(self._received, machine.clock),
            reactor=machine.clock,
            random=Random(self.random.random()),
        )
        link.startService()
        return _Linked(self, link)

    def _received(self, clock: Any, frame: bytes) -> Any:
        if frame == b"LOGIN":
            return b"WELCOME"
        done = self.carry_out(self._number(b"C", frame), clock)
        if isinstance(done, Fault):
            return None  # this protocol has no faults: nothing is answered
        if isinstance(done, Deferred):
            return done.addCallback(lambda number: b"A%d" % number)
        return b"A%d" % done


class _Linked:
    """A running link of the equipment's."""

    def __init__(self, cell: Cell, link: Link) -> None:
        self._cell, self._link = cell, link

    def emit(self) -> None:
        with suppress(NotReady):
            self._link.send(b"E%d" % self._cell.next_event())

    def stop(self) -> Deferred[Any]:
        return self._link.stopService()


CELLS: Final[tuple[type[Cell], ...]] = (WithoutIds, WithIds, InBytes, Linked)
