"""The option ``--monitor`` of subcommands: :func:`monitors_of`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tcpcomm.cli.common import Refusal
from tcpcomm.errors import ConfigurationError
from tcpcomm.server.service import CannotListen
from tcpcomm.tools.monitor.options import MonitorOptions


def monitors_of(options: MonitorOptions, *, recordings: Sequence[str] = ()) -> list[Any]:
    """
    Return the monitor that the options ask for, or none. It listens, and its address is printed.

    Args:
        options: the options of the subcommand.
        recordings: the files that the program records.

    Raises:
        Refusal: an option is wrong, or the port is in use.
    """
    try:
        monitors = options.monitors(recordings)
    except ConfigurationError as error:
        raise Refusal(str(error)) from None
    for each in monitors:
        listen(each)
    return monitors


def listen(monitor: Any) -> None:
    """Let a monitor listen, and print its address on standard error. Raises Refusal if it cannot."""
    try:
        monitor.listen()
    except CannotListen as error:
        raise Refusal(str(error)) from None
    print(f"the monitor is at {monitor.url}", file=sys.stderr, flush=True)
