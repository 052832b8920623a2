"""The status codes of native mode, and their words: :class:`Status`, :data:`MEANINGS`."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """The status codes of native mode, from the pages of its commands in the In-Sight help."""

    UNRECOGNIZED = 0
    SUCCESS = 1
    INVALID = -1
    FAILED = -2
    CHECKSUM = -3
    OUT_OF_MEMORY = -4
    HELD_OFFLINE = -5
    NO_ACCESS = -6


MEANINGS: Final = {
    int(Status.UNRECOGNIZED): "unrecognized command",
    int(Status.INVALID): "the cell, tag, number or file name is missing, invalid or out of range",
    int(Status.FAILED): "the command could not be executed: the camera is in the wrong mode (online or "
    "offline), there is no such job or file, or the cell holds no control of this kind",
    int(Status.CHECKSUM): "the checksum does not match the data",
    int(Status.OUT_OF_MEMORY): "the camera is out of memory",
    int(Status.HELD_OFFLINE): "the camera stays offline, because its user interface or a discrete input "
    "holds it offline",
    int(Status.NO_ACCESS): "the user does not have full access",
}
"""The words of each status that is a fault."""
