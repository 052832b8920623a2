"""The declaration of an Omron controller with the calls of programs: :class:`Fins`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from tcpcomm.devices.fins.addresses import Address, address_of
from tcpcomm.devices.fins.commands import (
    CENTURY,
    MOST_PLACES,
    MOST_READ,
    MOST_WRITTEN,
    Clock,
    FinsCommands,
    Mode,
    Place,
)
from tcpcomm.devices.word_area import WordArea, whole_count
from tcpcomm.devices.word_types import WordType, number_type, word_type
from tcpcomm.errors import BadReply, CodecError


class Fins(FinsCommands):
    """
    A controller of Omron that speaks FINS over TCP: CS, CJ, CP and NSJ, and NX and NJ as far as they do.

    ::

        await plc.read("D100")                      a word
        await plc.read("D100:f32", 3)               three numbers, which take six words
        await plc.write("W3.05", True)
        await plc.D[100:110]                        ten words
        await plc.network(2).node(5).read("D100")   another controller, on the same connection

    Sources: Omron W342 (commands and end codes), W420 (FINS/TCP).
    """

    text_encoding: ClassVar[str] = "ascii"
    """The encoding of texts, such as ``cp949``."""

    async def read(self, address: str, count: int | None = None) -> Any:
        """
        Read a value, or several from an address on.

        Args:
            address: a word such as ``D100``, a bit such as ``W3.05``, or a value of a type such as
                ``D100:f32`` or ``D100:str[16]``. Words are from 0 to 65535, and bits are True or False.
            count: the number of values, for a list; None: one value, without a list.

        Raises:
            CodecError: the address is wrong, or one command cannot read so many. Nothing was sent.
            Fault: the controller says no, with an :class:`EndCode`.
            BadReply: the words are not a value of this type.
        """
        place = address_of(address)
        wanted = 1 if count is None else whole_count(count)
        type = self._type_of(place)
        elements = wanted if type is None else wanted * type.words
        _check_count(place, elements, MOST_READ)
        found = await self.memory_area_read(place.code, place.number, place.bit or 0, elements)
        if len(found) != elements:
            raise BadReply(f"{len(found)} values from {place} on came, and {elements} were asked for")
        values = list(found) if type is None else _values_in(place, type, found)
        return values[0] if count is None else values

    async def write(self, address: str, values: Any) -> None:
        """
        Write a value, or several from an address on.

        Args:
            address: the address of the first one, as for :meth:`read`.
            values: a value, or a list of values.

        Raises:
            CodecError: the address is wrong, or a value does not fit, or one command cannot write so many.
                Nothing was sent.
            Fault: the controller says no, with an :class:`EndCode`.
        """
        place = address_of(address)
        given = list(values) if isinstance(values, list | tuple) else [values]
        elements = self._elements_of(place, given)
        _check_count(place, len(elements), MOST_WRITTEN)
        await self.memory_area_write(place.code, place.number, place.bit or 0, elements)

    async def read_many(self, addresses: list[str]) -> list[Any]:
        """
        Read values, each anywhere, by one command: ``["D100", "W3.05", "D200:f32"]``.

        They are of the same cycle of the controller's program.

        Raises:
            CodecError: an address is wrong, or there are more than 167 words and bits. Nothing was sent.
            Fault: the controller says no, with an :class:`EndCode`.
            BadReply: words are not a value of their type, or others came.
        """
        if isinstance(addresses, str):
            raise CodecError(f"write a list of addresses, such as [{addresses!r}], or use read")
        places = [address_of(each) for each in addresses]
        types = [self._type_of(each) for each in places]
        sizes = [1 if type is None else type.words for type in types]
        if not 1 <= sum(sizes) <= MOST_PLACES:
            raise CodecError(f"{sum(sizes)} words and bits: one command reads 1 to {MOST_PLACES}")
        asked: list[Place] = []
        for place, size in zip(places, sizes, strict=True):
            _check_count(place, size, size)
            asked += [Place(place.code, place.number + more, place.bit or 0) for more in range(size)]
        found = await self.multiple_memory_area_read(asked)
        if [each.area for each in found] != [each.area for each in asked]:
            raise BadReply(f"the controller has read other places than {', '.join(addresses)}")
        elements = iter([each.value for each in found])
        values = []
        for place, type, size in zip(places, types, sizes, strict=True):
            own = [next(elements) for _ in range(size)]
            values.append(own[0] if type is None else _values_in(place, type, own)[0])
        return values

    async def fill(self, address: str, count: int, value: int) -> None:
        """
        Write the same word to places that stand side by side, as many as the area has.

        Raises:
            CodecError: the address does not name a word, or the area has no room for so many. Nothing was
                sent.
            Fault: the controller says no, with an :class:`EndCode`.
        """
        place = _word(address, "fill writes words")
        _check_count(place, whole_count(count), place.room)
        await self.memory_area_fill(place.code, place.number, 0, count, *self._elements_of(place, [value]))

    async def copy(self, source: str, target: str, count: int) -> None:
        """
        Copy words within the memory of the controller.

        Raises:
            CodecError: an address does not name a word, or an area has no room for so many. Nothing was
                sent.
            Fault: the controller says no, with an :class:`EndCode`.
        """
        places = [_word(each, "copy takes words") for each in (source, target)]
        for place in places:
            _check_count(place, whole_count(count), place.room)
        one, other = (Place(place.code, place.number) for place in places)
        await self.memory_area_transfer(one, other, count)

    async def run(self, mode: Mode = Mode.RUN) -> None:
        """
        Let the controller execute its program, in RUN mode, or in MONITOR mode for its programming tools.

        Raises:
            CodecError: it is another mode. Nothing was sent.
            Fault: the controller says no, with an :class:`EndCode`.
        """
        if mode not in (Mode.RUN, Mode.MONITOR):
            raise CodecError(f"run takes Mode.RUN or Mode.MONITOR, not {mode!r}; stop() ends the program")
        await self.enter_run_mode(0xFFFF, Mode(mode))

    async def stop(self) -> None:
        """
        Stop the program: let the controller enter PROGRAM mode.

        Raises:
            Fault: the controller says no, with an :class:`EndCode`.
        """
        await self.enter_program_mode()

    def _type_of(self, place: Address) -> WordType | None:
        """Return the type that an address has behind its colon, or None. Raises CodecError."""
        if not place.type:
            return None
        try:
            return word_type(place.type, self.text_encoding, word_order="little", text_order="big")
        except CodecError as error:
            raise CodecError(f"{place}: {error}") from None

    def _elements_of(self, place: Address, values: Sequence[Any]) -> list[Any]:
        """Return the words or bits of values. Raises CodecError."""
        if place.is_bits:
            for value in values:
                if value not in (0, 1):
                    raise CodecError(f"{place}: {value!r} does not fit: give True or False")
            return [value == 1 for value in values]
        type = self._type_of(place) or number_type("u16")
        try:
            return type.words_of_all(values)
        except CodecError as error:
            raise CodecError(f"{place}: {error}") from None

    async def time(self) -> datetime:
        """
        Return the time of the controller's clock, in its time zone.

        Raises:
            Fault: the controller says no, with an :class:`EndCode`.
            BadReply: the clock shows no date.
        """
        clock = await self.clock_read()
        try:
            return clock.as_datetime()
        except ValueError as problem:
            raise BadReply(f"the clock shows no date: {problem}") from None

    async def set_time(self, time: datetime) -> None:
        """
        Set the clock of the controller, in its time zone.

        Raises:
            CodecError: the year is not one of 1998 to 2097. Nothing was sent.
            Fault: the controller says no, with an :class:`EndCode`.
        """
        if not 1900 + CENTURY <= time.year < 2000 + CENTURY:
            raise CodecError(f"{time.year}: the clock has the years 1998 to 2097")
        await self.clock_write(Clock.of(time))

    @property
    def CIO(self) -> WordArea:
        """The words of inputs, outputs and links."""
        return WordArea(self, "CIO")

    @property
    def W(self) -> WordArea:
        """The words of the work area."""
        return WordArea(self, "W")

    @property
    def H(self) -> WordArea:
        """The words of the holding area."""
        return WordArea(self, "H")

    @property
    def A(self) -> WordArea:
        """The words of the auxiliary area."""
        return WordArea(self, "A")

    @property
    def D(self) -> WordArea:
        """The words of the data memory."""
        return WordArea(self, "D")

    @property
    def E(self) -> WordArea:
        """The words of the current bank of the extended memory."""
        return WordArea(self, "E")

    @property
    def T(self) -> WordArea:
        """The present values of timers."""
        return WordArea(self, "T")

    @property
    def C(self) -> WordArea:
        """The present values of counters."""
        return WordArea(self, "C")


def _word(address: str, what: str) -> Address:
    """Return an address that must name a word without a type. Raises CodecError."""
    place = address_of(address)
    if place.is_bits or place.type:
        raise CodecError(f"{place} is not a word: {what}, such as those from D100 on")
    return place


def _values_in(place: Address, type: WordType, words: Sequence[Any]) -> list[Any]:
    """Return the values in words. Raises BadReply."""
    try:
        return type.values_of(words)
    except CodecError as error:
        raise BadReply(f"{place}: {error}") from None


def _check_count(place: Address, count: int, most: int) -> None:
    """Raise CodecError if so many words or bits cannot be read or written from a place on."""
    what = "bits" if place.is_bits else "words"
    if not 1 <= count <= most:
        raise CodecError(f"{count} {what} from {place} on: one command takes 1 to {most}")
    if count > place.room:
        last = f"{place.area.name}{place.area.last}"
        raise CodecError(
            f"{count} {what} from {place} on: the last word is {last}, which leaves room for {place.room}"
        )
