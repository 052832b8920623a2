"""The base of ``tcpcomm call`` and ``tcpcomm watch``: a link to the equipment, and a reactor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Unpack

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.host.host import remote
from tcpcomm.host.options import HostKeywords
from tcpcomm.runtime.log_writer import plain_writer, stream_writer
from tcpcomm.runtime.logs import LineObserver, text_line
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.options import AllowingOptions


class ConnectionOptions(Subcommand, AllowingOptions):
    """The options of a link to the equipment."""

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["listen", "l", "The equipment connects to us: wait for it at ENDPOINT, such as tcp:9999."],
        ["json", "j", "Print JSON."],
        ["frames", None, "Show each frame with its direction, bytes and meaning, on standard error."],
        ["verbose", "v", "Show the log, on standard error."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.credentials: dict[str, str] = {}

    def opt_credential(self, text: str) -> None:
        """A credential for the login, as name=value; may be given several times."""
        name, equals, value = text.partition("=")
        if not equals:
            raise Refusal(f"--credential {text}: write name=value, as in user=admin")
        self.credentials[name] = value

    def proxy(self, declaration: Declaration, endpoint: str, **options: Unpack[HostKeywords[Any]]) -> Any:
        """Make the proxy, or raise Refusal or ConfigurationError if an option is wrong."""
        options["credentials"] = self.credentials
        if self["frames"]:
            options["log"] = sys.stderr
        if self["verbose"]:
            log = LineObserver(text_line, stream_writer(sys.stderr) or plain_writer(sys.stderr))
            globalLogBeginner.beginLoggingTo([log], redirectStandardIO=False)
        if not self["listen"]:
            if self["allow"]:
                raise Refusal("--allow has no effect without --listen")
            return remote(declaration.kind, at=endpoint, **options)
        problems: list[str] = []
        allow = self.allowed(problems)
        self.place(problems, the_reactor(), endpoint)
        if problems:
            raise Refusal(*problems)
        options["listen"], options["allow"] = endpoint, allow
        return remote(declaration.kind, **options)


def run_reactor(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """
    Run the reactor until a coroutine is done, then stop its links in order.

    Returns:
        The exit code that the coroutine returned. Its exception is raised here.
    """
    reactor = the_reactor()
    outcomes: list[Any] = []

    def end(outcome: Any) -> None:
        outcomes.append(outcome)
        with suppress(ReactorNotRunning):  # Ctrl-C is stopping it
            reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(work()).addBoth(end))
    reactor.run()
    outcome = outcomes[0] if outcomes else 0  # Ctrl-C ended it
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return int(outcome)
