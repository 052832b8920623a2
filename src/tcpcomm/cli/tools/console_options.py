"""The options ``--console`` and ``--lang`` of the subcommands that can show their work in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.python import usage

from tcpcomm.cli.common import Refusal
from tcpcomm.session.observer import SessionObserver

if TYPE_CHECKING:
    from tcpcomm.tools.console.running import Console


class ConsoleOptions(usage.Options):
    """The options of the console."""

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["console", None, "Show links, sessions and frames live in the terminal; q ends it."],
    ]

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["lang", None, None, "With --console: its language, en or ko; by default that of the system."],
    ]

    def console(
        self, name: str, *, read_only: bool = False, times: Callable[[], float] | None = None
    ) -> Console | None:
        """
        Return the console, or None if it was not asked for.

        Args:
            name: the name for its first line.
            read_only: True if nothing can be changed from there.
            times: returns the time of the values that are shown; None: now.

        Raises:
            Refusal: an option has no effect.
            ConfigurationError: the console cannot be shown here.
        """
        options: dict[str, Any] = self
        if not options["console"]:
            if options["lang"] is not None:
                raise Refusal("--lang has no effect without --console")
            return None
        if options.get("frames"):
            raise Refusal("--frames has no effect with --console, which shows the frames: leave it out")
        from tcpcomm.tools.console.running import Console  # noqa: PLC0415 - few starts need it

        return Console(name=name, language=options["lang"], read_only=read_only, times=times)


def console_observers(console: Console | None) -> list[SessionObserver]:
    """Return the observers of a console, or none without it."""
    return [] if console is None else [console.model]
