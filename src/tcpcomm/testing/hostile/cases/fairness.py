"""Floods, and the time for which good peers wait beside them. Numbers 801 to 849."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic, sleep

from tcpcomm.testing.hostile.bystander import newcomer
from tcpcomm.testing.hostile.case import case
from tcpcomm.testing.hostile.connection import OPEN
from tcpcomm.testing.hostile.target import ANSWERED, BYSTANDER, CannotConnect, Target
from tcpcomm.testing.hostile.verdict import LENGTH_BASED, PLAIN, wrong

SECONDS = 2.0
_RIGHT = "the 99th percentile of a good peer is below a quarter of --within"


def _beside(target: Target, floods: int, block: Callable[[], bytes]) -> str:
    """Flood for two seconds, and measure a good peer with a session of its own."""
    stop = Event()
    data = block()
    threads = [Thread(target=_flood, args=(target, data, stop), daemon=True) for _ in range(floods)]
    for thread in threads:
        thread.start()
    sleep(0.2)
    try:
        delays = _measured(target)
    finally:
        stop.set()
        for thread in threads:
            thread.join(3.0)
    delays.sort()
    half, most = delays[len(delays) // 2], delays[min(len(delays) - 1, len(delays) * 99 // 100)]
    text = f"p50 {half * 1000:.1f} ms, p99 {most * 1000:.1f} ms, max {delays[-1] * 1000:.1f} ms"
    if most > target.options.within / 4:
        wrong(f"a good peer waited too long beside {floods} floods: {text}")
    return text


def _measured(target: Target) -> list[float]:
    delays = []
    role = BYSTANDER if len(target.options.keys) == 0 else 0
    with target.open(role=role) as peer:
        end = monotonic() + SECONDS
        while monotonic() < end:
            peer.received.clear()
            began = monotonic()
            outcome = target.ask(peer, within=4.0)
            if outcome != ANSWERED:
                wrong(f"a good peer was not answered beside floods: {outcome}")
            delays.append(monotonic() - began)
            sleep(0.005)
    return delays


def _flood(target: Target, data: bytes, stop: Event) -> None:
    while not stop.is_set():
        try:
            with target.open() as peer:
                while not stop.is_set() and peer.state is OPEN:
                    sent = 0
                    while sent < len(data) and not stop.is_set() and peer.state is OPEN:
                        sent += peer.send(data[sent:], within=0.02)
                        peer.receive(0.001)
                        peer.received.clear()
        except CannotConnect:
            sleep(0.05)


def _requests(target: Target) -> bytes:
    wire = target.request().wire
    return wire * max(1, 65536 // len(wire))


def _empties(target: Target) -> bytes:
    one = target.header(0) if target.kind in LENGTH_BASED else target.delimiter
    return one * max(1, 65536 // len(one))


@case(
    801, "a flood of requests", kinds=PLAIN, sends="one session of pipelined requests for 2 s", right=_RIGHT
)
def one_flood(target: Target) -> str:
    """Send requests without a pause on one session, and measure another peer."""
    return _beside(target, 1, lambda: _requests(target))


@case(
    802, "four floods of requests", kinds=PLAIN, sends="four sessions of pipelined requests", right=_RIGHT
)
def four_floods(target: Target) -> str:
    """Send requests without a pause on four sessions, and measure another peer."""
    return _beside(target, 4, lambda: _requests(target))


@case(
    803, "four floods of empty messages", kinds=PLAIN, sends="four sessions of empty messages", right=_RIGHT
)
def four_empty_floods(target: Target) -> str:
    """Send empty messages without a pause on four sessions, and measure another peer."""
    return _beside(target, 4, lambda: _empties(target))


@case(
    804, "two floods of large messages", kinds=PLAIN, sends="two sessions of large messages", right=_RIGHT
)
def large_floods(target: Target) -> str:
    """Send large messages without a pause on two sessions, and measure another peer."""
    size = min(target.options.limit // 2, 256 * 1024)

    def block() -> bytes:
        if target.kind in LENGTH_BASED:
            most = min(size, target.largest_length)
            return target.header(most) + b"x" * most
        return b"x" * size + target.delimiter

    return _beside(target, 2, block)


@case(805, "a flood of connections", sends="new connections without a pause for 2 s", right=_RIGHT)
def connection_flood(target: Target) -> str:
    """Connect and close without a pause, and measure another peer."""
    stop = Event()

    def connect() -> None:
        while not stop.is_set():
            try:
                target.connect(within=0.5).reset()
            except CannotConnect:
                sleep(0.01)
            sleep(0.001)

    thread = Thread(target=connect, daemon=True)
    thread.start()
    try:
        delays = sorted(_measured(target))
    finally:
        stop.set()
        thread.join(3.0)
    most = delays[min(len(delays) - 1, len(delays) * 99 // 100)]
    if most > target.options.within / 4:
        wrong(f"a good peer waited {most * 1000:.0f} ms beside a flood of connections")
    return f"p99 {most * 1000:.1f} ms"


@case(806, "newcomers beside a flood", kinds=PLAIN, sends="one flood; new good peers connect",
      right="each is served in time")  # fmt: skip
def newcomers(target: Target) -> str:
    """Flood one session, and let new peers connect one after the other."""
    stop = Event()
    thread = Thread(target=_flood, args=(target, _requests(target), stop), daemon=True)
    thread.start()
    worst, end = 0.0, monotonic() + SECONDS
    try:
        while monotonic() < end:
            problem, seconds = newcomer(target)
            if problem is not None:
                wrong(f"a new good peer is not served beside a flood: {problem}")
            worst = max(worst, seconds)
            sleep(0.02)
    finally:
        stop.set()
        thread.join(3.0)
    if worst > target.options.within:
        wrong(f"a new good peer waited {worst:.2f} s beside a flood")
    return f"at most {worst * 1000:.0f} ms"
