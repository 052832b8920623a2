"""The base of ``tcpcomm call`` and ``tcpcomm watch``: a link to the equipment, and a reactor."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Unpack

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.monitoring import monitors_of
from tcpcomm.cli.recording import recorders_of
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.host.host import remote
from tcpcomm.host.options import HostKeywords
from tcpcomm.runtime.log_writer import plain_writer, stream_writer
from tcpcomm.runtime.logs import LineObserver, text_line
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.tls_rules import check_secret_file
from tcpcomm.server.options import AllowingOptions, one_line
from tcpcomm.server.running import Face
from tcpcomm.tools.manual.values import read_arguments
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions

_SECRETS: Final = frozenset(
    ["password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "key", "apikey", "pin"]
)
"""Words in the names of credentials that must not be on a command line."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""A word of a name, as in ``api_key``, ``apiKey`` and ``API-KEY``."""


class CredentialOptions(AllowingOptions):
    """The options with the credentials of a login, and ``--allow``."""

    def __init__(self) -> None:
        super().__init__()
        self.credentials: dict[str, str] = {}

    @one_line
    def opt_allow(self, network: str) -> None:
        """
        With --listen, a network from which the other side may connect, such as 192.168.0.0/24; may be given
        several times. 'any' allows all.
        """
        self["allow"].append(network)

    def opt_credential(self, text: str) -> None:
        """A credential for the login that is not a secret, as name=value; may be given several times."""
        name, equals, value = text.partition("=")
        if not equals:
            raise Refusal(f"--credential {text}: write name=value, as in user=admin")
        if any(word.lower() in _SECRETS for word in _WORD.findall(name)):
            raise Refusal(
                f"--credential {name}=...: every user of this machine can read a command line: write "
                f"{name}=... into a file, type chmod 600 FILE, and give --credential-file FILE"
            )
        self.credentials[name] = value

    @one_line
    def opt_credential_file(self, path: str) -> None:
        """
        A file with a credential for the login on each line, as name=value. Use it for passwords, because
        every user of the machine can read a command line.
        """
        try:
            check_secret_file(path)
            lines = Path(path).read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Refusal(f"--credential-file {path}: cannot read it: {error}") from None
        for number, line in enumerate(lines, 1):
            name, equals, value = line.partition("=")
            if line.strip() and not line.startswith("#"):
                if not equals:
                    raise Refusal(f"--credential-file {path}, line {number}: write name=value")
                self.credentials[name.strip()] = value.strip()


class ConnectionOptions(Subcommand, CredentialOptions):
    """The options of a link to the equipment."""

    optFlags: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        ["listen", "l", "The equipment connects to us: wait for it at ENDPOINT, such as tcp:9999."],
        ["frames", None, "Show each frame with its direction, bytes and meaning, on standard error."],
        ["verbose", "v", "Show the log, on standard error."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.first: list[str] = []

    @one_line
    def opt_first(self, command: str) -> None:
        """
        A command to send first on each connection, such as select or 'open job=3', because the equipment
        allows others only after it; may be given several times, in the order of sending.
        """
        self.first.append(command)

    def proxy(
        self,
        declaration: Declaration,
        endpoint: str,
        *,
        face: Face | None = None,
        **options: Unpack[HostKeywords[Any]],
    ) -> Any:
        """
        Make the proxy, or raise Refusal or ConfigurationError if an option is wrong.

        Args:
            declaration: the equipment.
            endpoint: its place.
            face: takes the terminal, and gets the log.
            options: other arguments of ``remote``.
        """
        options["credentials"] = self.credentials
        recordings: list[str] = []
        if isinstance(self, RecordingOptions):
            recordings = self.recordings
            options["observers"] = [*options.get("observers", ()), *recorders_of(self)]
        if isinstance(self, MonitorOptions):
            monitors = monitors_of(self, recordings=recordings)
            options["observers"] = [*options.get("observers", ()), *monitors]
        options["on_ready"] = [self._step(declaration, each) for each in self.first]
        if self["frames"]:
            options["log"] = sys.stderr
        if self["verbose"] or face is not None:
            error = sys.stderr
            write = face.write if face is not None else stream_writer(error) or plain_writer(error)
            log = LineObserver(text_line, write)
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

    @staticmethod
    def _step(declaration: Declaration, words: str) -> Callable[[Any], Any]:
        """Return the step that sends a command, written as on a command line."""
        try:
            name, *arguments = shlex.split(words) or [""]
        except ValueError as error:
            raise Refusal(f"--first {words}: {error}") from None
        command = declared_command(declaration, name)
        values = read_arguments(command.spec.parameters, arguments)
        return lambda proxy: getattr(proxy, name)(**values)


def declared_command(declaration: Declaration, name: str) -> Command:
    """Return a command by its name, or raise Refusal with the names that there are."""
    if name not in declaration.commands:
        raise no_command(declaration, name)
    return declaration.commands[name]


def no_command(declaration: Declaration, name: str, methods: Iterable[str] = ()) -> Refusal:
    """
    Return the refusal of a name that is not a command.

    Args:
        declaration: the equipment.
        name: the name, or "" if none was given.
        methods: the names of methods that may be called like commands.
    """
    known = [*declaration.commands, *methods]
    names = ", ".join(known) or "none"
    if not name:
        return Refusal(f"name a command of {declaration.name} behind the endpoint; its commands: {names}")
    similar = get_close_matches(name.lower(), known, 1, 0.7)
    if not similar:
        return Refusal(f"{declaration.name} has no command {name!r}; its commands: {names}")
    return Refusal(
        f"{declaration.name} has no command {name!r}: did you mean {similar[0]}? Its commands: {names}"
    )


def run_reactor(work: Callable[[], Coroutine[Any, Any, int]], *, face: Face | None = None) -> int:
    """
    Run the reactor until a coroutine is done, then stop its links in order.

    Args:
        work: the coroutine function.
        face: runs the reactor, and takes the terminal meanwhile.

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
    if face is None:
        reactor.run()
    else:
        face.run()
    outcome = outcomes[0] if outcomes else 0  # Ctrl-C ended it
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return int(outcome)
