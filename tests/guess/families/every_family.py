"""The families of the bench, in the order of its page: :data:`FAMILIES`."""

from __future__ import annotations

from typing import Final

from tests.guess.families.devices import DEVICES
from tests.guess.families.lines import ENCLOSED, LINES
from tests.guess.families.other_kinds import OTHER_KINDS
from tests.guess.families.private import PRIVATE
from tests.guess.families.protocols import PROTOCOLS
from tests.guess.families.without import WITHOUT
from tests.guess.talk import Family

__all__ = ["FAMILIES", "family_named"]

FAMILIES: Final[tuple[Family, ...]] = (
    *LINES,
    *ENCLOSED,
    *OTHER_KINDS,
    *PROTOCOLS,
    *DEVICES,
    *PRIVATE,
    *WITHOUT,
)


def family_named(name: str) -> Family:
    """Return the family of this name."""
    return next(each for each in FAMILIES if each.name == name)
