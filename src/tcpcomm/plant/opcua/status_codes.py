"""The status codes of OPC UA for the errors of a command: :func:`status_of`."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from tcpcomm.errors import BadReply, CodecError, Fault, NotSent, OutcomeUnknown, ReplyTimeout
from tcpcomm.plant.errors import CommandRefused

_BY_ERROR: Final[tuple[tuple[type[Exception], int], ...]] = (
    (Fault, ua.StatusCodes.BadInvalidState),
    (NotSent, ua.StatusCodes.BadNoCommunication),
    (ReplyTimeout, ua.StatusCodes.BadTimeout),
    (BadReply, ua.StatusCodes.BadUnknownResponse),
    (OutcomeUnknown, ua.StatusCodes.BadConnectionClosed),
    (CommandRefused, ua.StatusCodes.BadInvalidArgument),
    (CodecError, ua.StatusCodes.BadInvalidArgument),
)
"""The first line that fits counts, because some of these errors are kinds of others."""


def status_of(error: BaseException | None) -> ua.StatusCode:
    """Return the status code of a method call by its error; BadInternalError if the program failed."""
    if error is None:
        return ua.StatusCode(ua.StatusCodes.Good)
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return ua.StatusCode(code)
    return ua.StatusCode(ua.StatusCodes.BadInternalError)
