"""Words for the codes of faults: :func:`meanings_of`. A host reads them, and nobody sends them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import ConfigurationError, Fault

Meanings = Mapping[int, str] | Mapping[str, str] | Mapping[int | str, str] | type[Enum]
"""
Words for codes: a mapping such as ``{2: "illegal data address"}``, or an ``IntEnum`` or ``StrEnum`` of the
codes, whose names are the words: ``ILLEGAL_DATA_ADDRESS = 2``.
"""


def meanings_of(given: Any) -> Mapping[int | str, str]:
    """
    Return the words of codes by their code.

    Raises:
        ConfigurationError: it is neither a mapping of codes to texts nor an Enum of codes.
    """
    if isinstance(given, type) and issubclass(given, Enum):
        found = {each.value: name.replace("_", " ").lower() for name, each in given.__members__.items()}
    elif isinstance(given, Mapping):
        found = dict(given)
    else:
        raise ConfigurationError(
            "meanings must be a mapping such as {2: 'illegal data address'}, or an IntEnum of the codes, "
            f"not {brief_repr(given)}"
        )
    for code, words in found.items():
        if type(code) not in (int, str) or not isinstance(words, str):
            raise ConfigurationError(
                f"meanings map a code, which is a number or a text, to its words: {brief_repr(code)} is "
                f"mapped to {brief_repr(words)}"
            )
    return MappingProxyType(found)


def fault_with_meaning(meanings: Mapping[int | str, str], code: Any, reason: str, data: Any) -> Fault:
    """Return a fault that came from the equipment. Its meaning is the reason if it came without one."""
    return Fault(code, reason or meanings.get(code, ""), data)
