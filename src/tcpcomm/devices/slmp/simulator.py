"""
A controller that keeps its devices in memory: :class:`Memory`, and one class for each other frame.

It answers as the manuals say, with the end codes of an FX5 where controllers differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final

from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.devices.slmp.addresses import Address
from tcpcomm.devices.slmp.commands import (
    LOCKED,
    NOT_EXECUTABLE,
    WRONG_COMMAND,
    BitAt,
    Block,
    BlockOfWords,
    ClearMode,
    DoubleAt,
    LongBitAt,
    LongBlock,
    LongBlockOfWords,
    LongDoubleAt,
    LongWordAt,
    RandomValues,
    TypeName,
    WordAt,
)
from tcpcomm.devices.slmp.declaration import Slmp, Slmp4E, SlmpAscii, SlmpAscii4E, SlmpFX5
from tcpcomm.devices.slmp.memory import Devices
from tcpcomm.devices.slmp.places import (
    MAX_BITS_WRITTEN,
    MAX_BITS_WRITTEN_IQR,
    MAX_POINTS,
    MAX_POINTS_IQR,
    MAX_WEIGHT,
    MAX_WEIGHT_IQR,
    NOT_AT_RANDOM,
)
from tcpcomm.errors import ConfigurationError, Fault

MAX_BLOCKS: Final = 120
"""The most blocks of one request."""

MAX_BLOCKS_IQR: Final = 60
"""The same for the longer addresses of iQ-R."""

WRONG_BITS: Final[int] = 0xC051
WRONG_WORDS: Final[int] = 0xC052
WRONG_RANDOM_BITS: Final[int] = 0xC053
WRONG_RANDOM_WORDS: Final[int] = 0xC054
WRONG_BLOCKS: Final[int] = 0xC0D8
NOT_STOPPED: Final[int] = 0x4013
NOT_AT_RANDOM_HERE: Final[int] = 0x4032
WRONG_PASSWORD: Final[int] = 0xC200


class CpuState(IntEnum):
    """The states of a CPU, as SD203 has them."""

    RUN = 0
    STOP = 2
    PAUSE = 3


class Bodies:
    """
    The bodies of the commands over devices in memory.

    Args:
        devices: the devices of the connected station. Several simulators may have the same.
        model: the name of the model; None: the usual one.
        code: the code of the model; None: the usual one.
        password: the remote password that unlocks the port; empty: it is not locked.
        sizes: the number of devices of a kind, if it differs from the usual one: ``D=200``, ``ZR=0``.

    Raises:
        ConfigurationError: a kind or a number of devices is wrong, or the name of the model is too long.
    """

    network: Any
    station: Any
    notation: Mapping[str, int]
    text_encoding: str
    most_words: int
    most_bits: int
    kinds: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """The number of devices of a kind, if it differs from the usual one."""
    usual: ClassVar[TypeName] = TypeName("Q03UDVCPU", 0x366)
    """The usual model."""
    has_iqr: ClassVar[bool] = True
    """True if it has the commands for iQ-R."""

    def __init__(
        self,
        devices: Devices | None = None,
        *,
        model: str | None = None,
        code: int | None = None,
        password: str = "",
        **sizes: int,
    ) -> None:
        check_plain(self.on_write)
        if not isinstance(devices, Devices | None):
            raise ConfigurationError(f"write the number of devices by their kind, D=200, not {devices!r}")
        if model is not None and len(model) > 16:
            raise ConfigurationError(f"the name of a model has 16 characters at most, not {model!r}")
        if devices is None:
            kinds = {**self.kinds, **sizes}
            devices = Devices(kinds, notation=self.notation, encoding=self.text_encoding)
        self.devices = devices
        self.stations = {(0, 0xFF): self.devices}
        """The devices of each station by network and station number. Add those behind a relay."""
        self.type_name = TypeName(model or self.usual.name, self.usual.code if code is None else code)
        self.switch = CpuState.RUN
        """The position of the switch at the CPU, RUN or STOP."""
        self.password = password
        self.locked = bool(password)
        self._asked = CpuState.RUN
        self._publish()

    def __getitem__(self, address: str | tuple[str, int]) -> Any:
        """Return a value, ``memory["D100"]``, or a list of ten, ``memory["D100", 10]``."""
        return self.devices[address]

    def __setitem__(self, address: str, values: Any) -> None:
        """Store a value, or a list of values from an address on."""
        self.devices[address] = values

    @property
    def state(self) -> CpuState:
        """The state of the CPU. Its switch in STOP overrules what hosts ask for."""
        return CpuState.STOP if self.switch == CpuState.STOP else self._asked

    def on_write(self, device: str, start: int, values: Sequence[int]) -> None:
        """
        Note that a host writes. Override it.

        It may raise Fault to refuse. Then nothing of the request is stored.

        Args:
            device: the kind of the devices, such as ``D``.
            start: the number of the first one.
            values: words, or bits.
        """

    def _publish(self) -> None:
        self.devices["SD203"] = int(self.state)

    def _target(self) -> Devices:
        """Return the devices of the station that was asked. Raises Fault."""
        if self.locked:
            raise Fault(LOCKED)
        found = self.stations.get((self.network.value, self.station.value))
        if found is None:
            raise Fault(NOT_EXECUTABLE)
        self._publish()
        return found

    def read_words(self, device: Address, count: int) -> list[int]:
        devices = self._target()
        if not 1 <= count <= self.most_words:
            raise Fault(WRONG_WORDS)
        return devices.words(device.kind, device.number, count)

    def read_bits(self, device: Address, count: int) -> list[bool]:
        devices = self._target()
        if not 1 <= count <= self.most_bits:
            raise Fault(WRONG_BITS)
        return devices.bits(device.kind, device.number, count)

    def write_words(self, device: Address, values: list[int]) -> None:
        devices, kind = self._target(), device.kind
        if not 1 <= len(values) <= self.most_words:
            raise Fault(WRONG_WORDS)
        devices.words(kind, device.number, len(values))  # refuses missing devices
        self.on_write(kind.name, device.number, values)
        devices.set_words(kind, device.number, values)

    def write_bits(self, device: Address, values: list[bool]) -> None:
        devices, kind = self._target(), device.kind
        if not 1 <= len(values) <= self.most_bits:
            raise Fault(WRONG_BITS)
        devices.bits(kind, device.number, len(values))
        self.on_write(kind.name, device.number, values)
        devices.set_bits(kind, device.number, values)

    def read_random(self, devices: Sequence[Address], double_devices: Sequence[Address]) -> RandomValues:
        return self._read_random(devices, double_devices, MAX_POINTS)

    def _read_random(
        self, devices: Sequence[Address], double_devices: Sequence[Address], most: int
    ) -> RandomValues:
        target = self._target()
        if not 1 <= len(devices) + len(double_devices) <= most:
            raise Fault(WRONG_RANDOM_WORDS)
        _check_random(devices, double_devices)
        return RandomValues(
            [target.words(each.kind, each.number, 1)[0] for each in devices],
            [target.double(each.kind, each.number) for each in double_devices],
        )

    def write_random(self, words: Sequence[WordAt], doubles: Sequence[DoubleAt]) -> None:
        self._write_random(words, doubles, MAX_WEIGHT)

    def _write_random(
        self, words: Sequence[WordAt | LongWordAt], doubles: Sequence[DoubleAt | LongDoubleAt], most: int
    ) -> None:
        target = self._target()
        if not 1 <= 12 * len(words) + 14 * len(doubles) <= most:
            raise Fault(WRONG_RANDOM_WORDS)
        _check_random([each.device for each in words], [each.device for each in doubles])
        for word in words:
            target.words(word.device.kind, word.device.number, 1)
            self.on_write(word.device.kind.name, word.device.number, [word.value])
        for double in doubles:
            target.double(double.device.kind, double.device.number)
            values = [double.value & 0xFFFF, double.value >> 16]
            self.on_write(double.device.kind.name, double.device.number, values)
        for word in words:
            target.set_words(word.device.kind, word.device.number, [word.value])
        for double in doubles:
            target.set_double(double.device.kind, double.device.number, double.value)

    def write_random_bits(self, bits: Sequence[BitAt]) -> None:
        self._write_random_bits(bits, MAX_BITS_WRITTEN)

    def _write_random_bits(self, bits: Sequence[BitAt | LongBitAt], most: int) -> None:
        target = self._target()
        if not 1 <= len(bits) <= most:
            raise Fault(WRONG_RANDOM_BITS)
        for each in bits:
            target.bits(each.device.kind, each.device.number, 1)
            self.on_write(each.device.kind.name, each.device.number, [each.value])
        for each in bits:
            target.set_bits(each.device.kind, each.device.number, [each.value])

    def read_blocks(self, words: Sequence[Block], bits: Sequence[Block]) -> list[int]:
        return self._read_blocks([*words, *bits], MAX_BLOCKS)

    def _read_blocks(self, blocks: Sequence[Block | LongBlock], most: int) -> list[int]:
        target = self._target()
        _check_blocks([each.count for each in blocks], most, self.most_words)
        return [
            word
            for each in blocks
            for word in target.words(each.device.kind, each.device.number, each.count)
        ]

    def write_blocks(self, words: Sequence[BlockOfWords], bits: Sequence[BlockOfWords]) -> None:
        self._write_blocks([*words, *bits], MAX_BLOCKS)

    def _write_blocks(self, blocks: Sequence[BlockOfWords | LongBlockOfWords], most: int) -> None:
        target = self._target()
        _check_blocks([len(each.values) for each in blocks], most, self.most_words)
        for each in blocks:
            target.words(each.device.kind, each.device.number, len(each.values))
            self.on_write(each.device.kind.name, each.device.number, each.values)
        for each in blocks:
            target.set_words(each.device.kind, each.device.number, each.values)

    # -- iQ-R: the same with longer addresses ------------------------------------------------------------

    def read_words_iqr(self, device: Address, count: int) -> list[int]:
        self._check_iqr()
        return self.read_words(device, count)

    def read_bits_iqr(self, device: Address, count: int) -> list[bool]:
        self._check_iqr()
        return self.read_bits(device, count)

    def write_words_iqr(self, device: Address, values: list[int]) -> None:
        self._check_iqr()
        self.write_words(device, values)

    def write_bits_iqr(self, device: Address, values: list[bool]) -> None:
        self._check_iqr()
        self.write_bits(device, values)

    def read_random_iqr(
        self, devices: Sequence[Address], double_devices: Sequence[Address]
    ) -> RandomValues:
        self._check_iqr()
        return self._read_random(devices, double_devices, MAX_POINTS_IQR)

    def write_random_iqr(self, words: Sequence[LongWordAt], doubles: Sequence[LongDoubleAt]) -> None:
        self._check_iqr()
        self._write_random(words, doubles, MAX_WEIGHT_IQR)

    def write_random_bits_iqr(self, bits: Sequence[LongBitAt]) -> None:
        self._check_iqr()
        self._write_random_bits(bits, MAX_BITS_WRITTEN_IQR)

    def read_blocks_iqr(self, words: Sequence[LongBlock], bits: Sequence[LongBlock]) -> list[int]:
        self._check_iqr()
        return self._read_blocks([*words, *bits], MAX_BLOCKS_IQR)

    def write_blocks_iqr(self, words: Sequence[LongBlockOfWords], bits: Sequence[LongBlockOfWords]) -> None:
        self._check_iqr()
        self._write_blocks([*words, *bits], MAX_BLOCKS_IQR)

    def _check_iqr(self) -> None:
        if not self.has_iqr:
            raise Fault(WRONG_COMMAND)

    # -- the CPU -----------------------------------------------------------------------------------------

    def remote_run(self, mode: int, clear: ClearMode, fixed: int = 0) -> None:
        self._target()
        if clear != ClearMode.NOTHING:
            self.devices.clear(latched=clear == ClearMode.ALL)
        self._ask(CpuState.RUN)

    def remote_stop(self, fixed: int = 1) -> None:
        self._target()
        self._ask(CpuState.STOP)

    def remote_pause(self, mode: int) -> None:
        self._target()
        self._ask(CpuState.PAUSE)

    def _ask(self, state: CpuState) -> None:
        self._asked = state
        self._publish()

    def remote_latch_clear(self, fixed: int = 1) -> None:
        self._target()
        self._check_stopped()
        self.devices.clear(latched=True)

    def remote_reset(self, fixed: int = 1) -> None:
        self._target()
        self._check_stopped()
        self.locked = bool(self.password)
        self._ask(CpuState.RUN)

    def _check_stopped(self) -> None:
        if self.state != CpuState.STOP:
            raise Fault(NOT_STOPPED)

    def read_type_name(self) -> TypeName:
        self._target()
        return self.type_name

    def self_test(self, data: bytes) -> bytes:
        self._target()
        return data

    def clear_error(self) -> None:
        self._target()

    def remote_unlock(self, password: str) -> None:
        self._check_password(password)
        self.locked = False

    def remote_lock(self, password: str) -> None:
        self._check_password(password)
        self.locked = bool(self.password)

    def _check_password(self, password: str) -> None:
        if password != self.password:
            raise Fault(WRONG_PASSWORD)


def _check_random(devices: Sequence[Address], double_devices: Sequence[Address]) -> None:
    """Raise Fault if the random commands do not take one of these devices."""
    kinds = [each.kind for each in devices]
    if any(kind.doubles for kind in kinds):
        raise Fault(NOT_AT_RANDOM_HERE)
    if any(kind.name in NOT_AT_RANDOM for kind in [*kinds, *(each.kind for each in double_devices)]):
        raise Fault(NOT_AT_RANDOM_HERE)


def _check_blocks(counts: Sequence[int], most: int, most_words: int) -> None:
    """Raise Fault if no request has so many blocks, or so many words in them."""
    if not 1 <= len(counts) <= most:
        raise Fault(WRONG_BLOCKS)
    if not all(counts) or sum(counts) > most_words:
        raise Fault(WRONG_WORDS)


class Memory(Bodies, Slmp):  # type: ignore[misc]
    """
    A controller with its devices in memory, in the binary 3E frame.

    ::

        memory = Memory(D=200)
        memory["D100"] = 7
        serve(memory, at="tcp:5007:interface=127.0.0.1")
    """


class Memory4E(Bodies, Slmp4E):  # type: ignore[misc]
    """A :class:`Memory` that speaks the binary 4E frame."""


class MemoryAscii(Bodies, SlmpAscii):  # type: ignore[misc]
    """A :class:`Memory` that speaks the 3E frame in ASCII."""


class MemoryAscii4E(Bodies, SlmpAscii4E):  # type: ignore[misc]
    """A :class:`Memory` that speaks the 4E frame in ASCII."""


class MemoryFX5(Bodies, SlmpFX5):  # type: ignore[misc]
    """An FX5 (iQ-F): its inputs and outputs are octal, and it has no commands for iQ-R."""

    kinds: ClassVar[Mapping[str, int]] = MappingProxyType(
        {**dict.fromkeys(("V", "ZR", "DX", "DY", "RD", "LTN", "LSTN"), 0), "X": 1024, "Y": 1024, "D": 8000}
    )
    usual: ClassVar[TypeName] = TypeName("FX5U-32MT/DS", 0x4A49)
    has_iqr: ClassVar[bool] = False
