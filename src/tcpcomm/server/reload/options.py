"""The option ``--reload`` of ``twistd tcpcomm``: :class:`ReloadOptions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.python import usage

from tcpcomm.errors import ConfigurationError
from tcpcomm.server.reload.child import ReloadedProcess
from tcpcomm.server.reload.program import Program
from tcpcomm.server.reload.supervisor import Supervisor
from tcpcomm.server.reload.watched_files import WatchedFiles, places_of
from tcpcomm.server.twistd_hooks import RUN_TWISTD

_OF_TWISTD: Final = ("uid", "gid", "chroot")


class ReloadOptions(usage.Options):
    """The option ``--reload``."""

    optFlags: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "reload",
            None,
            "For development only: when a .py file of the program of --app changes, end all sessions and "
            "start again with the new code.",
        ],
    ]

    watched: Sequence[Path] | None = None
    """The folders whose files are watched, if this process is the supervisor."""
    reloaded: ReloadedProcess | None = None
    """This process, if the supervisor has started it."""

    @property
    def supervises(self) -> bool:
        """True if this process serves nothing itself, and starts the one that serves."""
        return bool(self["reload"]) and self.reloaded is None

    def check_reload(self, problems: list[str], twistd: Mapping[str, Any]) -> None:
        """
        Find out if this process supervises or serves. Add a line for each option that does not fit.

        Args:
            problems: the mistakes so far.
            twistd: the options of twistd.
        """
        if not self["reload"]:
            return
        self.reloaded = ReloadedProcess.here()
        if self.reloaded is not None:
            return
        if self["plant"] is not None:
            problems.append("--reload does not work with --plant: it starts the program of --app again")
        elif self["app"] is None:
            problems.append("--reload needs --app: it starts that program again when its files change")
        else:
            try:
                self.watched = places_of(self["app"])
            except ConfigurationError as error:
                problems.append(f"--app {error}")
        if self["workers"] != "1":
            problems.append("--reload does not work with --workers: use it with one process")
        if any(text.startswith("systemd:") for text in self["listen"]):
            problems.append(
                "--reload does not work with --listen systemd:…, because each new process listens itself"
            )
        problems += [
            f"--reload does not work with --{option} of twistd, because each new process listens itself"
            for option in _OF_TWISTD
            if twistd.get(option) is not None
        ]

    def supervisor(self, command: Sequence[str], folder: str, reactor: Any) -> Supervisor:
        """
        Return the service that starts the program, and starts it again.

        Args:
            command: the options of twistd and of tcpcomm for the process that serves.
            folder: its current folder.
            reactor: the reactor.
        """
        assert self.watched is not None
        start = partial(Program, command=[*RUN_TWISTD, *command], folder=folder, reactor=reactor)
        return Supervisor(start, WatchedFiles(self.watched), reactor=reactor)
