"""The traces of a server program on its machine: its pidfile, the modes of its files, its terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger

PRIVATE_UMASK: Final = 0o027
"""The bits that are removed from the modes of new files: only the owner writes, and others read nothing."""

_log = BoundedLogger()


def remove_stale_pidfile(path: str | None) -> None:
    """
    Remove a pidfile that was left by a crash, where its number belongs to another program now.

    twistd would not start then. It removes a pidfile itself if no process has the number. Which program has
    the number is known on Linux only, and a Python program may be a twistd: there twistd's own error says
    what to do.

    Raises:
        ConfigurationError: the file cannot be read or removed.
    """
    if not path or not os.path.exists(path):
        return
    try:
        number = int(Path(path).read_text("ascii"))
        process = Path(f"/proc/{number}")
        command = process.joinpath("cmdline").read_text(errors="replace").split("\0")
        program = process.joinpath("comm").read_text(errors="replace").strip()
    except (OSError, ValueError):
        return  # twistd decides
    if any("twist" in word for word in [*command, program]):
        return
    if "python" in program or "python" in _file_of(process):
        return
    try:
        os.remove(path)
    except OSError as error:
        raise ConfigurationError(
            f"the pidfile {path} was left by a crash, because process {number} is {program}, and it cannot "
            f"be removed ({error.strerror}): remove it, or run twistd with --pidfile="
        ) from None
    _log.warn(
        "removed the pidfile {path}, which was left by a crash: process {number} is {program}",
        path=path,
        number=number,
        program=program,
    )


def _file_of(process: Path) -> str:
    """Return the name of the file that a process runs; "" if it is another user's, and nobody may know."""
    try:
        return process.joinpath("exe").readlink().name  # a program can change its other names
    except OSError:
        return ""


def keep_files_private(twistd: Mapping[str, Any]) -> None:
    """Let other users not read the files that this program makes, unless twistd has a --umask option."""
    if sys.platform != "win32" and twistd.get("umask") is None:
        os.umask(os.umask(PRIVATE_UMASK) | PRIVATE_UMASK)


def is_terminal() -> bool:
    """Return True if standard input is a terminal that is open."""
    try:
        return os.isatty(0)
    except OSError:
        return False
