"""Requests find their replies: by a number that comes back, or in their order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.devices.modbus.declaration import Modbus
from tcpcomm.tools.guess.binary.pairs import counting_step, pair_up
from tcpcomm.tools.guess.capture import ANSWERER, OPENER
from tests.tools.guess.binary.conversations import Frames, device_frames, pipelined

MODBUS = device_frames(Modbus, ["read_holding_registers", "write_single_register"])


def conversation(ids: list[bytes]) -> Frames:
    """Return requests and replies with these ids behind two bytes."""
    random, frames = Random(1), Frames()
    for each in ids:
        opcode = bytes([random.randrange(3)])
        frames.append((OPENER, b"\x50\0" + each + opcode + random.randbytes(3)))
        frames.append((ANSWERER, b"\xd0\0" + each + opcode + random.randbytes(random.randrange(2, 6))))
    return frames


def test_without_an_id_replies_come_in_the_order_of_their_requests() -> None:
    frames: Frames = [(OPENER, b"a"), (OPENER, b"b"), (ANSWERER, b"1"), (ANSWERER, b"2"), (ANSWERER, b"3")]
    paired = pair_up([*frames, (OPENER, b"c")])
    assert ((b"a", b"1"), (b"b", b"2")) == paired.pairs
    assert (b"3",) == paired.unasked
    assert (b"c",) == paired.unanswered
    assert paired.id_at is None


def test_nothing_is_paired_in_an_empty_conversation() -> None:
    assert () == pair_up([]).pairs


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_random_ids_are_found_with_all_their_bytes(width: int) -> None:
    random = Random(width)
    ids = [bytes([each]) for each in random.sample(range(256), 30)]
    if width > 1:
        ids = [random.randbytes(width) for _ in range(30)]
    paired = pair_up(conversation(ids))
    assert ((2, width), 30) == (paired.id_at, len(paired.pairs))


@pytest.mark.parametrize("order", ["big", "little"])
def test_a_counter_is_found_with_the_byte_that_it_carries_into(order: str) -> None:
    ids = [number.to_bytes(2, order) for number in range(240, 280)]  # type: ignore[arg-type]
    assert (2, 2) == pair_up(conversation(ids)).id_at


def test_zeros_at_the_beginning_of_a_frame_belong_to_the_id() -> None:
    assert (0, 2) == pair_up(MODBUS).id_at


@given(st.integers(1, 20))
def test_replies_in_any_order_find_their_requests(ahead: int) -> None:
    assert {*pair_up(MODBUS).pairs} == {*pair_up(pipelined(MODBUS, ahead)).pairs}
    requests = [each for each in MODBUS if each[0] == OPENER]
    replies = [each for each in MODBUS if each[0] == ANSWERER]
    Random(ahead).shuffle(replies)
    assert {*pair_up(MODBUS).pairs} == {*pair_up([*requests, *replies]).pairs}


def test_frames_that_nobody_asked_for_are_told_apart_by_their_id() -> None:
    event = b"\xff\xff\0\0\0\3\1\x60\7"
    paired = pair_up([*MODBUS[:7], (ANSWERER, event), *MODBUS[7:]])
    assert (event,) == paired.unasked
    assert 40 == len(paired.pairs)


def test_numbers_count_if_nearly_every_step_is_the_same() -> None:
    assert counting_step([*range(0, 100, 5)]) == 5
    assert counting_step([*range(20), 40, *range(41, 60)]) == 1
    assert counting_step([7] * 20) is None
    assert counting_step([*range(20, 0, -1)]) is None
    assert counting_step([1, 2, 3]) is None
    assert counting_step([1, 5, 2, 9, 4, 4, 8]) is None
