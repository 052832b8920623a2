"""LS Electric's controllers over XGT FEnet: :class:`Xgt` for hosts, and :class:`Memory` to simulate one."""

from tcpcomm.devices.xgt.addresses import Address as Address
from tcpcomm.devices.xgt.codes import ErrorCode as ErrorCode
from tcpcomm.devices.xgt.declaration import Xgt as Xgt
from tcpcomm.devices.xgt.memory import Memory as Memory
