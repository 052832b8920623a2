"""Run faults against a cluster with publishers and owners, and judge what came: :func:`run`."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from typing import Final

from attrs import define, field, frozen

from tests.system.brokers.guard import wait_for
from tests.system.brokers.rabbitmq import RabbitCluster, RabbitNode
from tests.system.cluster.cable import Cable
from tests.system.cluster.recorder import Recorder
from tests.system.programs import Program

__all__ = ["ALL_FAULTS", "RATE", "SHORT_FAULTS", "TICKTIME", "Outcome", "Row", "run"]

QUEUE: Final = "tcpcomm"
RATE: Final = 40.0
TICKTIME: Final = 8
HUNG_FOR: Final = 20.0
WITHIN: Final = 180.0
"""Seconds in which delivery must go on after a fault, on a busy machine."""


@frozen
class Row:
    """One fault, and what happened meanwhile."""

    fault: str
    posted: int
    acknowledged: int
    lost: int
    duplicates: int
    pause: float
    """The longest time in seconds without a delivery."""
    without_owner: float
    """The longest time in seconds in which no gateway used the link."""


@frozen
class Outcome:
    """The result of a run."""

    rows: Sequence[Row]
    violations: Sequence[str]
    stale_acts: int
    """The acts of a gateway on a link that another had gained."""


@define
class _Group:
    """All the lives of a program that is killed and started again."""

    start: Callable[[], Program]
    lives: list[Program] = field(factory=list)

    @property
    def now(self) -> Program:
        return self.lives[-1]

    def begin(self) -> None:
        self.lives.append(self.start())

    def times(self, kind: str) -> list[float]:
        return sorted(each.time for life in self.lives for each in life.events(kind))


class Proof:
    """The cluster, its cables, two publishers, two owners and the recorder."""

    def __init__(self, stack: ExitStack) -> None:
        self.cluster = stack.enter_context(RabbitCluster(3, ticktime=TICKTIME))
        self.cables = [Cable(node.port) for node in self.cluster.nodes]
        for cable in self.cables:
            stack.callback(cable.close)
        urls = [f"amqp://guest@127.0.0.1:{cable.port}" for cable in self.cables]
        self.publishers = [self._group(stack, f"publisher-{name}", name, urls) for name in "ab"]
        self.owners = [self._owner(stack, name, urls) for name in ("gateway-1", "gateway-2")]
        wait_for(lambda: all(self._is_delivering(each, 0) for each in self.publishers), WITHIN, self._why)
        self.recorder = Recorder(QUEUE, [node.port for node in self.cluster.nodes])
        stack.callback(self.recorder.stop)

    def _group(self, stack: ExitStack, title: str, name: str, urls: list[str]) -> _Group:
        path = str(self.cluster.folder / name)
        command = [sys.executable, "-m", "tests.system.cluster.publisher", path, str(RATE), *urls]
        return self._started(stack, title, command)

    def _owner(self, stack: ExitStack, name: str, urls: list[str]) -> _Group:
        return self._started(stack, name, [sys.executable, "-m", "tests.system.cluster.owner", name, *urls])

    def _started(self, stack: ExitStack, title: str, command: list[str]) -> _Group:
        group = _Group(lambda: stack.enter_context(Program(title, command)))
        group.begin()
        return group

    # -- what is seen

    def _why(self) -> str:
        states = [event.about for each in self.publishers for event in each.now.events("state")[-3:]]
        lines = [line for each in self.publishers for line in each.now.lines[-10:]]
        nodes = [node.last_output()[-300:] for node in self.cluster.nodes]
        return f"no delivery: {states} {lines} {nodes}"

    def _is_delivering(self, group: _Group, since: float) -> bool:
        return len(group.now.events("delivered", since=since)) >= 5

    def wait_for_delivery(self) -> None:
        """Wait until both publishers deliver, from now on, and somebody owns the link."""
        since = time.monotonic()
        wait_for(
            lambda: all(self._is_delivering(each, since) for each in self.publishers)
            and any(each.now.events("act", since=since) for each in self.owners),
            WITHIN,
            self._why,
        )

    def wait_for_health(self) -> None:
        """Wait until all nodes are up and have the queue."""
        for node in self.cluster.nodes:
            node.wait()

        def are_all_members_online() -> bool:
            try:
                found = self.cluster.nodes[0].ctl("list_queues", "name", "online")
            except AssertionError:  # a node that just started
                return False
            row = next((line for line in found.splitlines() if line.startswith(f"{QUEUE}\t")), "")
            return all(node.name in row for node in self.cluster.nodes)

        wait_for(are_all_members_online, WITHIN, lambda: "the nodes do not find each other again")

    def leader(self) -> RabbitNode:
        """Return the node that leads the queue."""
        found = self.cluster.nodes[0].ctl("list_queues", "name", "leader")
        row = next(line for line in found.splitlines() if line.startswith(f"{QUEUE}\t"))
        return next(node for node in self.cluster.nodes if node.name in row)

    def follower(self, which: int) -> RabbitNode:
        """Return a node that does not lead the queue."""
        leader = self.leader()
        return [node for node in self.cluster.nodes if node is not leader][which]

    def owner(self) -> _Group:
        """Return the program that owns the link."""
        return max(self.owners, key=lambda each: max(each.times("act"), default=0.0))

    def busiest(self) -> Cable:
        """Return the cable with the most connections."""
        return max(self.cables, key=lambda each: each.connections)

    # -- faults; each returns what heals it

    def kill(self, *nodes: RabbitNode) -> Callable[[], None]:
        """Kill nodes with SIGKILL."""
        for node in nodes:
            node.kill()

        def heal() -> None:
            for node in nodes:
                node.start()

        return heal

    def suspend(self, node: RabbitNode, seconds: float = HUNG_FOR) -> Callable[[], None]:
        """Stop a node with SIGSTOP. It goes on some seconds after delivery does."""
        node.suspend()
        return partial(_later, seconds, node.resume)

    def kill_program(self, group: _Group) -> Callable[[], None]:
        """Kill a program with SIGKILL, and start it again."""
        group.now.kill()
        group.begin()
        return _nothing

    def suspend_program(self, group: _Group) -> Callable[[], None]:
        """Stop a program with SIGSTOP for 20 s."""
        group.now.signal(signal.SIGSTOP)
        time.sleep(HUNG_FOR)
        group.now.signal(signal.SIGCONT)
        return _nothing

    def release(self, group: _Group) -> Callable[[], None]:
        """Let an owner release its links and end."""
        group.now.signal(signal.SIGUSR1)
        group.now.wait_for("lost", timeout=WITHIN)
        time.sleep(2)
        group.now.close()
        group.begin()
        return _nothing

    def fill_disk(self, node: RabbitNode) -> Callable[[], None]:
        """Let a node find its disk full for 12 s."""
        node.ctl("set_disk_free_limit", "900000GB")
        time.sleep(12)
        node.ctl("set_disk_free_limit", "1MB")
        return _nothing

    def pull(self, cable: Cable) -> Callable[[], None]:
        """Pull a cable for 20 s."""
        cable.pull()
        return partial(_later, HUNG_FOR, cable.plug)

    def cut(self, cable: Cable) -> Callable[[], None]:
        """Reset all connections of a cable."""
        cable.cut()
        return _nothing

    def power_cut(self) -> Callable[[], None]:
        """Kill all nodes and a publisher."""
        heal = self.kill(*self.cluster.nodes)
        self.kill_program(self.publishers[0])
        return heal


Fault = tuple[str, Callable[[Proof], Callable[[], None]]]

_KILL_LEADER: Final[Fault] = ("kill -9 of the leader", lambda proof: proof.kill(proof.leader()))
_HANG_LEADER: Final[Fault] = (
    "SIGSTOP of the leader for 20 s",
    lambda proof: proof.suspend(proof.leader()),
)
_KILL_PUBLISHER: Final[Fault] = (
    "kill -9 of a gateway",
    lambda proof: proof.kill_program(proof.publishers[0]),
)
_HANG_OWNER: Final[Fault] = (
    "SIGSTOP of the owner of a link for 20 s",
    lambda proof: proof.suspend_program(proof.owner()),
)
_KILL_OWNER: Final[Fault] = (
    "kill -9 of the owner of a link",
    lambda proof: proof.kill_program(proof.owner()),
)

SHORT_FAULTS: Final[Sequence[Fault]] = (
    _KILL_LEADER,
    ("SIGSTOP of the leader", lambda proof: proof.suspend(proof.leader(), 2.0)),
    _KILL_PUBLISHER,
)

ALL_FAULTS: Final[Sequence[Fault]] = (
    _KILL_LEADER,
    ("kill -9 of a follower", lambda proof: proof.kill(proof.follower(0))),
    ("kill -9 of the other follower", lambda proof: proof.kill(proof.follower(1))),
    _KILL_LEADER,
    _HANG_LEADER,
    ("SIGSTOP of a follower for 20 s", lambda proof: proof.suspend(proof.follower(0))),
    ("SIGSTOP of the other follower for 20 s", lambda proof: proof.suspend(proof.follower(1))),
    _HANG_LEADER,
    _KILL_PUBLISHER,
    ("kill -9 of the other gateway", lambda proof: proof.kill_program(proof.publishers[1])),
    ("SIGSTOP of a gateway for 20 s", lambda proof: proof.suspend_program(proof.publishers[0])),
    ("the disk of the leader is full for 12 s", lambda proof: proof.fill_disk(proof.leader())),
    ("the disk of a follower is full for 12 s", lambda proof: proof.fill_disk(proof.follower(0))),
    ("the cable to the node in use is pulled for 20 s", lambda proof: proof.pull(proof.busiest())),
    ("the cable to the node in use is pulled again", lambda proof: proof.pull(proof.busiest())),
    ("all connections to the node in use are reset", lambda proof: proof.cut(proof.busiest())),
    ("kill -9 of all nodes", lambda proof: proof.kill(*proof.cluster.nodes)),
    _KILL_OWNER,
    _HANG_OWNER,
    ("the owner of a link stops in an orderly way", lambda proof: proof.release(proof.owner())),
    ("kill -9 of all nodes and of a gateway", lambda proof: proof.power_cut()),
)


def run(faults: Iterable[Fault], progress: Callable[[str], None]) -> Outcome:
    """
    Let a cluster meet faults, one after the other, and judge.

    Args:
        faults: what happens.
        progress: is called with a line about each fault.
    """
    spans: list[tuple[str, float, float]] = []
    with ExitStack() as stack:
        proof = Proof(stack)
        for name, inject in faults:
            proof.wait_for_delivery()
            began = time.monotonic()
            heal = inject(proof)
            if name.startswith("kill -9 of all nodes"):
                heal()
                heal = _nothing
            proof.wait_for_delivery()
            heal()
            proof.wait_for_health()
            proof.wait_for_delivery()
            spans.append((name, began, time.monotonic()))
            progress(f"{name}: {spans[-1][2] - began:.0f} s")
        for group in proof.publishers:
            group.now.signal(signal.SIGUSR1)
        for group in proof.publishers:
            group.now.wait_for("drained", timeout=WITHIN)
        acknowledged = _ids(proof.publishers)
        try:
            wait_for(lambda: proof.recorder.has(acknowledged), 60, lambda: "not all came")
        except AssertionError:
            progress("not all acknowledged messages came")
        proof.recorder.stop()
        return _judge(proof, spans)


def _ids(publishers: Iterable[_Group]) -> set[str]:
    return {
        event.about["id"]
        for group in publishers
        for life in group.lives
        for event in life.events("acknowledged")
    }


def _judge(proof: Proof, spans: Sequence[tuple[str, float, float]]) -> Outcome:
    received = proof.recorder.received()
    counts = Counter(each.id for each in received)
    events = [
        event
        for group in proof.publishers
        for life in group.lives
        for event in life.events("posted", "acknowledged")
    ]
    acts = [group.times("act") for group in proof.owners]
    rows = []
    ends = [began for _, began, _ in spans[1:]] + [float("inf")]
    for number, ((name, began, ended), until) in enumerate(zip(spans, ends, strict=True)):
        since = began if number else 0.0  # what came before the first fault counts there
        here = [event for event in events if since <= event.time < until]
        found = [event.about["id"] for event in here if event.kind == "acknowledged"]
        rows.append(
            Row(
                fault=name,
                posted=sum(event.kind == "posted" for event in here),
                acknowledged=len(found),
                lost=sum(each not in counts for each in found),
                duplicates=sum(counts[each] - 1 for each in found if each in counts),
                pause=max(_longest(group.times("delivered"), began, ended) for group in proof.publishers),
                without_owner=_longest(sorted(acts[0] + acts[1]), began, ended),
            )
        )
    return Outcome(rows, _violations(proof, counts), _stale_acts(proof.owners))


def _violations(proof: Proof, counts: Mapping[str, int]) -> list[str]:
    """Return the promises that were broken, in words."""
    found = []
    lost = _ids(proof.publishers) - counts.keys()
    if lost:
        found.append(f"{len(lost)} acknowledged messages are lost, such as {sorted(lost)[:3]}")
    lives = [life for group in proof.publishers for life in group.lives]
    refused = [event for life in lives for event in life.events("refused")]
    if refused:
        found.append(f"an outbox refused {len(refused)} messages: {refused[0].about}")
    aside = [event for life in lives for event in life.events("state") if event.about["aside"]]
    if aside:
        found.append(f"messages were set aside: {aside[0].about}")
    whats: dict[str, tuple[str, tuple[int, int]]] = {}
    ids: dict[tuple[str, tuple[int, int]], str] = {}
    last: dict[str, tuple[int, int]] = {}
    for each in proof.recorder.received():
        what = (each.source, each.place)
        if whats.setdefault(each.id, what) != what:
            found.append(f"two messages have the id {each.id}")
        is_first = what not in ids
        if ids.setdefault(what, each.id) != each.id:
            found.append(f"one message has the ids {each.id} and {ids[what]}")
        if is_first:
            if each.place < last.get(each.source, (0, 0)):
                found.append(f"{each.source}: {each.place} came after {last[each.source]}")
            last[each.source] = each.place
    return found


def _stale_acts(owners: Sequence[_Group]) -> int:
    """Return the acts of gateways on a link after another had gained it."""
    gained = [(at, number, True) for number, group in enumerate(owners) for at in group.times("gained")]
    acts = [(at, number, False) for number, group in enumerate(owners) for at in group.times("act")]
    owner = -1
    stale = 0
    for _, number, is_gain in sorted(gained + acts):
        if is_gain:
            owner = number
        elif number != owner:
            stale += 1
    return stale


def _longest(times: Sequence[float], began: float, ended: float) -> float:
    """Return the longest time between two events, of which the later one is in the span."""
    gaps = [later - earlier for earlier, later in pairwise(times) if began <= later <= ended]
    return max(gaps, default=ended - began)


def _later(seconds: float, do: Callable[[], None]) -> None:
    time.sleep(seconds)
    do()


def _nothing() -> None:
    """Nothing is left to heal."""
