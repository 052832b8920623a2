"""Jobs fit into the agreed PDU, whatever is read or written, and no value is cut."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import CodecError
from tcpcomm.devices.s7 import Area, Item, Part, Size, Values
from tcpcomm.devices.s7.items import read_values, write_values
from tcpcomm.devices.s7.transfer import Written, read_parts, write_parts

T = TypeVar("T")

CONTENT = bytes(range(251)) * 8


@define
class Agreed:
    value: int


@define
class FakeCpu:
    """A CPU that answers at once, and checks the sizes of PDUs."""

    pdu: int
    agreed_pdu: Agreed = field(init=False)
    jobs: list[list[Item]] = field(factory=list)
    written: dict[int, bytes] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.agreed_pdu = Agreed(0)

    async def read_variables(self, items: list[Item]) -> Values:
        self.jobs.append(items)
        found = [CONTENT[each.place // 8 :][: each.count] for each in items]
        data = write_values([(0xFF, Size.BYTE, each) for each in found])
        assert 10 + 2 + 12 * len(items) <= self.pdu
        assert 12 + 2 + len(data) <= self.pdu
        assert 1 <= len(items) <= 20
        self.agreed_pdu.value = self.pdu
        return Values(len(items), data)

    async def write_variables(self, items: list[Item], values: bytes) -> bytes:
        assert 10 + 2 + 12 * len(items) + len(values) <= self.pdu
        contents = [content for _, _, content in read_values(len(items), values)]
        self.written = {each.place // 8: content for each, content in zip(items, contents, strict=True)}
        self.agreed_pdu.value = self.pdu
        return b"\xff" * len(items)


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing."""
    with pytest.raises(StopIteration) as caught:
        coroutine.send(None)
    result: T = caught.value.value
    return result


def parts(together: int, count: int, start: int) -> Part:
    return Part(Area.BLOCKS, 1, start, together * count, together=together)


ANY_PARTS = st.lists(
    st.builds(parts, st.sampled_from([1, 2, 4, 8]), st.integers(1, 120), st.integers(0, 900)), max_size=30
)


@given(ANY_PARTS, st.integers(64, 960))
def test_parts_are_read_whole_by_jobs_that_fit(wanted: list[Part], pdu: int) -> None:
    cpu = FakeCpu(pdu)
    found = done(read_parts(cpu, wanted))
    assert [CONTENT[each.start :][: each.count] for each in wanted] == found
    places = {
        each.start + place for each in wanted for place in range(0, each.count, each.together)
    }
    assert {each.place // 8 for job in cpu.jobs for each in job} <= places


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=22), st.integers(64, 960))
def test_a_write_is_one_job_or_nothing(contents: list[bytes], pdu: int) -> None:
    cpu = FakeCpu(pdu)
    wanted = [
        Written("", Part(Area.BLOCKS, 1, 400 * index, len(each)).item(), each)
        for index, each in enumerate(contents)
    ]
    data = write_values([(0, Size.BYTE, each) for each in contents])
    fits = len(contents) <= 20 and 12 + 12 * len(contents) + len(data) <= pdu
    if fits:
        done(write_parts(cpu, wanted))
        assert {400 * index: each for index, each in enumerate(contents)} == cpu.written
    else:
        with pytest.raises(CodecError):
            write_parts(cpu, wanted).send(None)
        assert {} == cpu.written


def test_nothing_to_do_needs_no_job() -> None:
    cpu = FakeCpu(240)
    assert [] == done(read_parts(cpu, []))
    done(write_parts(cpu, []))
    assert [] == cpu.jobs
