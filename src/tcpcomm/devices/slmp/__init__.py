"""
SLMP, which is MC protocol of Mitsubishi MELSEC controllers: 3E and 4E frames, binary and ASCII.

:class:`Slmp` is the controller for a host, and :class:`Memory` simulates one.
"""

from tcpcomm.devices.slmp.addresses import KINDS as KINDS
from tcpcomm.devices.slmp.addresses import OCTAL as OCTAL
from tcpcomm.devices.slmp.addresses import Address as Address
from tcpcomm.devices.slmp.addresses import Kind as Kind
from tcpcomm.devices.slmp.addresses import LongAddress as LongAddress
from tcpcomm.devices.slmp.commands import ClearMode as ClearMode
from tcpcomm.devices.slmp.commands import ErrorInfo as ErrorInfo
from tcpcomm.devices.slmp.commands import TypeName as TypeName
from tcpcomm.devices.slmp.declaration import Slmp as Slmp
from tcpcomm.devices.slmp.declaration import Slmp4E as Slmp4E
from tcpcomm.devices.slmp.declaration import SlmpAscii as SlmpAscii
from tcpcomm.devices.slmp.declaration import SlmpAscii4E as SlmpAscii4E
from tcpcomm.devices.slmp.declaration import SlmpFX5 as SlmpFX5
from tcpcomm.devices.slmp.end_codes import END_CODES as END_CODES
from tcpcomm.devices.slmp.memory import Devices as Devices
from tcpcomm.devices.slmp.simulator import CpuState as CpuState
from tcpcomm.devices.slmp.simulator import Memory as Memory
from tcpcomm.devices.slmp.simulator import Memory4E as Memory4E
from tcpcomm.devices.slmp.simulator import MemoryAscii as MemoryAscii
from tcpcomm.devices.slmp.simulator import MemoryAscii4E as MemoryAscii4E
from tcpcomm.devices.slmp.simulator import MemoryFX5 as MemoryFX5
