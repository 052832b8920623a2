"""
Devices that are ready to use: declarations of public protocols, with faces and simulators.

Each device has a package of its own, such as :mod:`tcpcomm.devices.modbus`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.devices._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.devices._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
