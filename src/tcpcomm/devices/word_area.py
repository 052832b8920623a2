"""The words of one area of a controller, as a group of calls: :class:`WordArea`, for ``plc.D[100:110]``."""

from __future__ import annotations

from typing import Any, Protocol, overload

from tcpcomm.equipment.face import Face
from tcpcomm.errors import CodecError


class HasMemory(Protocol):
    """A controller with a memory that addresses read and write."""

    async def read(self, address: str, count: int | None = None) -> Any: ...
    async def write(self, address: str, values: Any) -> None: ...


def whole_count(count: Any) -> int:
    """Return a number of values. Raises CodecError if it is not a whole number."""
    if type(count) is not int:
        raise CodecError(f"the count is a whole number, not {count!r}")
    return count


class WordArea(Face[HasMemory]):
    """
    The words of one area: ``await plc.D[100]``, ``await plc.D[100:110]``, ``await plc.D.write(100, 7)``.

    Its calls raise the errors of ``plc.read`` and ``plc.write``.
    """

    def __init__(self, device: HasMemory, area: str) -> None:
        super().__init__(device)
        self._area = area

    @overload
    async def __getitem__(self, index: int) -> int: ...
    @overload
    async def __getitem__(self, index: slice) -> list[int]: ...

    async def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, int):
            return (await self(index))[0]
        start, stop = (index.start or 0, index.stop) if isinstance(index, slice) else (None, None)
        is_range = isinstance(start, int) and isinstance(stop, int) and 0 <= start < stop
        if not is_range or index.step is not None:
            example = f"{self._area}[100:110]"
            raise CodecError(f"write {self._area}[100] for a word, or {example} for those from 100 to 109")
        return await self(start, stop - start)

    async def __call__(self, start: int, count: int = 1) -> list[int]:
        """Read so many words, from one on."""
        found: list[int] = await self.device.read(f"{self._area}{start}", count)
        return found

    async def write(self, start: int, values: int | list[int]) -> None:
        """Write words, from one on."""
        await self.device.write(f"{self._area}{start}", values)
