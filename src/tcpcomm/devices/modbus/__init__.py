"""
Modbus over TCP, and Modbus RTU over TCP: both ends of the link to a PLC, a drive, a meter or a gateway.

::

    from tcpcomm import remote
    from tcpcomm.devices.modbus import Modbus

    plc = remote(Modbus, at="tcp:10.0.0.5:502")
    values = await plc.unit(7).holding[5:9]
    await plc.coils.write(3, True)

Sources: MODBUS Application Protocol Specification V1.1b3; MODBUS Messaging on TCP/IP Implementation Guide
V1.0b; MODBUS over Serial Line V1.02.
"""

# ruff: noqa: I001 - an alias says that a name is public, and one line for each would be long

from tcpcomm.devices.modbus.declaration import Modbus as Modbus, ModbusRtu as ModbusRtu
from tcpcomm.devices.modbus.exception_codes import ExceptionCode as ExceptionCode
from tcpcomm.devices.modbus.gateway import Gateway as Gateway, GatewayRtu as GatewayRtu
from tcpcomm.devices.modbus.messages import (
    CoilState as CoilState,
    CoilWritten as CoilWritten,
    DeviceIdentification as DeviceIdentification,
    IdentificationObject as IdentificationObject,
    MaskWritten as MaskWritten,
    Written as Written,
)
from tcpcomm.devices.modbus.memory import Memory as Memory, MemoryRtu as MemoryRtu
