"""The ring deletes the oldest blocks, and keeps those before a fault, within its limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.record.ring import AFTER_FAULT, BLOCKS, LARGEST_BLOCK, PINNED_SHARE, Block, Ring

SECOND = 1_000_000
HOUR = 3600 * SECOND
MIB = 1024 * 1024


def ring(most_mib: float = 64, most_age: int = HOUR, before_fault: int = 60 * SECOND) -> Ring:
    return Ring(most_bytes=int(most_mib * MIB), most_age=most_age, before_fault=before_fault)


def add(to: Ring, second: float, size: int = MIB, faults: tuple[float, ...] = ()) -> list[Block]:
    """Add ten rows in a second."""
    first = to.last.last + 1 if to.last is not None else 1
    at = int(second * SECOND)
    return to.add(
        first=first,
        last=first + 9,
        began_at=at,
        ended_at=at + SECOND // 2,
        size=size,
        faults=[int(each * SECOND) for each in faults],
    )


def shrunk(found: Ring, now: float = 0) -> list[int]:
    """Delete all that may go, as a recorder does. Return the numbers of the deleted blocks."""
    deleted: list[int] = []
    while True:
        used = sum(each.size for each in found.blocks)
        block = found.doomed(used=used, now=int(now * SECOND))
        if block is None:
            return deleted
        found.remove(block)
        deleted.append(block.number)


def test_rows_fill_a_block_and_then_the_next() -> None:
    found = ring(16)
    for second in range(6):
        add(found, second, MIB // 8)
    assert [(1, 1, 20), (2, 21, 40), (3, 41, 60)] == [
        (each.number, each.first, each.last) for each in found.blocks
    ]


def test_a_block_has_at_most_15_seconds_and_4_mib() -> None:
    found = ring(100_000)
    for second in range(40):
        add(found, second, 100)
    assert all(each.ended_at - each.began_at <= 15 * SECOND for each in found.blocks)
    found = ring(100_000)
    for second in range(50):
        add(found, second)
    assert LARGEST_BLOCK == max(each.size for each in found.blocks)


def test_a_full_recording_has_at_least_64_blocks() -> None:
    found = ring(64)
    for second in range(200):
        add(found, second / 100, MIB // 2)
        shrunk(found)
    assert BLOCKS <= len(found.blocks)


def test_the_oldest_go_first_when_the_file_is_too_large() -> None:
    found = ring(8)
    for second in range(12):
        add(found, second)
    assert [1, 2, 3, 4] == shrunk(found)


def test_blocks_go_when_they_are_too_old_but_never_the_newest() -> None:
    found = ring()
    for second in range(0, 100, 20):
        add(found, second)
    assert [1, 2] == shrunk(found, now=3600 + 30)
    assert [3, 4] == shrunk(found, now=9999)


def test_the_minute_before_a_fault_and_ten_seconds_behind_it_stay() -> None:
    found = ring(20)
    for second in range(0, 400, 20):
        add(found, second, faults=(201,) if second == 200 else ())
    add(found, 410)
    pinned = [each.began_at // SECOND for each in found.blocks if each.fault_at is not None]
    assert [160, 180, 200] == pinned
    for second in range(430, 1000, 20):
        add(found, second)
        shrunk(found)
    assert pinned == [each.began_at // SECOND for each in found.blocks][:3]
    assert AFTER_FAULT == 10 * SECOND


def test_what_comes_within_ten_seconds_of_a_fault_is_pinned() -> None:
    found = ring(1)
    add(found, 100, faults=(100.2,))
    add(found, 109)
    add(found, 111)
    assert [True, True, False] == [each.fault_at is not None for each in found.blocks]


def test_pinned_blocks_take_at_most_half_of_the_file() -> None:
    found = ring(20)
    for second in range(0, 2000, 20):
        add(found, second, faults=(second,))
        shrunk(found)
    assert 20 * MIB >= sum(each.size for each in found.blocks)
    assert 2000 - 20 == found.blocks[-1].began_at // SECOND
    for second in range(2000, 4000, 20):
        add(found, second)
        shrunk(found)
    pinned = sum(each.size for each in found.blocks if each.fault_at is not None)
    assert PINNED_SHARE * 20 * MIB >= pinned > 0


def test_a_ring_goes_on_with_the_blocks_of_a_file() -> None:
    first = ring(8)
    for second in range(4):
        add(first, second, faults=(second,) if second == 1 else ())
    second_ring = Ring(most_bytes=8 * MIB, most_age=HOUR, before_fault=60 * SECOND, blocks=first.blocks)
    for second in range(4, 20):
        for each in (first, second_ring):
            add(each, second)
            shrunk(each)
    assert first.blocks == second_ring.blocks


STEPS = st.tuples(st.floats(0, 30), st.integers(1, 3 * MIB), st.booleans())


@given(st.lists(STEPS, max_size=60), st.integers(1, 16))
def test_the_file_stays_within_its_size_whatever_comes(
    steps: list[tuple[float, int, bool]], most_mib: int
) -> None:
    found, second, numbers = ring(most_mib), 0.0, set[int]()
    for wait, size, has_fault in steps:
        second += wait
        add(found, second, size, (second,) if has_fault else ())
        deleted = shrunk(found, second)
        newest = found.last
        assert newest is not None
        assert sum(each.size for each in found.blocks) <= max(most_mib * MIB, newest.size)
        assert newest.number not in deleted
        assert not numbers & {*deleted}
        numbers |= {*deleted}
        assert [each.first for each in found.blocks] == sorted(each.first for each in found.blocks)
