"""Siemens S7 communication over ISO-on-TCP: the declaration, its addresses, and a simulated CPU."""

from tcpcomm.devices.s7.addresses import Address as Address
from tcpcomm.devices.s7.addresses import Area as Area
from tcpcomm.devices.s7.addresses import Part as Part
from tcpcomm.devices.s7.codes import ErrorCode as ErrorCode
from tcpcomm.devices.s7.codes import ReturnCode as ReturnCode
from tcpcomm.devices.s7.declaration import S7 as S7
from tcpcomm.devices.s7.declaration import AreaBytes as AreaBytes
from tcpcomm.devices.s7.declaration import Confirm as Confirm
from tcpcomm.devices.s7.declaration import Option as Option
from tcpcomm.devices.s7.items import Item as Item
from tcpcomm.devices.s7.items import Size as Size
from tcpcomm.devices.s7.items import Values as Values
from tcpcomm.devices.s7.memory import Memory as Memory
from tcpcomm.devices.s7.system_status import Mode as Mode
from tcpcomm.devices.s7.system_status import StatusQuery as StatusQuery
from tcpcomm.devices.s7.system_status import StatusReply as StatusReply
