"""
Measuring instruments that speak SCPI: subclass :class:`Instrument`, and declare the commands of your own.

It brings the common commands of IEEE 488.2, the error queue, and the status registers, for both ends.
:class:`Multimeter` is an example of such an instrument, and :class:`SimulatedMultimeter` simulates it.
"""

from tcpcomm.devices.scpi.error_words import STANDARD_ERRORS as STANDARD_ERRORS
from tcpcomm.devices.scpi.instrument import Identity as Identity
from tcpcomm.devices.scpi.instrument import Instrument as Instrument
from tcpcomm.devices.scpi.multimeters import Multimeter as Multimeter
from tcpcomm.devices.scpi.multimeters import SimulatedMultimeter as SimulatedMultimeter
from tcpcomm.devices.scpi.status import InstrumentStatus as InstrumentStatus
from tcpcomm.devices.scpi.status import Register as Register
from tcpcomm.devices.scpi.status import ScpiError as ScpiError
from tcpcomm.devices.scpi.status import StandardEvent as StandardEvent
from tcpcomm.devices.scpi.status import StatusByte as StatusByte
