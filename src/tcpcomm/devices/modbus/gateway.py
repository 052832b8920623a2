"""A gateway to several units on one connection: :class:`Gateway`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from tcpcomm.devices.modbus.declaration import Modbus, ModbusRtu
from tcpcomm.errors import ConfigurationError, Fault, NoReply
from tcpcomm.runtime.bounded_logger import BoundedLogger

_LOG: Final = BoundedLogger()


def _handed_on(name: str) -> Any:
    """Return a method that hands a command to the device that has the unit of the request."""

    def hand_on(self: Gateway, /, **values: Any) -> Any:
        unit = self.unit.value
        if unit == self.broadcast:
            return self.to_all(name, values)
        device = self.units.get(unit)
        if device is not None:
            return getattr(device, name)(**values)
        if self.absent is None:
            raise NoReply
        raise Fault(self.absent)

    declared: Callable[..., Any] = getattr(Modbus, name)
    hand_on.__name__, hand_on.__doc__ = name, declared.__doc__
    hand_on.__signature__ = inspect.signature(declared)  # type: ignore[attr-defined]
    return hand_on


class Gateway(Modbus):
    """
    A gateway, which hands each request to the device that has its unit.

    ::

        gateway = Gateway({1: Memory(), 7: MyDrive()})
        gateway.units[1].holding[5] = 7

    A request for another unit gets no answer, as on a serial line; or the exception ``absent``, as from
    gateways that give up waiting. Devices may be added to ``units`` and removed at any time.

    Args:
        units: the devices by their unit, 0 to 255: objects that implement :class:`Modbus`.
        absent: the exception code for other units, usually
            ``ExceptionCode.GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND``; None: they are silent.

    Raises:
        ConfigurationError: a unit is not from 0 to 255, or is not a device.
    """

    def __init__(self, units: Mapping[int, Any] | None = None, *, absent: int | None = None) -> None:
        super().__init__()
        if not isinstance(units, Mapping | None):
            raise ConfigurationError(f"write the units as {{1: Memory(), 7: Memory()}}, not {units!r}")
        for unit, device in (units or {}).items():
            if type(unit) is not int or not 0 <= unit <= 0xFF:
                raise ConfigurationError(f"a unit is a whole number from 0 to 255, not {unit!r}")
            if not isinstance(device, Modbus):
                raise ConfigurationError(f"unit {unit} must be a device, such as Memory(), not {device!r}")
        self.units = dict(units or {})
        self.absent = absent

    read_coils = _handed_on("read_coils")
    read_discrete_inputs = _handed_on("read_discrete_inputs")
    read_holding_registers = _handed_on("read_holding_registers")
    read_input_registers = _handed_on("read_input_registers")
    write_single_coil = _handed_on("write_single_coil")
    write_single_register = _handed_on("write_single_register")
    write_multiple_coils = _handed_on("write_multiple_coils")
    write_multiple_registers = _handed_on("write_multiple_registers")
    mask_write_register = _handed_on("mask_write_register")
    read_write_multiple_registers = _handed_on("read_write_multiple_registers")
    read_device_identification = _handed_on("read_device_identification")

    def keep_fault(self, fault: Fault) -> bool:
        """Return True for a unit that is silent because it is not there, also if the request is wrong."""
        return super().keep_fault(fault) or (self.absent is None and self.unit.value not in self.units)

    async def to_all(self, name: str, values: dict[str, Any]) -> None:
        """Hand a command to all devices, also if one of them fails. Nobody answers it."""
        for unit, device in list(self.units.items()):
            try:
                result = getattr(device, name)(**values)
                if inspect.isawaitable(result):
                    await result
            except (Fault, NoReply):
                continue
            except Exception:
                _LOG.failure("unit {unit} failed in {command} to all units", unit=unit, command=name)
        raise NoReply


class GatewayRtu(ModbusRtu, Gateway):
    """A :class:`Gateway` that speaks Modbus RTU over TCP. A write to unit 0 reaches all devices."""
