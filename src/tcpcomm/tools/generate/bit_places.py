"""The places of the values in a number of bits: :func:`bit_places`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Form = Mapping[str, Any]


class BitPlace(NamedTuple):
    """One value in a number: its name, its form, its lowest bit counted from 0, and its bits."""

    name: str
    form: Form
    shift: int
    width: int

    @property
    def mask(self) -> int:
        """The bits of the value, where they stand in the number."""
        return ((1 << self.width) - 1) << self.shift


def bit_places(form: Form) -> Iterator[BitPlace]:
    """Yield the values in a form of the type ``bits``, in the order of their declaration."""
    used, available = 0, 8 * number_of(form["in"])["bytes"]
    for field in form["fields"]:
        width = number_of(field["form"])["bits"]
        shift = used if form["first"] == "lowest" else available - used - width
        yield BitPlace(field["name"], field["form"], shift, width)
        used += width


def number_of(form: Form) -> Any:
    """Return the form of the number that carries a value, such as that of a choice."""
    return number_of(form["in"]) if "in" in form else form
