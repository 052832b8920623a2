"""
The catalogue of devices that are ready to use: :class:`Device`, :func:`find_device`, :func:`all_devices`.

``tcpcomm devices`` lists it, and the other commands take the names in it: ``tcpcomm simulate modbus``.
Other packages add their devices by entry points of the group ``tcpcomm.devices``, in their ``setup.cfg``::

    [options.entry_points]
    tcpcomm.devices =
        acme-press = acme_tcpcomm:Press

The object is a subclass of Equipment, or a :class:`Device` that says more about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from inspect import getdoc
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.load_object import load_object, user_error_text

GROUP: Final = "tcpcomm.devices"
"""The group of the entry points."""


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@frozen(kw_only=True)
class Device:
    """
    A device that is ready to use.

    Attributes:
        name: the name by which commands take it: ``modbus``.
        summary: one line about it.
        kind: its declaration, or the place of that as ``module:name``.
        simulator: a class that implements the declaration, to be made without arguments, or its place.
            None: random answers simulate it.
        port: the TCP port where such equipment usually listens, or None.
        source: the standard or the manual that it follows.
        served: programs of others that its equipment's end is tested with.
        asked: programs of others that its host's end is tested with.
    """

    name: str
    summary: str
    kind: str | type[Equipment]
    simulator: str | type[Equipment] | None = None
    port: int | None = None
    source: str = ""
    served: tuple[str, ...] = field(default=(), converter=_texts)
    asked: tuple[str, ...] = field(default=(), converter=_texts)

    @property
    def place(self) -> str:
        """The place of the declaration, as ``module:name``."""
        kind = self.kind
        return kind if isinstance(kind, str) else f"{kind.__module__}:{kind.__qualname__}"

    def load(self) -> type[Equipment]:
        """
        Return the declaration.

        Raises:
            ConfigurationError: it cannot be imported, or is not a declaration.
        """
        return _loaded(self.kind)

    def load_simulator(self) -> type[Equipment] | None:
        """
        Return the class that simulates the device, or None if random answers do.

        Raises:
            ConfigurationError: it cannot be imported, or is not a declaration.
        """
        return None if self.simulator is None else _loaded(self.simulator)


def _loaded(place: str | type[Equipment]) -> type[Equipment]:
    found = load_object(place) if isinstance(place, str) else place
    declaration_of(found)
    kind: type[Equipment] = found
    return kind


OURS: Final[tuple[Device, ...]] = (
    Device(
        name="cognex",
        summary="Cognex In-Sight cameras in native mode",
        kind="tcpcomm.devices.cognex:InSight",
        simulator="tcpcomm.devices.cognex:Emulator",
        port=23,
        source="In-Sight Explorer Help 6.x, Native Mode Commands and Native Mode Checksum",
        served=("CognexNativePy",),
    ),
    Device(
        name="fanuc",
        summary="FANUC robots by the Remote Motion Interface (RMI)",
        kind="tcpcomm.devices.fanuc:Rmi",
        simulator="tcpcomm.devices.fanuc:Controller",
        port=16001,
        source="FANUC Remote Motion Interface Operator's Manual B-84184EN/01",
        served=("fanuc_rmi",),
    ),
    Device(
        name="fins",
        summary="FINS/TCP: controllers of Omron (CS, CJ, CP, NSJ)",
        kind="tcpcomm.devices.fins:Fins",
        simulator="tcpcomm.devices.fins:Controller",
        port=9600,
        source="Omron W342, sections 5-1 to 5-3; Omron W420, section 7-4",
        served=("fins", "omniplc"),
    ),
    Device(
        name="hsms",
        summary="semiconductor equipment: HSMS and SECS-II, with the basics of GEM",
        kind="tcpcomm.devices.hsms:Gem",
        simulator="tcpcomm.devices.hsms:GemTool",
        port=5000,
        source="SEMI E37, E37.1, E5 and E30",
        served=("secsgem",),
        asked=("secsgem",),
    ),
    Device(
        name="keyence",
        summary="Vision systems of KEYENCE: CV-X, XG-X",
        kind="tcpcomm.devices.keyence:CvX",
        simulator="tcpcomm.devices.keyence:SimulatedCvX",
        port=8500,
        source="KEYENCE CV-X and XG-X, Ethernet (non-procedural): command list, error codes",
    ),
    Device(
        name="modbus",
        summary="Modbus/TCP: PLCs, drives, meters, gateways",
        kind="tcpcomm.devices.modbus:Modbus",
        simulator="tcpcomm.devices.modbus:Memory",
        port=502,
        source="MODBUS Application Protocol Specification V1.1b3, 6; Messaging on TCP/IP V1.0b, 3.1",
        served=("pymodbus", "pyModbusTCP", "uModbus", "libmodbus"),
        asked=("pymodbus", "pyModbusTCP", "libmodbus"),
    ),
    Device(
        name="modbus-rtu",
        summary="Modbus RTU over TCP, as serial servers pass it on",
        kind="tcpcomm.devices.modbus:ModbusRtu",
        simulator="tcpcomm.devices.modbus:MemoryRtu",
        source="MODBUS over Serial Line V1.02, 2.5.1",
        served=("pymodbus",),
        asked=("pymodbus",),
    ),
    Device(
        name="s7",
        summary="Siemens S7-300, 400, 1200, 1500: S7 communication",
        kind="tcpcomm.devices.s7:S7",
        simulator="tcpcomm.devices.s7:Memory",
        port=102,
        source="RFC 1006; ITU-T X.224; the dissector s7comm of Wireshark",
        served=("pyS7", "python-snap7"),
        asked=("python-snap7",),
    ),
    Device(
        name="scpi",
        summary="Measuring instruments: subclass Instrument; a multimeter is the example",
        kind="tcpcomm.devices.scpi:Multimeter",
        simulator="tcpcomm.devices.scpi:SimulatedMultimeter",
        port=5025,
        source="SCPI-99; IEEE 488.2-1992, chapters 7 to 12",
        served=("pyvisa with pyvisa-py",),
        asked=("lewis", "sinstruments"),
    ),
    Device(
        name="slmp",
        summary="SLMP (MC protocol): controllers of Mitsubishi (iQ-R, iQ-F, Q, L)",
        kind="tcpcomm.devices.slmp:Slmp",
        simulator="tcpcomm.devices.slmp:Memory",
        port=5007,
        source="Mitsubishi SH(NA)-080956ENG, SLMP Reference Manual, 4 and 5; SH(NA)-080008, 8",
        served=("aslmp", "plc-comm-slmp", "pymcprotocol"),
        asked=("aslmp",),
    ),
    Device(
        name="slmp-4e",
        summary="SLMP (MC protocol) in 4E frames",
        kind="tcpcomm.devices.slmp:Slmp4E",
        simulator="tcpcomm.devices.slmp:Memory4E",
        port=5007,
        source="Mitsubishi SH(NA)-080956ENG, SLMP Reference Manual, 4 and 5",
        served=("aslmp", "plc-comm-slmp", "pymcprotocol"),
        asked=("aslmp",),
    ),
    Device(
        name="slmp-ascii",
        summary="SLMP (MC protocol) in ASCII",
        kind="tcpcomm.devices.slmp:SlmpAscii",
        simulator="tcpcomm.devices.slmp:MemoryAscii",
        port=5007,
        source="Mitsubishi SH(NA)-080956ENG, SLMP Reference Manual, 4 and 5",
        served=("pymcprotocol", "aslmp"),
        asked=("aslmp",),
    ),
    Device(
        name="slmp-fx5",
        summary="SLMP (MC protocol) with an FX5 (iQ-F), whose X and Y are octal",
        kind="tcpcomm.devices.slmp:SlmpFX5",
        simulator="tcpcomm.devices.slmp:MemoryFX5",
        port=5007,
        source="Mitsubishi JY997D56001, MELSEC iQ-F FX5 SLMP",
        served=("aslmp", "plc-comm-slmp"),
        asked=("aslmp",),
    ),
    Device(
        name="xgt",
        summary="XGT FEnet: controllers of LS Electric (XGK, XGI, XGR, XGB)",
        kind="tcpcomm.devices.xgt:Xgt",
        simulator="tcpcomm.devices.xgt:Memory",
        port=2004,
        source="LS Electric XGL-EFMT, chapter 8 and section 10.4; XGL-EFMF, chapter 7",
        served=("PyXGT", "pyXGTClient"),
    ),
)
"""The devices of tcpcomm itself, by name in alphabetical order."""


def all_devices() -> Iterator[Device | ConfigurationError]:
    """
    Yield tcpcomm's own devices, then those of other packages by name.

    A device of another package that cannot be loaded, or that has the name of one of ours, is yielded as
    the error that says so.
    """
    yield from OURS
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            yield _of_others(entry)
        except ConfigurationError as error:
            yield error


def find_device(name: str) -> Device:
    """
    Return the device of this name.

    Raises:
        ConfigurationError: there is none, or it cannot be loaded.
    """
    for device in OURS:
        if device.name == name:
            return device
    others = entry_points(group=GROUP)
    for entry in others.select(name=name):
        return _of_others(entry)
    known = sorted([*(each.name for each in OURS), *others.names])
    similar = get_close_matches(name, known, 1)
    hint = f"did you mean {similar[0]}? " if similar else ""
    raise ConfigurationError(
        f"{name}: there is no device of this name: {hint}'tcpcomm devices' lists them. Name a declaration "
        "of yours as module:name or file:name, such as my_camera:VisionCamera or my_camera.py:VisionCamera"
    )


def _of_others(entry: EntryPoint) -> Device:
    """Return the device of an entry point. Raises ConfigurationError."""
    where = f"the device {entry.name} of {entry.dist.name if entry.dist else 'another package'}"
    if any(device.name == entry.name for device in OURS):
        raise ConfigurationError(f"{where} has the name of a device of tcpcomm: give it another name")
    try:
        found: Any = entry.load()
    except Exception as error:
        raise ConfigurationError(f"{where} cannot be loaded: {user_error_text(error)}") from None
    if isinstance(found, Device):
        return found
    try:
        declaration = declaration_of(found)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    words = (getdoc(declaration.kind) or "").partition("\n")[0]
    return Device(name=entry.name, summary=words, kind=declaration.kind)
