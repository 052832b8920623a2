"""Turns: no session keeps the others waiting, and what waits is handled once, in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone

from tcpcomm import FramingError, Limits
from tcpcomm.framing import Delimited, Unframed
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.receive_queue import LOOK_EVERY
from tcpcomm.session.turns import (
    FIRST_BITE,
    LARGEST_BITE,
    MOST_FRAMES,
    PASS_SECONDS,
    SLICE_SECONDS,
    UNQUEUED_SECONDS,
    Turns,
    next_size,
)
from tests.session.stage import BatchSpy, Fault, Lost, ReactorClock, Spy, Stage, staged

LINES = Delimited(b";", max_frame=16)


# -- the queue alone ---------------------------------------------------------------------------------------


@define(eq=False)
class Worker:
    """Something with so many slices of work, each of which takes some seconds."""

    name: int
    work: int
    seconds: float
    clock: ReactorClock
    turns: Turns
    all: list[Worker]
    waits: bool = field(default=False, init=False)
    overtaken: Counter[int] = field(factory=Counter, init=False)
    """The turns of each other worker since this one waits."""
    slices: list[int] = field(factory=list, init=False)
    """The slices of each turn."""

    def join(self) -> None:
        if self.work:
            self.waits = True
            self.overtaken.clear()
            self.turns.join(self)

    def take_turn(self) -> None:
        self.waits = False
        for other in self.all:
            if other.waits:
                other.overtaken[self.name] += 1
                assert other.overtaken[self.name] == 1
        ends = self.clock.seconds() + self.turns.allowed_seconds
        self.slices.append(0)
        while self.work:
            self.work -= 1
            self.slices[-1] += 1
            self.clock.rightNow += self.seconds
            if self.clock.seconds() >= ends:
                break
        self.join()


def workers(turns: Turns, clock: ReactorClock, *works: tuple[int, float]) -> list[Worker]:
    """Return workers, each with so many slices of so many seconds."""
    made: list[Worker] = []
    made += [Worker(number, *work, clock, turns, made) for number, work in enumerate(works)]
    return made


@given(
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from([0.0001, 0.001, 0.003, 0.02])), max_size=8),
    st.integers(0, 5),
)
def test_between_two_turns_of_one_every_other_that_waits_has_one(
    works: list[tuple[int, float]], later: int
) -> None:
    clock = ReactorClock()
    made = workers(Turns(clock), clock, *works)
    for each in made[later:]:
        each.join()
    clock.turn()
    for each in made[:later]:
        each.join()
    passes = 0
    while clock.turn():
        passes += 1
        assert passes <= sum(work for work, _ in works)
    assert [work for work, _ in works] == [sum(each.slices) for each in made]


def test_a_pass_ends_when_its_time_is_over() -> None:
    clock = ReactorClock()
    made = workers(Turns(clock), clock, *[(3, PASS_SECONDS / 2)] * 20)
    for each in made:
        each.join()
    clock.turn()
    assert [0, 1] == [each.name for each in made if each.slices]
    clock.turn()
    assert [0, 1, 2, 3] == [each.name for each in made if each.slices]


def test_one_that_waits_alone_works_for_a_whole_pass() -> None:
    clock = ReactorClock()
    (alone,) = workers(Turns(clock), clock, (100, PASS_SECONDS / 20))
    alone.join()
    clock.turn()
    assert 19 <= alone.slices[0] <= 21


def test_a_session_that_is_over_gets_no_turn() -> None:
    clock = ReactorClock()
    turns = Turns(clock)
    one, other = workers(turns, clock, (1, 0.0), (1, 0.0))
    one.join()
    other.join()
    turns.leave(one)
    turns.leave(one)
    clock.turn()
    assert ([], [1], False) == (one.slices, other.slices, turns.is_busy)


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.floats(0, 10))
def test_slices_shrink_when_they_take_long_and_grow_when_they_are_quick(
    size: int, done: int, seconds: float
) -> None:
    done = min(size, done)
    found = next_size(size, done, seconds, 1, 10_000)
    assert 1 <= found <= 10_000
    if seconds > SLICE_SECONDS:
        assert found <= size
    elif found != size:
        assert (2 * size, size) == (found if found < 10_000 else 2 * size, done)


# -- sessions ----------------------------------------------------------------------------------------------


def beside(stage: Stage, protocol: Any = Spy, **options: Any) -> Stage:
    """Return the stage of another session in the same reactor."""
    other = Stage(protocol, **options)
    other.clock = other.factory.clock = stage.clock
    return other.connect()


def slow(stage: Stage, seconds: float) -> None:
    """Let each frame of a stage's session take some seconds."""

    def handle(frame: bytes) -> None:
        stage.clock.rightNow += seconds
        stage.session.sendFrame(frame)

    stage.session.on_frame = handle


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def joined(frames: list[bytes]) -> bytes:
    return b"".join(frame + b";" for frame in frames)


