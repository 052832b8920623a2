"""Targets with a session: bytes into what is served, and bytes into a host's link, by a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any, Final

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import Fault, FrameFactory, FrameProtocol, Limits, remote
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import NotSent, OutcomeUnknown
from tcpcomm.framing import Lines, parse_framing
from tcpcomm.framing.autodetect import AutoDetect
from tcpcomm.host.host import link_of
from tcpcomm.link.policy import PROFILES, Backoff
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.server.echo import EchoFactory, EchoProtocol
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.testing import Network
from tcpcomm.testing.logged_errors import logged_errors
from tests.fuzz.gauges import DECLARED, PASSWORD, served
from tests.fuzz.source import Source, Target, cut, require
from tests.fuzz.stateless import KEY
from tests.session.stage import Stage

__all__ = ["TARGETS"]

LIMITS: Final = Limits(idle=20.0, unread_pause=2_000, unread_abort=8_000, awaited=4)
"""Limits that short inputs can reach."""

MAX_FRAME: Final = 300
CALM: Final = evolve(PROFILES["lan"], heartbeats=None, backoff=Backoff(quick=0.5, cap=2.0))
"""The policy of a host: few attempts to connect, because each costs time."""

ENDED_WITHIN: Final = 3600.0
"""Virtual seconds in which a session with a silent peer has ended. Before, it does what it was asked."""

# -- what is served


class Repeater(FrameProtocol):
    """Sends each frame back: an empty one, too."""

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(frame)


class Echo(EchoProtocol):
    """The echo server without the commands whose replies depend on the time and on the chunks."""

    command_TIME = command_STATUS = None  # type: ignore[assignment]


def _repeater(framing: str, clock: Any, **options: Any) -> FrameFactory:
    return FrameFactory(Repeater, framing=parse_framing(framing), limits=LIMITS, clock=clock, **options)


def _gauge(kind: type[Equipment], clock: Any) -> FrameFactory:
    return EquipmentFactory(served(kind, clock), limits=LIMITS, clock=clock)


SERVED: Final[tuple[Callable[[Any], FrameFactory], ...]] = (
    lambda clock: EchoFactory(Echo, framing=AutoDetect(max_frame=MAX_FRAME), limits=LIMITS, clock=clock),
    lambda clock: EchoFactory(Echo, framing=Lines(max_frame=MAX_FRAME), limits=LIMITS, clock=clock),
    partial(_repeater, r"delimited:\r\n|;,max=300"),
    partial(_repeater, "length:2,max=300"),
    partial(_repeater, "stx-etx,bcc=xor,max=300"),
    partial(_repeater, "slip,max=300"),
    partial(
        _repeater,
        "lines,max=300",
        heartbeat=Heartbeat(b"PING", b"PONG"),
        heartbeats=Heartbeats(1.0, 3.0),
    ),
    partial(_repeater, "lines,max=300", keys=PreSharedKeys("camera", {"robot": KEY})),
    *(partial(_gauge, kind) for kind in DECLARED),
)


class Served(Stage):
    """A stage with one session of a factory."""

    def __init__(self, make: Callable[[Any], FrameFactory]) -> None:
        super().__init__(factory=lambda _, clock: make(clock))
        self.connect()

    def check_memory(self, most: int) -> None:
        """Check that the session keeps no more than its limits say, and the chunk that came last."""
        for session in self.factory.sessions:
            buffered, unsent = session._decoder.buffered, session.unsent
            require(buffered <= 2 * MAX_FRAME, f"{buffered} bytes of one frame are kept")
            require(unsent <= LIMITS.unread_abort + 12 * most, f"{unsent} bytes wait to be sent")

    def end(self) -> None:
        """Let the peer be silent, and check that the session ends and leaves nothing."""
        self.wait(ENDED_WITHIN)
        require(self.transport.lost, "the session outlives its limits")
        require(not self.factory.sessions, "the factory still counts the session")
        left = self.clock.getDelayedCalls()
        require(not left, f"timers are left: {left}")


def run_served(data: bytes) -> None:
    """Do to a served session what the input says, or compare what it answers to a stream in chunks."""
    source = Source(data)
    selected = source.number()
    make = SERVED[selected % 128 % len(SERVED)]
    with logged_errors() as errors:
        if selected >= 128:
            compare(make, source.number(), source.rest())
        else:
            disturb(Served(make), source)
    require(not errors, f"errors were logged: {errors}")


def disturb(stage: Served, source: Source) -> None:
    """Send chunks, wait, read slowly, flood, or end the input, as the source says."""
    transport = stage.transport
    most = 0
    while not source.is_empty and not transport.lost:
        how, argument = source.number() % 8, source.number()
        if how < 4:
            chunks = [source.take(argument)]
        elif how == 4:
            chunks = cut(source.take(argument), argument)
        elif how == 5:
            stage.wait(argument / 20)
            continue
        elif how == 6:
            transport.appetite = (None, 0, 50, 1000)[argument % 4]
            stage.settle()
            continue
        elif argument < 32:
            transport.end_input()
            stage.settle()
            continue
        else:
            chunks = [source.take(16) * argument]
        stage.receive(*filter(None, chunks))
        most = max(most, *map(len, chunks), 0)
        stage.check_memory(most)
    stage.end()


def compare(make: Callable[[Any], FrameFactory], seed: int, stream: bytes) -> None:
    """
    Check that a session answers a stream with the same bytes, however it is cut.

    A fault that ends the session drops the replies of handlers that have not finished. Their number depends
    on the cuts, so then one answer may be the beginning of the other.
    """
    answers = []
    for chunks in ([stream] if stream else [], cut(stream, seed)):
        stage = Served(make)
        stage.receive(*chunks)
        stage.wait(3.0)
        answers.append(bytes(stage.transport.received))
        stage.end()
    if isinstance(stage.session, FrameProtocol):  # a proof begins with random bytes
        shorter, longer = sorted(answers, key=len)
        is_broken = (stage.session.reason or "").startswith("the framing was broken")
        same = longer.startswith(shorter) if is_broken else shorter == longer
        require(same, f"chunks change the answer: {answers}")


REQUESTS: Final = (
    b"hello\r\nPING\r\nECHO x\r\nWHO\r\nHELP\r\nQUIT\r\n",
    b"PING\nPONG\n\n",
    b"\x00\x05hello\x00\x00",
    b"\x02hello\x03\x61",
    b"\xc0hel\xdb\xdclo\xc0",
    b"LVL,7\r\nSET,3\r\nLVL,200\r\nNAM,a,b\r\nZERO\r\nLVL,x\r\n",
    PASSWORD.encode() + b"\r\nLVL,7\r\nSET,3\r\n",
    b"\x00\x02\x01\x07\x00\x02\x02\x03\x00\x03\x03\x01a\x00\x01\x04",
    b'{"jsonrpc":"2.0","method":"measure","params":{"tank":7},"id":1}\n'
    b'[{"jsonrpc":"2.0","method":"settle","params":[3],"id":2},{"jsonrpc":"2.0","method":"zero"}]\n',
    b'{"command":"measure","tank":7}\n{"command":"settle","tank":3}\n',
    b'{"command":"rename","params":{"text":"a"},"id":5}\n',
    b"RENAME a b\nZERO\nDANCE\n",
)


def seeds_of_served() -> Iterator[bytes]:
    for number in range(len(SERVED)):
        for request in REQUESTS:
            yield bytes((128 + number, 1)) + request
            for chunk in (request[:200],):
                yield bytes((number, 0, len(chunk))) + chunk + bytes((5, 9, 7, 0))
                yield bytes((number, 6, 1, 4, len(chunk))) + chunk + bytes((7, 200)) + chunk[:16]


# -- a host's link


class Answering(Protocol):
    """Equipment that answers each chunk that arrives with the next piece of the input."""

    factory: Any

    def connectionMade(self) -> None:
        self.say()

    def dataReceived(self, data: bytes) -> None:
        self.say()

    def say(self) -> None:
        source: Source = self.factory.source
        how = source.number()
        assert self.transport is not None
        if how == 255:
            self.transport.loseConnection()
        elif how:
            self.transport.write(source.take(how))


def run_host(data: bytes) -> None:
    """Let a host ask commands of equipment that answers with the input."""
    source = Source(data)
    kind = source.choice(DECLARED)
    network = Network(1, cuts=0.0 if source.number() % 2 else 0.5)
    robot, gauge = network.machine("robot"), network.machine("gauge")
    factory = Factory.forProtocol(Answering)
    factory.noisy = False
    factory.source = source  # type: ignore[attr-defined]
    gauge.listening(9999).listen(factory)
    asked: list[Deferred[Any]] = []
    outcomes: list[object] = []
    with logged_errors() as errors:
        proxy: Any = remote(
            kind,
            at=robot.connecting(gauge, 9999),
            policy=CALM,
            credentials={"password": PASSWORD} if declaration_of(kind).login else None,
            limits=LIMITS,
            reactor=robot.clock,
            random=Random(1),
        )
        for number in range(3):
            for result in ask(proxy, kind, number):
                result.addBoth(outcomes.append)
                asked.append(result)
            network.advance(0.3)
        network.advance(8.0)  # the first connection may take 5 s, and a reply 1 s
        require(len(asked) == len(outcomes), f"{len(asked) - len(outcomes)} commands have no outcome")
        link_of(proxy).stopService()
        network.advance(10.0)
    require(not errors, f"errors were logged: {errors}")
    left = [*robot.timers, *robot.sockets, *robot.attempts]
    require(not left, f"the host leaves {left}")
    for outcome in outcomes:
        error = getattr(outcome, "value", None)
        is_known = error is None or isinstance(error, Fault | NotSent | OutcomeUnknown)
        require(is_known, f"a command failed with {outcome!r}")


def ask(proxy: Any, kind: type[Equipment], number: int) -> Iterator[Deferred[Any]]:
    """Ask the commands that this gauge has."""
    for name, values in (("measure", (number,)), ("settle", (number,)), ("rename", ("a",)), ("zero", ())):
        if name in declaration_of(kind).commands:
            result: Any = getattr(proxy, name)(*values)
            yield result


ANSWERS: Final = (
    b"LVL 0.00\r\n",
    b"SET 1.00\r\n",
    b"NAM,a\r\n",
    b"NG,3,no such tank\r\n",
    b"FULL,3\r\n",
    b"Welcome\r\nPassword:\r\n",
    b"Logged in\r\n",
    b"\x00\x05\x01\x00\x00\x00\x00",
    b"\x00\x03\x03\x01a",
    b"\x00\x02\x05\x07",
    b'{"jsonrpc":"2.0","result":0.0,"id":1}\n',
    b'{"jsonrpc":"2.0","error":{"code":3,"message":"no"},"id":2}\n',
    b'{"jsonrpc":"2.0","method":"full","params":{"tank":3}}\n',
    b'{"result":0.5}\n',
    b'{"result":0.5,"id":1}\n',
    b'{"event":"full","tank":3}\n',
    b'{"error":3}\n',
    b"OK a\nOK\nFULL 3\n",
)


def seeds_of_host() -> Iterator[bytes]:
    for number in range(len(DECLARED)):
        for first in ANSWERS:
            for second in (b"", ANSWERS[number], first):
                yield bytes((number, 1, len(first))) + first + bytes((len(second),)) + second
        everything = b"".join(bytes((len(each),)) + each for each in ANSWERS)
        yield bytes((number, 0)) + everything
        yield bytes((number, 0, 0)) + everything


TARGETS: Final = (
    Target("served", "Bytes into sessions that are served", run_served, seeds_of_served),
    Target("host", "Bytes from equipment into a host's link", run_host, seeds_of_host),
)
