"""The log of ``twistd tcpcomm``: it is written where twistd would write it, by :func:`twistd_observer`."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.log_writer import RotatingFile, Write, plain_writer, stream_writer
from tcpcomm.runtime.logs import LineFormat, LineObserver, json_line, text_line

DEFAULT_LOG_SIZE: Final = 10_000_000
"""Bytes of one log file of ``twistd tcpcomm``. Then a new file begins. Change it with ``--log-size``."""

DEFAULT_LOG_FILES: Final = 10
"""Full log files that are kept. The oldest is deleted. Change it with ``--log-files``."""

_SERIOUS: Final = re.compile(
    r'\{"time": "[^"]*", "level": "(error|critical)"|\S+ \[[^\]]*#(error|critical)\]'
)
"""The begin of a line about an error, in JSON or in text; what follows it may be a peer's text."""


def twistd_observer(
    log_format: str, twistd: Mapping[str, Any], *, limit: int | None, size: int, kept: int
) -> LineObserver | None:
    """
    Make the observer that writes the log where twistd would, or return None if the user chose another.

    Args:
        log_format: ``text`` or ``json``.
        twistd: twistd's own options.
        limit: the bytes of log in a minute; None: no limit.
        size: the bytes of one log file.
        kept: the number of full log files that are kept.

    Raises:
        ConfigurationError: the log file cannot be written.
    """
    if twistd.get("logger"):
        return None
    line_format: LineFormat = json_line if log_format == "json" else text_line
    write: Write
    name = twistd.get("logfile")
    foreground = twistd.get("nodaemon", True)  # Windows does not have this option
    if twistd.get("syslog"):
        write = _syslog_writer(twistd.get("prefix") or "twisted")
    elif foreground and name in (None, "", "-"):
        write = stream_writer(sys.stdout) or plain_writer(sys.stdout)
    else:
        path = "twistd.log" if name in (None, "", "-") else str(name)
        try:
            write = file = RotatingFile(path, size=size, kept=kept)
        except OSError as error:
            raise ConfigurationError(f"cannot write the log file {path}: {error.strerror}") from None
        _rotate_at_signal(file)
    return LineObserver(line_format, write, limit=limit)


def _rotate_at_signal(file: RotatingFile) -> None:
    """Rename the file at SIGUSR1, as twistd does, unless the program handles that signal itself."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None or signal.getsignal(number):
        return

    def rotate(number: int, frame: object) -> None:
        file.rotation_due = True

    with suppress(ValueError):  # this is not the main thread
        signal.signal(number, rotate)


def _syslog_writer(prefix: str) -> Write:
    """Return a function that writes lines to the system's log, which adds the time to lines of text."""
    syslog: Any = import_module("syslog")  # not on Windows, where twistd has no option --syslog
    syslog.openlog(prefix, syslog.LOG_PID)

    def write(text: str) -> None:
        for line in text.splitlines():
            when, _, rest = line.partition(" ")
            shown = rest if when and not line.startswith("{") else line
            serious = _SERIOUS.match(line) is not None
            syslog.syslog(syslog.LOG_ALERT if serious else syslog.LOG_INFO, shown)

    return write
