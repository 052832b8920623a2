"""
The public names of :mod:`tcpcomm.devices`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.devices.catalogue import (
        Device as Device,
        all_devices as all_devices,
        find_device as find_device,
    )

DEFINED_IN: Final = {
    "tcpcomm.devices.catalogue": ["Device", "all_devices", "find_device"],
}
