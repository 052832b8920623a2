"""The memory of a simulated controller: :class:`Memory`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from attrs import evolve

from tcpcomm.devices.fins.addresses import AREAS, BANKS, Address, Area, address_of
from tcpcomm.devices.fins.codes import EndCode
from tcpcomm.errors import CodecError, ConfigurationError, Fault


class Memory:
    """
    The areas of a controller's memory: ``memory["D100"] = 7``, ``memory["W3.05"]``.

    Args:
        banks: the banks of extended memory, 0 to 25.

    Raises:
        ConfigurationError: no controller has so many banks.
    """

    def __init__(self, *, banks: int = 4) -> None:
        if not 0 <= banks <= len(BANKS):
            raise ConfigurationError(f"a controller has 0 to {len(BANKS)} banks, not {banks}")
        self._banks = banks
        self._stored: dict[str, array[int]] = {}
        self._areas: dict[int, Area] = {}
        for name in ("CIO", "W", "H", "A", "D", "T", "TS"):
            self._know(AREAS[name])
        for number in range(banks):
            self._know(AREAS[f"E{number:X}_"])
        if banks:  # the current bank is bank 0
            self._know(AREAS["E"])

    def _know(self, area: Area) -> None:
        for code in (area.words, area.bits):
            if code is not None:
                self._areas[code] = area

    def _store(self, area: Area) -> array[int]:
        """Return the elements of an area. They begin as zeros."""
        name = "E0_" if area.name == "E" else area.name
        found = self._stored.get(name)
        if found is None:
            found = self._stored[name] = array("H", bytes(2 * (area.last + 1)))
        return found

    def place(self, code: int, number: int, bit: int) -> Address:
        """
        Return the address of a place, as it is on the wire.

        Raises:
            Fault: the memory does not have this place.
        """
        area = self._areas.get(code)
        if area is None:
            raise Fault(EndCode.THERE_IS_NO_SUCH_AREA)
        if number >= AREAS["C"].first and area.name in ("T", "TS"):
            area = AREAS["C" if area.name == "T" else "CS"]
        index, of_bits = number - area.first, code == area.bits and not area.is_flags
        if index > area.last or bit > (15 if of_bits else 0):
            raise Fault(EndCode.FIRST_ADDRESS_IS_OUT_OF_RANGE)
        return Address(area, index, bit if of_bits else None)

    def read(self, place: Address, count: int) -> list[int]:
        """
        Return the words or bits from a place on; bits are True or False.

        Raises:
            Fault: there are not so many.
        """
        if count > place.room:
            raise Fault(EndCode.LAST_ADDRESS_IS_OUT_OF_RANGE)
        store, index = self._store(place.area), place.index
        if place.bit is not None:
            first = 16 * index + place.bit
            return [store[at >> 4] >> (at & 15) & 1 == 1 for at in range(first, first + count)]
        found = store[index : index + count].tolist()
        return [value == 1 for value in found] if place.area.is_flags else found

    def write(self, place: Address, values: Sequence[int]) -> None:
        """
        Store words or bits from a place on: all of them, or none.

        Raises:
            Fault: there are not so many places.
        """
        if len(values) > place.room:
            raise Fault(EndCode.LAST_ADDRESS_IS_OUT_OF_RANGE)
        store, index = self._store(place.area), place.index
        if place.bit is None:
            store[index : index + len(values)] = array("H", values)
            return
        for at, value in enumerate(values, 16 * index + place.bit):
            mask = 1 << (at & 15)
            store[at >> 4] = store[at >> 4] | mask if value else store[at >> 4] & ~mask

    def __getitem__(self, address: str) -> int:
        return self.read(self._known(address), 1)[0]

    def __setitem__(self, address: str, values: int | Sequence[int]) -> None:
        place = self._known(address)
        given = list(values) if isinstance(values, Iterable) else [values]
        for value in given:
            if not isinstance(value, SupportsIndex) or not 0 <= value <= (1 if place.is_bits else 0xFFFF):
                fits = "give True or False" if place.is_bits else "a word is 0 to 65535"
                raise CodecError(f"{address}: {value!r} does not fit: {fits}")
        try:
            self.write(place, given)
        except Fault:
            raise CodecError(f"{address}: {len(given)} values do not fit behind it") from None

    def _known(self, text: str) -> Address:
        """Return an address in this memory. Raises CodecError."""
        place = address_of(text)
        if place.type or place.code not in self._areas:
            banks = f"words and bits, and {self._banks} banks"
            raise CodecError(f"{text}: the memory of a simulated controller has {banks}")
        return evolve(place, area=AREAS["E0_"]) if place.area.name == "E" else place
