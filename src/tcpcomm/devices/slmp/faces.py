"""The groups of calls on the devices of one kind: :class:`WordDevices`, :class:`BitDevices`."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

from tcpcomm.devices.slmp.access import read_bits_at, read_words_at, write_bits_at, write_words_at
from tcpcomm.devices.slmp.addresses import KINDS, Place
from tcpcomm.devices.slmp.commands import SlmpCommands
from tcpcomm.devices.slmp.places import bit_at, words_at
from tcpcomm.devices.word_types import plain_values
from tcpcomm.equipment.face import Face
from tcpcomm.errors import CodecError

V = TypeVar("V")


class Devices(Face[SlmpCommands], Generic[V]):
    """
    The devices of one kind.

    Its calls raise CodecError if one request cannot be about these devices, or a value does not fit (then
    nothing was sent), and Fault if the controller says no, with an end code.

    Args:
        device: the proxy.
        name: the name of the kind: ``D``.
    """

    def __init__(self, device: SlmpCommands, name: str) -> None:
        super().__init__(device)
        self.kind = KINDS[name]

    def _range(self, index: slice) -> tuple[int, int]:
        """Return the first number of a slice, and how many there are. Raises CodecError."""
        start, stop = 0 if index.start is None else index.start, index.stop
        if not type(start) is type(stop) is int or index.step not in (None, 1) or not 0 <= start <= stop:
            raise CodecError(
                f"write the numbers as {self.kind.name}[100:110], which are 10 devices from 100 on"
            )
        return start, stop - start


class WordDevices(Devices[int]):
    """
    The words of one kind of device, such as ``plc.D``.

    ::

        await plc.D[100]                  one word, from 0 to 65535
        await plc.D[100:110]              ten words
        await plc.D(100, 10)              the same
        await plc.D.write(100, 7)         one word
        await plc.D.write(100, [7, 8])    several
    """

    @overload
    async def __getitem__(self, index: int) -> int: ...
    @overload
    async def __getitem__(self, index: slice) -> list[int]: ...
    async def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return await self(*self._range(index))
        (word,) = await self(index)
        return word

    async def __call__(self, start: int, count: int = 1) -> list[int]:
        """Read words. Return a list, also of one."""
        return await read_words_at(self.device, self.kind, start, count)

    async def write(self, start: int, values: int | list[int]) -> None:
        """Write one word, or several from a number on: each from -32768 to 65535."""
        place = Place(self.kind, start)
        words = [word for value in _list(values) for word in words_at(place, value, "ascii")]
        await write_words_at(self.device, self.kind, start, words)


class BitDevices(Devices[bool]):
    """
    The bits of one kind of device, such as ``plc.M``.

    ::

        await plc.M[0]                        True or False
        await plc.X[0x10:0x20]                sixteen inputs
        await plc.M(0, 16)                    a list
        await plc.Y.write(0x10, True)         one output
        await plc.M.write(0, [True, False])   several
    """

    @overload
    async def __getitem__(self, index: int) -> bool: ...
    @overload
    async def __getitem__(self, index: slice) -> list[bool]: ...
    async def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return await self(*self._range(index))
        (bit,) = await self(index)
        return bit

    async def __call__(self, start: int, count: int = 1) -> list[bool]:
        """Read bits. Return a list, also of one."""
        return await read_bits_at(self.device, self.kind, start, count)

    async def write(self, start: int, values: bool | list[bool]) -> None:
        """Write one bit, or several from a number on."""
        bits = [bit_at(self.kind, value) for value in _list(values)]
        await write_bits_at(self.device, self.kind, start, bits)


def _list(values: Any) -> list[Any]:
    values = plain_values(values)
    return values if isinstance(values, list) else [values]
