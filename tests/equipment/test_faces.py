"""Group the calls on a device, as faces of its proxy."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, Face, command
from tcpcomm.codec import ID, OPCODE, U8, U16, Binary, Counted, Echo
from tcpcomm.framing import LengthPrefixed
from tests.equipment.declared import Bench

Words = Annotated[list[U16], Counted(U8)]


class WordsOfBlock(Face["Plc"]):
    """The words of a block."""

    def __init__(self, device: Plc, block: int) -> None:
        super().__init__(device)
        self.block = block

    async def __getitem__(self, index: slice) -> list[int]:
        return await self(index.start, index.stop - index.start)

    async def __call__(self, start: int, count: int = 1) -> list[int]:
        return await self.device.read(self.block, start, count)

    async def write(self, start: int, values: int | list[int]) -> None:
        await self.device.write(self.block, start, [values] if isinstance(values, int) else values)


class Plc(Equipment):
    """A PLC with blocks of words, behind a gateway."""

    framing = LengthPrefixed(2)
    unit = Echo(U8, 1)
    codec = Binary(id=U16, head=(ID, unit, OPCODE))

    @property
    def data(self) -> WordsOfBlock:
        """The words of block 0."""
        return self.at(0)

    def at(self, block: int) -> WordsOfBlock:
        """Return the words of a block."""
        return WordsOfBlock(self, block)

    @command(1)
    async def read(self, block: U8, start: U16, count: U8) -> Words:
        """Read words."""
        raise NotImplementedError

    @command(2)
    async def write(self, block: U8, start: U16, values: Words) -> None:
        """Write words."""
        raise NotImplementedError


class MyPlc(Plc):
    def __init__(self) -> None:
        self.words = {(block, place): 0 for block in range(3) for place in range(20)}

    async def read(self, block: int, start: int, count: int) -> list[int]:
        return [self.words[block, place] + 100 * self.unit.value for place in range(start, start + count)]

    async def write(self, block: int, start: int, values: list[int]) -> None:
        self.words |= {(block, start + place): value for place, value in enumerate(values)}


def test_a_face_asks_the_commands_of_its_proxy(bench: Bench) -> None:
    bench.serve(MyPlc())
    plc = bench.remote(Plc)
    assert bench.result(plc.at(2).write(5, [7, 8])) is None
    assert [107, 108] == bench.result(plc.at(2)[5:7])
    assert [100] == bench.result(plc.data(5))


def test_a_face_of_a_proxy_with_another_header_asks_with_it(bench: Bench) -> None:
    bench.serve(MyPlc())
    plc = bench.remote(Plc)
    assert [100] == bench.result(plc.data[0:1])
    assert [700] == bench.result(plc.unit(7).data[0:1])


def test_a_face_is_not_gone_through_because_each_place_would_be_a_message(bench: Bench) -> None:
    face: Any = bench.remote(Plc).data
    with pytest.raises(TypeError, match="not iterable"):
        iter(face)
    with pytest.raises(TypeError):
        assert 5 in face


def test_an_assignment_to_a_face_tells_how_to_write(bench: Bench) -> None:
    face: Any = bench.remote(Plc).data
    with pytest.raises(TypeError, match=r"call a method that writes, such as write\(5, 7\): nothing was"):
        face[5] = 7
