"""The options of all commands that can show a monitor: :class:`MonitorOptions`, :func:`monitor_at`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from twisted.python import usage

from tcpcomm.errors import ConfigurationError

if TYPE_CHECKING:
    from tcpcomm.tools.monitor.service import Monitor

_PLACE: Final = re.compile(r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):)?(?P<port>[0-9]{1,5})")


class MonitorOptions(usage.Options):
    """The options ``--monitor``, ``--monitor-host`` and ``--monitor-read-only``."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "monitor",
            None,
            None,
            "Show all that passes in the browser, at this PORT of this machine, or at ADDRESS:PORT.",
        ],
    ]
    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["monitor-read-only", None, "The page of --monitor changes nothing."],
    ]

    def opt_monitor_host(self, name: str) -> None:
        """A further name by which a browser may call this machine; may be given several times."""
        self.setdefault("monitor-host", []).append(name)

    def monitors(self, recordings: Sequence[str] = ()) -> list[Monitor]:
        """
        Return the monitor that the options ask for, or none. It listens as soon as the reactor runs.

        Args:
            recordings: the files that the program records, for the page.

        Raises:
            ConfigurationError: an option is wrong.
        """
        names, read_only = self.get("monitor-host", ()), bool(self["monitor-read-only"])
        if self["monitor"] is None:
            if names or read_only:
                without = "--monitor-host and --monitor-read-only have no effect without --monitor"
                raise ConfigurationError(without)
            return []
        options: dict[str, Any] = {"read_only": read_only}
        if recordings:
            options["recordings"] = lambda: recordings
        return [monitor_at(self["monitor"], option="--monitor", names=names, **options)]


def monitor_at(place: str, *, option: str, names: Iterable[str] = (), **options: Any) -> Monitor:
    """
    Make a monitor at a place.

    Args:
        place: a port, or an address and a port, such as ``8080`` or ``10.0.0.5:8080``.
        option: the option that has the place, for errors.
        names: further names of this machine.
        options: other arguments of the monitor.

    Raises:
        ConfigurationError: the place is not one, or another option is wrong.
    """
    from tcpcomm.tools.monitor.service import Monitor  # noqa: PLC0415 - brings in twisted.web, for few starts

    match = _PLACE.fullmatch(place)
    if match is None:
        raise ConfigurationError(f"{option} must be a port, such as 8080, or ADDRESS:PORT, not {place!r}")
    address = (match["address"] or "127.0.0.1").strip("[]")
    address = "127.0.0.1" if address == "localhost" else address
    return Monitor(int(match["port"]), interface=address, host_names=tuple(names), **options)