def test_a_flood_is_handled_in_turns_between_which_others_are_served() -> None:
    flood = staged(framing=LINES)
    bystander = beside(flood, framing=LINES)
    slow(flood, 0.0005)
    frames = numbered(1000)
    flood.transport.arrive(joined(frames))
    began = flood.clock.seconds()
    flood.transport.turn()
    longest = flood.clock.seconds() - began
    served_at = []
    while flood.clock.getDelayedCalls() and len(flood.session.seen) < len(frames):
        began = flood.clock.seconds()
        bystander.transport.arrive(b"PING;")
        flood.turn()
        bystander.transport.turn()
        longest = max(longest, flood.clock.seconds() - began)
        served_at.append(len(flood.session.seen))
    assert frames == flood.session.seen
    assert len(bystander.session.seen) == len(served_at) > 50
    assert longest < 2 * PASS_SECONDS


def test_each_turn_of_a_flood_answers_in_one_write() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    frames = numbered(100)
    stage.receive(joined(frames))
    writes = stage.transport.sent()
    assert joined(frames) == b"".join(writes)
    assert len(writes) < 15


def test_a_session_stops_reading_while_its_data_waits() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    stage.transport.arrive(joined(numbered(100)), b"last;")
    stage.transport.turn()
    assert (False, True) == (stage.transport.reading, stage.session.has_backlog)
    stage.settle()
    assert (True, False) == (stage.transport.reading, stage.session.has_backlog)
    assert b"last" == stage.session.seen[-1]


def test_a_short_message_beside_floods_is_handled_at_once() -> None:
    flood = staged(framing=LINES)
    slow(flood, 0.0005)
    bystander = beside(flood, framing=LINES)
    flood.transport.arrive(joined(numbered(100)))
    flood.transport.turn()
    bystander.transport.arrive(b"PING;")
    bystander.transport.turn()
    assert [b"PING"] == bystander.session.seen


def test_a_long_chunk_beside_a_flood_is_not_even_decoded_before_its_turn() -> None:
    flood = staged(framing=LINES)
    slow(flood, 0.0005)
    other = beside(flood, framing=LINES)
    flood.transport.arrive(joined(numbered(100)))
    flood.transport.turn()
    frames = numbered(2000)
    other.transport.arrive(joined(frames))
    other.transport.turn()
    assert [] == other.session.seen
    while flood.turn() or other.turn():
        pass
    assert frames == other.session.seen


def test_batches_are_slices_too() -> None:
    stage = staged(BatchSpy, framing=LINES)
    frames = numbered(1000)
    stage.receive(joined(frames))
    assert frames == [frame for batch in stage.session.seen for frame in batch]
    assert max(map(len, stage.session.seen)) <= 64


