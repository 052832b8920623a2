"""
The public names of :mod:`tcpcomm.tools`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.tools.console.running import Console as Console
    from tcpcomm.tools.monitor.service import Monitor as Monitor
    from tcpcomm.tools.record.recorder import Recorder as Recorder
    from tcpcomm.tools.record.recording import Recording as Recording

DEFINED_IN: Final = {
    "tcpcomm.tools.console.running": ["Console"],
    "tcpcomm.tools.monitor.service": ["Monitor"],
    "tcpcomm.tools.record.recorder": ["Recorder"],
    "tcpcomm.tools.record.recording": ["Recording"],
}
