"""
Declarations that hypothesis draws: each codec has its own in the module ``declarations`` of its folder.

A codec joins ``test_drawn_declarations.py`` with a ``DRAWN`` there. A second one is in a module with a
longer name, such as ``declarations_plain``.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen
from hypothesis.strategies import SearchStrategy

from tcpcomm.codec import Dialect, MessageSpec
from tcpcomm.errors import Fault
from tests.codec.cases import Case

__all__ = ["Drawn", "Rebuilt", "all_drawn"]


class Rebuilt(ABC):
    """Writes and reads one command or event, and knows only its JSON from ``tcpcomm describe``."""

    reads = True
    """False if it only writes."""

    @abstractmethod
    def request(self, values: dict[str, Any], id: int) -> bytes:
        """Return the frame of a request or an event."""

    @abstractmethod
    def read_request(self, frame: bytes) -> Any:
        """Return the values in a request or an event, as :meth:`plain` returns them, if it reads."""

    @abstractmethod
    def reply(self, values: dict[str, Any], result: Any, id: int) -> list[bytes]:
        """Return the frames of the reply to a request with these values, with the acknowledgement."""

    def fault(self, fault: Fault, id: int) -> bytes | None:
        """Return the frame of a fault, or None if this cannot write faults."""
        return None

    @abstractmethod
    def plain(self, values: dict[str, Any]) -> Any:
        """Return the values of a request as JSON has them."""


@frozen
class Drawn:
    """
    The declarations of one codec.

    Attributes:
        name: the part of the test's name.
        declarations: draws a codec with commands and events that it can carry.
        wild: draws declarations that contain any combination of what the codec knows. Most are refused.
        rebuild: makes a codec from the JSON of one command or event; None if the JSON does not say enough.
    """

    name: str
    declarations: SearchStrategy[Case]
    wild: SearchStrategy[Case]
    rebuild: Callable[[Dialect, MessageSpec], Rebuilt] | None = None


def all_drawn() -> list[Drawn]:
    """Return the ``DRAWN`` of every module ``declarations*`` in the folders of the codecs."""
    paths = sorted(Path(__file__).parent.glob("*/declarations*.py"))
    found = [importlib.import_module(f"tests.codec.{path.parent.name}.{path.stem}").DRAWN for path in paths]
    assert found
    return found
