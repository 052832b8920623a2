"""
The tables of devices, written from their catalogue: ``python -m tests.docs.devices`` writes both pages.

``docs/devices/README.md`` says which device speaks what, and ``README.md`` which programs prove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tcpcomm.devices.catalogue import OURS, Device
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PART", "TABLES", "page_of"]

PART: Final = "devices"
FOLDER: Final = ROOT / "docs/devices"

NOBODY: Final = "–"


def page_of(device: Device) -> Path:
    """Return the page about a device. A variant such as ``modbus-rtu`` has none of its own."""
    own = FOLDER / f"{device.name}.md"
    return own if own.exists() else FOLDER / f"{device.name.partition('-')[0]}.md"


def speaks() -> str:
    """Return the table of the page that says which device speaks what."""
    rows = [["device", "what it is", "TCP port", "declaration", "simulator", "source"]]
    for device in OURS:
        port = "" if device.port is None else str(device.port)
        simulator = device.simulator if isinstance(device.simulator, str) else ""
        imported = [_import(device.place), _import(simulator)]
        rows.append([_link(device, FOLDER), _sentence(device.summary), port, *imported, device.source])
    return _table(rows)


def proven() -> str:
    """Return the table of the README: device, ends, and the programs of others that prove them."""
    peers = ["clients that the simulator serves", "servers that the host asks"]
    rows = [["device", "what it is", "ends", *peers]]
    for device in OURS:
        ends = "host" if device.simulator is None else "host, equipment"
        found = [", ".join(each) or NOBODY for each in (device.served, device.asked)]
        rows.append([_link(device, ROOT), _sentence(device.summary), ends, *found])
    return _table(rows)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _link(device: Device, page: Path) -> str:
    return f"[`{device.name}`]({page_of(device).relative_to(page).as_posix()})"


def _import(place: str) -> str:
    """Return the class of a place such as ``tcpcomm.devices.modbus:Memory``, for people."""
    module, _, name = place.partition(":")
    return f"`{module.rpartition('.')[2]}.{name}`" if name else ""


def _table(rows: Iterable[list[str]]) -> str:
    head, *others = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *others))


TABLES: Final = {FOLDER / "README.md": speaks, ROOT / "README.md": proven}
"""The pages with a table, and the function that returns it."""


if __name__ == "__main__":
    for page, table in TABLES.items():
        page.write_text(with_part(page.read_text("utf-8"), PART, table()), "utf-8")
