"""
The device's end of Modbus: :class:`Memory` has four tables, which hosts read and write.

::

    memory = Memory(holding=200, coils=[True, False])
    memory.holding[5] = 7
    serve(memory, at="tcp:502:interface=127.0.0.1")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, Literal, SupportsIndex, TypeVar, overload

from tcpcomm.devices.modbus.declaration import Modbus, ModbusRtu
from tcpcomm.devices.modbus.exception_codes import ExceptionCode
from tcpcomm.devices.modbus.messages import (
    ADDRESSES,
    MOST_BITS_WRITTEN,
    MOST_REGISTERS_WRITTEN,
    MOST_REGISTERS_WRITTEN_AND_READ,
    CoilState,
    CoilWritten,
    DeviceIdentification,
    IdentificationObject,
    MaskWritten,
    Written,
)
from tcpcomm.devices.modbus.typed_values import Kind, to_registers, wanted_values
from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.devices.word_types import Order
from tcpcomm.errors import CodecError, ConfigurationError, Fault, NoReply

V = TypeVar("V", bound=int)

MOST_OBJECT_BYTES: Final = 244
"""The bytes of identification objects, with the number and the length of each, that fit into one reply."""

_SINGLE: Final = 4
"""The read code that asks for one object of the identification."""

_LAST_OBJECTS: Final = {1: 0x02, 2: 0x7F, 3: 0xFF}
"""The last object of each level of identification."""

_IDENTIFICATION: Final = {0: "tcpcomm", 1: "modbus", 2: "1.0"}


class Values(list[V]):
    """
    The values of one table. It is a list of fixed length that takes only what fits.

    Args:
        values: the first values.
        check: raises CodecError for a value that does not fit.
    """

    __slots__ = ("_check",)

    def __init__(self, values: Iterable[V], check: Callable[[Any], None]) -> None:
        super().__init__(values)
        self._check = check
        for each in self:
            check(each)

    @overload
    def __setitem__(self, place: SupportsIndex, value: V) -> None: ...
    @overload
    def __setitem__(self, place: slice[Any, Any, Any], value: Iterable[V]) -> None: ...

    def __setitem__(self, place: Any, value: Any) -> None:
        """
        Set one value, or so many values as a slice has.

        Raises:
            CodecError: a value does not fit, or there are more or fewer than the slice has.
        """
        if not isinstance(place, slice):
            self._check(value)
            super().__setitem__(place, value)
            return
        values = list(value)
        for each in values:
            self._check(each)
        room = len(range(*place.indices(len(self))))
        if len(values) != room:
            raise CodecError(
                f"{len(values)} values do not fit into {room} places: a table keeps its length"
            )
        super().__setitem__(place, values)


def _check_register(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= 0xFFFF:
        raise CodecError(f"a register is a whole number from 0 to 65535, not {value!r}")


def _check_bit(value: Any) -> None:
    if type(value) is not bool:
        raise CodecError(f"a coil or a discrete input is True or False, not {value!r}")


def _table(given: int | Iterable[V], zero: V, check: Callable[[Any], None]) -> Values[V]:
    """Return a table of so many zeros, or of these values."""
    if not isinstance(given, Iterable) or isinstance(given, str):
        if type(given) is not int or given < 0:
            raise CodecError(f"a table is a number of values, or a list of them, not {given!r}")
        table: Values[V] = Values((), check)
        list.extend(table, [zero] * given)  # without a check of each zero
    else:
        table = Values(given, check)
    if len(table) > ADDRESSES:
        raise CodecError(f"a table has at most {ADDRESSES} values, not {len(table)}")
    return table


class _MadeByInit(Generic[V]):
    """Stands for a table until ``Memory.__init__`` makes it."""

    def __get__(self, instance: object, owner: type) -> Values[V]:
        raise ConfigurationError(
            f"{owner.__name__} has no tables yet: call super().__init__() first in its __init__"
        )


class Memory(Modbus):
    """
    A device with four tables, which hosts read and write. It answers requests for every unit.

    Subclass it for a device that does something: :meth:`on_write` is called before a write. To compute
    what is read, override a command, such as ``read_input_registers``, with a plain ``def`` that sets
    values and returns ``super().read_input_registers(address, count)``. ``self.unit.value`` is the unit of
    the request.

    Args:
        holding: the first values of the holding registers, or their number; all are 0 then.
        inputs: those of the input registers.
        coils: those of the coils, or their number; all are False then.
        discrete: those of the discrete inputs.
        identification: the identification of the device, as text by the numbers of its objects: 0 is the
            name of the vendor, 1 the code of the product, 2 its revision.

    Raises:
        CodecError: a value does not fit, or there are too many.
        ConfigurationError: the identification is too long, or lacks one of the objects 0, 1, 2.
    """

    holding: Values[int] = _MadeByInit[int]()  # type: ignore[assignment]
    inputs: Values[int] = _MadeByInit[int]()  # type: ignore[assignment]
    coils: Values[bool] = _MadeByInit[bool]()  # type: ignore[assignment]
    discrete: Values[bool] = _MadeByInit[bool]()  # type: ignore[assignment]

    def __init__(
        self,
        *,
        holding: int | Iterable[int] = ADDRESSES,
        inputs: int | Iterable[int] = ADDRESSES,
        coils: int | Iterable[bool] = ADDRESSES,
        discrete: int | Iterable[bool] = ADDRESSES,
        identification: Mapping[int, str] = _IDENTIFICATION,
    ) -> None:
        check_plain(self.on_write)
        super().__init__()
        self.holding = _table(holding, 0, _check_register)
        self.inputs = _table(inputs, 0, _check_register)
        self.coils = _table(coils, False, _check_bit)
        self.discrete = _table(discrete, False, _check_bit)
        self._objects = _identification_objects(identification)

    def on_write(self, table: str, address: int, values: list[Any]) -> None:
        """
        Hear of a write before its values are stored.

        Override it. Raise ``Fault(ExceptionCode.ILLEGAL_DATA_VALUE)``, or another one, to refuse the write.

        Args:
            table: ``holding`` or ``coils``.
            address: the address of the first value.
            values: the values, whole numbers or bool.
        """

    def read(
        self,
        kind: Kind,
        address: int,
        count: int | None = None,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        encoding: str = "ascii",
        table: Literal["holding", "inputs"] = "holding",
    ) -> Any:
        """
        Return a number, a list of numbers, or a text that the registers hold.

        The arguments are those of a host's :meth:`Modbus.read`.

        Raises:
            CodecError: an argument is wrong, or some registers do not exist.
        """
        wanted = wanted_values(kind, count, word_order=word_order, byte_order=byte_order, encoding=encoding)
        return wanted.of(self._words(table)[self._place(table, address, wanted.size)])

    def write(  # type: ignore[override]
        self,
        kind: Kind,
        address: int,
        value: int | float | str | list[int] | list[float],
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        encoding: str = "ascii",
        table: Literal["holding", "inputs"] = "holding",
    ) -> None:
        """
        Put a number, a list of numbers, or a text into registers. :meth:`on_write` is not called.

        The arguments are those of a host's :meth:`Modbus.write`.

        Raises:
            CodecError: the value does not fit, an argument is wrong, or some registers do not exist.
        """
        found = to_registers(kind, value, word_order=word_order, byte_order=byte_order, encoding=encoding)
        self._words(table)[self._place(table, address, len(found))] = found

    def _words(self, table: str) -> Any:
        if table not in ("holding", "inputs"):
            raise CodecError(f"registers are in the tables holding and inputs, not in {table!r}")
        return self.holding if table == "holding" else self.inputs

    def _place(self, table: str, address: int, size: int) -> slice:
        count = len(self._words(table))
        if type(address) is not int or not 0 <= address <= count - size:
            raise CodecError(f"{size} registers from {address!r} on are not among the {count} of {table}")
        return slice(address, address + size)

    # -- the commands -----------------------------------------------------------------------------------

    def read_coils(self, address: int, count: int) -> list[bool]:  # type: ignore[override]
        end = address + count
        if end > len(self.coils):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self.coils[address:end]

    def read_discrete_inputs(self, address: int, count: int) -> list[bool]:  # type: ignore[override]
        end = address + count
        if end > len(self.discrete):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self.discrete[address:end]

    def read_holding_registers(self, address: int, count: int) -> list[int]:  # type: ignore[override]
        end = address + count
        if end > len(self.holding):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self.holding[address:end]

    def read_input_registers(self, address: int, count: int) -> list[int]:  # type: ignore[override]
        end = address + count
        if end > len(self.inputs):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self.inputs[address:end]

    def write_single_coil(self, address: int, value: CoilState) -> CoilWritten:  # type: ignore[override]
        self._store("coils", self.coils, address, [value is CoilState.ON], 1)
        return CoilWritten(address, value)

    def write_single_register(self, address: int, value: int) -> Written:  # type: ignore[override]
        self._store("holding", self.holding, address, [value], 1)
        return Written(address, value)

    def write_multiple_coils(  # type: ignore[override]
        self, address: int, values: list[bool]
    ) -> Written:
        self._store("coils", self.coils, address, values, MOST_BITS_WRITTEN)
        return Written(address, len(values))

    def write_multiple_registers(  # type: ignore[override]
        self, address: int, values: list[int]
    ) -> Written:
        self._store("holding", self.holding, address, values, MOST_REGISTERS_WRITTEN)
        return Written(address, len(values))

    def mask_write_register(  # type: ignore[override]
        self, address: int, and_mask: int, or_mask: int
    ) -> MaskWritten:
        if address >= len(self.holding):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        value = self.holding[address]
        changed = value & and_mask | or_mask & ~and_mask
        self._store("holding", self.holding, address, [changed], 1)
        return MaskWritten(address, and_mask, or_mask)

    def read_write_multiple_registers(  # type: ignore[override]
        self, read_address: int, count: int, write_address: int, values: list[int]
    ) -> list[int]:
        if read_address + count > len(self.holding):  # before anything is written
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        self._store("holding", self.holding, write_address, values, MOST_REGISTERS_WRITTEN_AND_READ)
        return self.read_holding_registers(read_address, count)

    def read_device_identification(  # type: ignore[override]
        self, read_code: int, first_object: int = 0
    ) -> DeviceIdentification:
        level = max(code for code in _LAST_OBJECTS if max(self._objects) > _LAST_OBJECTS.get(code - 1, -1))
        conformity = 0x80 | level
        if read_code == _SINGLE:
            if first_object not in self._objects:
                raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
            return DeviceIdentification(read_code, conformity, 0, 0, [self._objects[first_object]])
        wanted = [each for each in self._objects.values() if each.id <= _LAST_OBJECTS[read_code]]
        if any(each.id == first_object for each in wanted):  # else it begins again, as the standard says
            wanted = [each for each in wanted if each.id >= first_object]
        size, sent = 0, list[IdentificationObject]()
        for each in wanted:
            size += 2 + len(each.value)
            if size > MOST_OBJECT_BYTES:
                return DeviceIdentification(read_code, conformity, 255, each.id, sent)
            sent.append(each)
        return DeviceIdentification(read_code, conformity, 0, 0, sent)

    def _store(self, name: str, table: list[Any], address: int, values: list[Any], most: int) -> None:
        """Store values that a host writes. Raises Fault, or NoReply for a broadcast."""
        count = len(values)
        if not 1 <= count <= most:
            raise Fault(ExceptionCode.ILLEGAL_DATA_VALUE)
        if address + count > len(table):
            raise Fault(ExceptionCode.ILLEGAL_DATA_ADDRESS)
        self.on_write(name, address, values)
        list.__setitem__(table, slice(address, address + count), values)  # the codec has checked the values
        if self.broadcast is not None and self.unit.value == self.broadcast:
            raise NoReply


def _identification_objects(given: Mapping[int, str]) -> dict[int, IdentificationObject]:
    """Return the objects of an identification by their number, in order."""
    objects = {id: IdentificationObject(id, text.encode()) for id, text in sorted(given.items())}
    missing = [id for id in _IDENTIFICATION if id not in objects]
    if missing:
        raise ConfigurationError(f"identification must have the objects 0, 1 and 2: {missing} missing")
    for id, each in objects.items():
        if not 0 <= id <= 0xFF or 2 + len(each.value) > MOST_OBJECT_BYTES:
            raise ConfigurationError(
                f"identification {id}: the number is from 0 to 255, and the text has at most "
                f"{MOST_OBJECT_BYTES - 2} bytes"
            )
    return objects


class MemoryRtu(ModbusRtu, Memory):
    """A :class:`Memory` that speaks Modbus RTU over TCP."""

    def read_coils(self, address: int, count: int) -> list[bool]:  # type: ignore[override]
        self._check_answered()
        return super().read_coils(address, count)

    def read_discrete_inputs(self, address: int, count: int) -> list[bool]:  # type: ignore[override]
        self._check_answered()
        return super().read_discrete_inputs(address, count)

    def read_holding_registers(self, address: int, count: int) -> list[int]:  # type: ignore[override]
        self._check_answered()
        return super().read_holding_registers(address, count)

    def read_input_registers(self, address: int, count: int) -> list[int]:  # type: ignore[override]
        self._check_answered()
        return super().read_input_registers(address, count)

    def read_device_identification(  # type: ignore[override]
        self, read_code: int, first_object: int = 0
    ) -> DeviceIdentification:
        self._check_answered()
        return super().read_device_identification(read_code, first_object)

    def _check_answered(self) -> None:
        """Raise NoReply if the request went to all devices."""
        if self.unit.value == self.broadcast:
            raise NoReply
