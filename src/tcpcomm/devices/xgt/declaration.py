"""The declaration of an XGT controller with the calls of programs: :class:`Xgt`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from tcpcomm.devices.word_area import WordArea, whole_count
from tcpcomm.devices.xgt.addresses import UNIT_BITS, Address, address_of
from tcpcomm.devices.xgt.commands import MOST_BLOCKS, MOST_BYTES, XgtCommands
from tcpcomm.devices.xgt.values import UNITS, Type, type_of
from tcpcomm.errors import BadReply, CodecError

_COMMANDS: Final = {"X": "bits", "B": "bytes", "W": "words", "D": "dwords", "L": "lwords"}
"""The names of the commands for each unit, behind ``read_`` and ``write_``."""


class Xgt(XgtCommands):
    """
    A controller of LS Electric (formerly LSIS, LG) that serves the XGT protocol: XGK, XGI, XGR and XGB.

    ::

        await plc.read("D100")                      a word
        await plc.read("D100:f32", 3)               three numbers, side by side
        await plc.write("M172.C", True)             a bit: C (hexadecimal) of word 172
        await plc.D[100:110]                        ten words
        await plc.read_many(["%MW100", "D7", "%MX5"])

    Sources: LS Electric, XGT FEnet I/F module (XGL-EFMT), chapter 8 and section 10.4; XGL-EFMF, chapter 7.
    """

    text_encoding: ClassVar[str] = "ascii"
    """The encoding of texts, such as ``cp949``."""

    async def read(self, address: str, count: int | None = None) -> Any:
        """
        Read a value, or several side by side, by one request.

        Args:
            address: a word such as ``D100`` or ``%MW100``, a bit such as ``M172.C``, another unit such as
                ``%DB200``, or a value of a type such as ``D100:f32`` or ``D100:str[16]``.
            count: the number of values, for a list; None: one value, without a list.

        Raises:
            CodecError: the address is wrong, or one request cannot read so many. Nothing was sent.
            Fault: the controller says no, with an :class:`ErrorCode`.
            BadReply: the bytes are not values of this type.
        """
        place = address_of(address)
        if count is None and not place.type:
            return (await self._read_each(place.unit, [place]))[0]
        wanted = 1 if count is None else whole_count(count)
        if wanted < 1:
            raise CodecError(f"{wanted} values from {place} on: read at least one")
        if not place.has_bytes:
            return await self._read_each(place.unit, _neighbours(place, wanted))
        if place.unit == "X":
            return await self._read_side_by_side(place, wanted)
        type = self._type_of(place)
        data = await self._read_bytes(place, wanted * type.size)
        values = _values_in(place, type, data)
        return values[0] if count is None else values

    async def write(self, address: str, values: Any) -> None:
        """
        Write a value, or several side by side, by one request.

        Args:
            address: the address of the first one, as for :meth:`read`.
            values: a value, or a list of values. Bits are at most 16, because they share bytes with others.

        Raises:
            CodecError: the address is wrong, or a value does not fit, or one request cannot write so many.
                Nothing was sent.
            Fault: the controller says no, with an :class:`ErrorCode`.
        """
        place = address_of(address)
        if not place.type and not isinstance(values, list | tuple):
            await self._write_each(place.unit, [place], [values])
            return
        given = list(values) if isinstance(values, list | tuple) else [values]
        if not given:
            raise CodecError(f"no values for {place}: write at least one")
        if place.unit == "X" or not place.has_bytes:
            await self._write_each(place.unit, _neighbours(place, len(given)), given)
            return
        type = self._type_of(place)
        data = b"".join(_bytes_of(place, type, value) for value in given)
        _check_size(place, len(data))
        written = await self.write_continuously(_first_byte(place), data)
        if written != 1:
            raise BadReply(f"the controller has written {written} blocks, and 1 was sent")

    async def read_many(self, addresses: list[str]) -> list[Any]:
        """
        Read values, each anywhere: ``["D100", "M172.C", "D200:f32"]``.

        One request reads 16 values of one unit; values with a type need a request each. So they may be of
        different scans of the controller's program.

        Raises:
            CodecError: an address is wrong. Nothing was sent.
            Fault: the controller says no, with an :class:`ErrorCode`.
            BadReply: bytes are not a value of their type.
        """
        if isinstance(addresses, str):
            raise CodecError(f"write a list of addresses, such as [{addresses!r}], or use read")
        places = [address_of(each) for each in addresses]
        types = {each: self._type_of(each) for each in places if each.type}
        found: dict[Address, Any] = {}
        for unit in UNIT_BITS:
            plain = [each for each in dict.fromkeys(places) if not each.type and each.unit == unit]
            for at in range(0, len(plain), MOST_BLOCKS):
                some = plain[at : at + MOST_BLOCKS]
                found |= zip(some, await self._read_each(unit, some), strict=True)
        for place, type in types.items():
            found[place] = _values_in(place, type, await self._read_bytes(place, type.size))[0]
        return [found[each] for each in places]

    async def write_many(self, values: Mapping[str, Any]) -> None:
        """
        Write values, each anywhere, by one request: ``{"D100": 7, "D200": 8}``.

        Raises:
            CodecError: an address is wrong, a value does not fit, or they are more than 16, or of several
                units. Nothing was sent.
            Fault: the controller says no, with an :class:`ErrorCode`.
        """
        places = [address_of(each) for each in values]
        units = {each.unit for each in places}
        if len(units) != 1 or any(each.type for each in places):
            raise CodecError("one request writes values of one unit, without types: use several requests")
        await self._write_each(units.pop(), places, [*values.values()])

    # -- the requests -------------------------------------------------------------------------------------

    async def _read_each(self, unit: str, places: Sequence[Address]) -> list[Any]:
        _check_blocks(len(places))
        values: list[Any] = await getattr(self, f"read_{_COMMANDS[unit]}")([each.name for each in places])
        if len(values) != len(places):
            raise BadReply(f"{len(values)} values came, and {len(places)} were asked for")
        return values

    async def _write_each(self, unit: str, places: Sequence[Address], values: Sequence[Any]) -> None:
        _check_blocks(len(places))
        for place, value in zip(places, values, strict=True):
            check_value(place, value)
        sent = [value == 1 for value in values] if unit == "X" else list(values)
        written = await getattr(self, f"write_{_COMMANDS[unit]}")([each.name for each in places], sent)
        if written != len(places):
            raise BadReply(f"the controller has written {written} values, and {len(places)} were sent")

    async def _read_bytes(self, place: Address, size: int) -> bytes:
        _check_size(place, size)
        data = await self.read_continuously(_first_byte(place), size)
        if len(data) != size:
            raise BadReply(f"{len(data)} bytes from {place} on came, and {size} were asked for")
        return data

    async def _read_side_by_side(self, place: Address, count: int) -> list[bool]:
        """Read the bytes that hold so many bits, and return the bits."""
        first = place.first_bit % 8
        data = await self._read_bytes(place, (first + count + 7) // 8)
        return [data[at >> 3] >> (at & 7) & 1 == 1 for at in range(first, first + count)]

    def _type_of(self, place: Address) -> Type:
        """Return the type of the values at a place. Raises CodecError."""
        if not place.type:
            return UNITS[place.unit]
        try:
            return type_of(place.type, self.text_encoding)
        except CodecError as error:
            raise CodecError(f"{place}: {error}") from None

    # -- the words of each device -------------------------------------------------------------------------

    @property
    def D(self) -> WordArea:
        """The words of the data registers."""
        return WordArea(self, "D")

    @property
    def M(self) -> WordArea:
        """The words of the internal relays; of the internal memory in XGI."""
        return WordArea(self, "M")

    @property
    def P(self) -> WordArea:
        """The words of inputs and outputs."""
        return WordArea(self, "P")

    @property
    def K(self) -> WordArea:
        """The words of the keep relays."""
        return WordArea(self, "K")

    @property
    def L(self) -> WordArea:
        """The words of the link relays."""
        return WordArea(self, "L")

    @property
    def N(self) -> WordArea:
        """The words of the communication data registers."""
        return WordArea(self, "N")

    @property
    def R(self) -> WordArea:
        """The words of the file registers."""
        return WordArea(self, "R")

    @property
    def T(self) -> WordArea:
        """The current values of timers."""
        return WordArea(self, "T")

    @property
    def C(self) -> WordArea:
        """The current values of counters."""
        return WordArea(self, "C")


def check_value(place: Address, value: Any) -> None:
    """Raise CodecError if a value does not fit the unit of its place."""
    if place.unit != "X":
        _bytes_of(place, UNITS[place.unit], value)
    elif value not in (0, 1):
        raise CodecError(f"{place}: {value!r} does not fit: give True or False")


def _neighbours(place: Address, count: int) -> list[Address]:
    _check_blocks(count)
    return [place.behind(each) for each in range(count)]


def _first_byte(place: Address) -> str:
    """Return the address of the byte in which a place begins."""
    return f"%{place.device}B{place.first_bit // 8}"


def _bytes_of(place: Address, type: Type, value: Any) -> bytes:
    """Return the bytes of a value. Raises CodecError."""
    try:
        return type.to_bytes(value)
    except CodecError as error:
        raise CodecError(f"{place}: {error}") from None


def _values_in(place: Address, type: Type, data: bytes) -> list[Any]:
    """Return the values in bytes. Raises BadReply."""
    try:
        return [type.of_bytes(data[at : at + type.size]) for at in range(0, len(data), type.size)]
    except CodecError as error:
        raise BadReply(f"{place}: {error}") from None


def _check_blocks(count: int) -> None:
    if not 1 <= count <= MOST_BLOCKS:
        raise CodecError(f"{count} addresses: one request takes 1 to {MOST_BLOCKS}")


def _check_size(place: Address, size: int) -> None:
    if size > MOST_BYTES:
        raise CodecError(f"{size} bytes from {place} on: one request takes {MOST_BYTES} at most")
