"""Robots of FANUC by the Remote Motion Interface: :class:`Rmi`, and a :class:`Controller` in memory."""

from tcpcomm.devices.fanuc.controller import Controller as Controller
from tcpcomm.devices.fanuc.error_ids import ErrorId as ErrorId
from tcpcomm.devices.fanuc.rmi import Motion as Motion
from tcpcomm.devices.fanuc.rmi import Rmi as Rmi
from tcpcomm.devices.fanuc.rmi import Startup as Startup
from tcpcomm.devices.fanuc.values import Configuration as Configuration
from tcpcomm.devices.fanuc.values import Frame as Frame
from tcpcomm.devices.fanuc.values import JointAngles as JointAngles
from tcpcomm.devices.fanuc.values import Position as Position
from tcpcomm.devices.fanuc.values import Status as Status
