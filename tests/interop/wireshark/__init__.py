"""Captures for tshark, and what it reads in them: :class:`Capture`, :func:`dissected`."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from attrs import define, field, frozen

from tests.system.running import DEADLINE

__all__ = ["EQUIPMENT", "HOST", "Capture", "Shown", "dissected"]

HOST, EQUIPMENT = "host", "equipment"


@define
class Capture:
    """Makes a capture of TCP connections, in the form of pcap with raw IP packets."""

    packets: list[bytes] = field(factory=list)
    _sequence: dict[tuple[int, str], int] = field(factory=dict)
    _connection: int = 0
    _port: int = 0
    _seconds: float = 1.0

    def connect(self, port: int) -> None:
        """Begin another connection with equipment at a port."""
        self._connection += 1
        self._port = port
        for sender, flags in ((HOST, 0x02), (EQUIPMENT, 0x12), (HOST, 0x10)):
            self._packet(sender, b"", flags)

    def send(self, sender: str, data: bytes) -> None:
        """Send a segment."""
        self._packet(sender, data, 0x18)

    def pause(self, seconds: float) -> None:
        """Let time pass before the next segment."""
        self._seconds += seconds

    def _packet(self, sender: str, data: bytes, flags: int) -> None:
        other = EQUIPMENT if sender == HOST else HOST
        ports = {HOST: 50000 + self._connection, EQUIPMENT: self._port}
        numbers = [self._sequence.get((self._connection, each), 1000) for each in (sender, other)]
        self._sequence[self._connection, sender] = numbers[0] + len(data) + (1 if flags & 0x02 else 0)
        head = (ports[sender], ports[other], *numbers, 0x50, flags, 65535, 0, 0)
        tcp = struct.pack(">HHIIBBHHH", *head) + data
        places = {HOST: bytes((10, 0, 0, 1)), EQUIPMENT: bytes((10, 0, 0, 2))}
        size = 20 + len(tcp)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, size, 0, 0x4000, 64, 6, 0) + places[sender] + places[other]
        self._seconds += 0.001
        whole, part = divmod(self._seconds, 1)
        record = struct.pack("<IIII", int(whole), int(part * 1e6), size, size)
        self.packets.append(record + ip + tcp)

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(
            struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101) + b"".join(self.packets)
        )


@frozen
class Shown:
    """
    One message, as tshark shows it.

    Attributes:
        frame: the number of the packet that completes it.
        kind: request, reply, event or fault; empty if it fits nothing.
        message: the name of the command or event.
        fields: the values by their paths, in order, as text.
        experts: the words of expert information.
    """

    frame: int
    kind: str
    message: str
    fields: dict[str, list[str]]
    experts: list[str]


def dissected(capture: Path, scripts: Mapping[str, Path], *options: str) -> dict[str, list[Shown]]:
    """
    Return the messages that tshark shows with dissectors, by the names of their protocols.

    It fails if Lua has an error.
    """
    loaded = [word for script in scripts.values() for word in ("-X", f"lua_script:{script}")]
    done = subprocess.run(
        ["tshark", *loaded, "-r", capture, "-T", "pdml", *options],
        capture_output=True,
        timeout=4 * DEADLINE,
    )
    output = done.stdout.decode("utf-8", "replace")
    problems = [
        line
        for line in done.stderr.decode("utf-8", "replace").splitlines()
        if line.strip() and "Running as user" not in line
    ]
    assert (0, []) == (done.returncode, problems)
    assert "Lua Error" not in output, output[output.index("Lua Error") :][:800]
    found: dict[str, list[Shown]] = {name: [] for name in scripts}
    for packet in ElementTree.fromstring(output).iter("packet"):
        (number,) = (each.get("show", "") for each in packet.iter("field") if each.get("name") == "num")
        for proto in packet.iter("proto"):
            name = proto.get("name", "")
            if name in found:
                found[name].append(_shown(int(number), proto, name))
    return found


def _fields(element: Any) -> Iterator[Any]:
    """Yield the fields in an element, without those of messages inside it."""
    for each in element:
        if each.tag == "field":
            yield each
            yield from _fields(each)


def _shown(number: int, proto: Any, prefix: str) -> Shown:
    fields: dict[str, list[str]] = {}
    experts: list[str] = []
    for each in _fields(proto):
        name = each.get("name", "")
        if name == "_ws.expert.message":
            experts.append(each.get("show", ""))
        elif name.startswith(f"{prefix}."):
            fields.setdefault(name.removeprefix(f"{prefix}."), []).append(each.get("show", ""))
    kind, message = (fields.pop(each, [""])[0] for each in ("kind", "message"))
    return Shown(number, kind, message, fields, experts)
