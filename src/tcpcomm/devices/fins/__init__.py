"""Omron controllers over FINS/TCP: :class:`Fins` for hosts, and :class:`Controller` to simulate one."""

from tcpcomm.devices.fins.addresses import Address as Address
from tcpcomm.devices.fins.codes import EndCode as EndCode
from tcpcomm.devices.fins.codes import FrameError as FrameError
from tcpcomm.devices.fins.commands import Mode as Mode
from tcpcomm.devices.fins.declaration import Fins as Fins
from tcpcomm.devices.fins.memory import Memory as Memory
from tcpcomm.devices.fins.simulator import Controller as Controller
