"""A device that notes what hosts write: :class:`Noting`."""

from __future__ import annotations

from typing import Any

from tcpcomm.devices.modbus import Memory

__all__ = ["Noting"]


class Noting(Memory):
    """Notes what hosts write, with the unit that they ask."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.writes: list[Any] = []

    def on_write(self, table: str, address: int, values: list[Any]) -> None:
        self.writes.append((self.unit.value, table, address, values))
