"""Cameras of Cognex's In-Sight series, in native mode: :class:`InSight`, and an :class:`Emulator`."""

from tcpcomm.devices.cognex.emulator import Emulator as Emulator
from tcpcomm.devices.cognex.insight import Cells as Cells
from tcpcomm.devices.cognex.insight import InSight as InSight
from tcpcomm.devices.cognex.insight import NamedFile as NamedFile
from tcpcomm.devices.cognex.insight import SystemInfo as SystemInfo
from tcpcomm.devices.cognex.status import Status as Status
