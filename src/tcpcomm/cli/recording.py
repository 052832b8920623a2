"""The option ``--record`` of subcommands: :func:`recorders_of`."""

from __future__ import annotations

from tcpcomm.cli.common import Refusal
from tcpcomm.errors import ConfigurationError
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.record.options import RecordingOptions


def recorders_of(options: RecordingOptions) -> list[SessionObserver]:
    """
    Return the recorder that the options ask for, or none.

    Raises:
        Refusal: an option is wrong, or the file cannot be recorded into.
    """
    try:
        return [*options.recorders()]
    except ConfigurationError as error:
        raise Refusal(str(error)) from None