def test_slices_grow_again_after_one_that_took_long() -> None:
    stage = staged(BatchSpy, framing=LINES)
    take = stage.session.framesReceived

    def hiccup(frames: list[bytes]) -> None:
        if not stage.session.seen:
            stage.clock.rightNow += 1.0
        take(frames)

    stage.session.framesReceived = hiccup
    for _ in range(10):
        stage.receive(joined(numbered(100)))
    assert max(map(len, stage.session.seen)) == MOST_FRAMES


def test_frames_that_become_slow_stop_their_slice() -> None:
    stage = staged(framing=LINES)
    for _ in range(10):
        stage.receive(joined(numbered(100)))  # quickly, so the slices have grown
    slow(stage, 0.01)
    stage.session.seen.clear()
    stage.transport.arrive(joined(numbered(200)))
    stage.transport.turn()
    assert len(stage.session.seen) <= LOOK_EVERY
    stage.settle()
    assert numbered(200) == stage.session.seen


def test_faults_are_handled_in_turns_each_once() -> None:
    stage = staged(framing=LINES)
    bystander = beside(stage, framing=LINES)

    def count(_: FramingError) -> None:
        stage.clock.rightNow += 0.001

    stage.session.on_fault = count
    stage.transport.arrive(b"x" * 17 + b";" + (b"y" * 17 + b";a;") * 50)
    turns = 0
    while stage.transport.turn() or stage.clock.turn():
        turns += 1
        bystander.transport.arrive(b"PING;")
        bystander.transport.turn()
    faults = [each for each in stage.session.seen if isinstance(each, Fault)]
    assert (51, 50) == (len(faults), stage.session.seen.count(b"a"))
    assert turns > 5


def test_the_end_of_the_input_comes_after_all_that_waits() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    frames = numbered(200)
    stage.transport.arrive(joined(frames))
    stage.transport.turn()
    stage.session.readConnectionLost()
    stage.settle()
    assert [*frames, "input ended"] == stage.session.seen[: len(frames) + 1]
    assert joined(frames) == bytes(stage.transport.received)


def test_a_clean_loss_comes_after_all_that_waits() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    frames = numbered(200)
    stage.transport.arrive(joined(frames))
    stage.transport.turn()
    stage.transport.break_off(ConnectionDone())
    assert len(stage.session.seen) < len(frames)
    while stage.clock.turn():
        pass
    assert frames == stage.session.seen[: len(frames)]
    assert [Lost] == [type(each) for each in stage.session.seen[len(frames) :]]
    assert set() == stage.factory.sessions


def test_a_close_while_data_waits_drops_it() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    stage.transport.arrive(joined(numbered(200)))
    stage.transport.turn()
    seen = len(stage.session.seen)
    stage.session.close()
    stage.settle()
    assert [Lost("closed here")] == stage.session.seen[seen:]
    assert [] == stage.clock.getDelayedCalls()


def test_an_abort_while_data_waits_after_a_clean_loss_ends_the_session() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    stage.transport.arrive(joined(numbered(200)))
    stage.transport.turn()
    stage.transport.break_off(ConnectionDone())
    seen = len(stage.session.seen)
    stage.transport.lost = False
    stage.session.abort()
    while stage.clock.turn():
        pass
    assert [Lost("aborted here")] == stage.session.seen[seen:]
    assert set() == stage.factory.sessions


def test_a_pause_while_data_waits_holds_it_back() -> None:
    stage = staged(framing=LINES)
    slow(stage, 0.0005)
    frames = numbered(200)
    stage.transport.arrive(joined(frames))
    stage.transport.turn()
    seen = len(stage.session.seen)
    stage.session.pauseProducing()
    stage.settle()
    assert seen == len(stage.session.seen)
    stage.session.resumeProducing()
    stage.settle()
    assert frames == stage.session.seen


def test_own_work_is_not_the_silence_of_the_peer() -> None:
    stage = staged(framing=LINES, heartbeats=Heartbeats(0.1, 0.3), limits=Limits(partial=0.2, idle=0.3))
    slow(stage, 0.005)
    frames = numbered(400)
    stage.transport.arrive(joined(frames) + b"half")
    stage.settle()
    assert frames == stage.session.seen


def test_chunks_that_end_frames_are_not_cut() -> None:
    stage = staged(framing=Unframed(max_frame=1024 * 1024))
    stage.receive(b"x" * 60_000)
    assert [b"x" * 60_000] == stage.session.seen


def test_long_chunks_are_decoded_in_growing_bites() -> None:
    stage = staged(framing=Delimited(b";", max_frame=1024 * 1024))
    long = b"x" * (LARGEST_BITE - 10)
    for _ in range(4):
        stage.receive(long + b";b;")
    assert [long, b"b"] * 4 == stage.session.seen
    assert FIRST_BITE < LARGEST_BITE


class CountingDecoder:
    """A decoder that keeps the sizes of what it decodes at once."""

    def __init__(self, decoder: Any, sizes: list[int]) -> None:
        self._decoder = decoder
        self._sizes = sizes

    def feed(self, data: bytes) -> Any:
        self._sizes.append(len(data))
        return self._decoder.feed(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)


def test_no_more_than_64_kib_are_decoded_at_once() -> None:
    sizes: list[int] = []

    class Counting(Delimited):
        def decoder(self) -> Any:
            return CountingDecoder(super().decoder(), sizes)

    stage = staged(framing=Counting(b";", max_frame=1024 * 1024))
    stage.receive(b"x" * 1_000_000 + b";")
    assert [b"x" * 1_000_000] == stage.session.seen
    assert (FIRST_BITE, LARGEST_BITE) == (sizes[0], max(sizes))


def test_a_session_that_nobody_waits_for_works_for_two_milliseconds_and_then_waits() -> None:
    stage = staged(framing=LINES)
    took = SLICE_SECONDS / 20
    slow(stage, took)
    stage.transport.arrive(joined(numbered(1000)))
    began = stage.clock.seconds()
    stage.transport.turn()
    worked = stage.clock.seconds() - began
    assert UNQUEUED_SECONDS <= worked < UNQUEUED_SECONDS + 64 * took
    assert stage.session.waits_turn


@given(data=st.data())
def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order(data: st.DataObject) -> None:
    stages = [staged(framing=LINES)]
    stages += [beside(stages[0], framing=LINES) for _ in range(data.draw(st.integers(0, 3), "others"))]
    sent = []
    for stage in stages:
        frames = numbered(data.draw(st.integers(0, 300), "frames"))
        sent.append(frames)
        slow_for = data.draw(st.sampled_from([0.0, 0.00002, 0.0005, 0.003]), "seconds")
        pauses = data.draw(st.sets(st.integers(0, 300), max_size=3), "pauses")
        slow(stage, slow_for)
        pausing(stage, pauses)
        stream, cuts = joined(frames), data.draw(st.lists(st.integers(0, 1500), max_size=4), "cuts")
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
            if stream[start:end]:
                stage.transport.arrive(stream[start:end])
        if data.draw(st.booleans(), "ends"):
            stage.transport.end_input()
    working = True
    while working:
        working = stages[0].clock.turn()
        for stage in stages:
            working |= stage.transport.turn()
            if stage.session.is_open and stage.session.is_held and data.draw(st.booleans(), "resume"):
                stage.session.resumeProducing()
                working = True
        if not working:
            for stage in stages:
                if stage.session.is_open and stage.session.is_held:
                    stage.session.resumeProducing()
                    working = True
    for stage, frames in zip(stages, sent, strict=True):
        assert frames == [each for each in stage.session.seen if isinstance(each, bytes)]
        assert joined(frames) == bytes(stage.transport.received)


def pausing(stage: Stage, at: set[int]) -> None:
    """Let the session's handler pause after these frames."""
    handle = stage.session.on_frame

    def pause(frame: bytes) -> None:
        handle(frame)
        if int(frame) in at:
            stage.session.pauseProducing()

    stage.session.on_frame = pause
