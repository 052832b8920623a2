"""The options that ``twistd tcpcomm`` and ``tcpcomm`` share: where to listen, for whom, and versions."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from twisted.python import usage

import twisted
from tcpcomm._version import __version__
from tcpcomm.errors import ConfigurationError
from tcpcomm.net.endpoints import Listener, listener
from tcpcomm.session.admission import ANY, OPEN_TO_ALL, Network, parse_network

DEFAULT_LISTEN: Final = "tcp:9999:interface=127.0.0.1"


def one_line(option: Callable[..., None]) -> Callable[..., None]:
    """Remove the line breaks from the docstring of an option, because its help shows them."""
    option.__doc__ = " ".join((option.__doc__ or "").split())
    return option


def check(problems: list[str], make: Callable[..., Any], *args: Any, option: str = "") -> Any:
    """Call ``make``. If it raises ConfigurationError, add the error to the problems and return None."""
    try:
        return make(*args)
    except ConfigurationError as error:
        problems.append(f"--{option}: {error}" if option else str(error))
        return None


def with_near_name(problem: str, options: Sequence[str], commands: Sequence[str] = ()) -> str:
    """
    Add the name that was probably meant to an error text about an option or command that does not exist.

    Args:
        problem: the text of ``getopt`` or Twisted.
        options: the names of the options, as ``getopt`` takes them.
        commands: the names of the subcommands.
    """
    unknown = re.fullmatch(r"option --(\S+) not recognized|Unknown command: (\S+)", problem)
    if unknown is None:
        return problem
    known = [f"--{option.removesuffix('=')}" for option in options] if unknown[1] else commands
    near = get_close_matches(f"--{unknown[1]}" if unknown[1] else unknown[2], known, 1, 0.7)
    return f"{problem} (did you mean {near[0]}?)" if near else problem


class VersionedOptions(usage.Options):
    """
    Options with a ``--version`` that shows tcpcomm's version, and a ``--help`` that shows examples.

    The error for a mistyped option names the one that was probably meant.
    """

    examples = ""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def parseOptions(self, options: Any = None) -> None:
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            commands = [command[0] for command in getattr(self, "subCommands", ())]
            raise usage.UsageError(with_near_name(str(error), self.longOpt, commands)) from None

    def getUsage(self, width: int | None = None) -> str:
        """Return the text of --help. The examples keep their line breaks."""
        return f"{super().getUsage(width)}{self.examples}"

    def opt_version(self) -> NoReturn:
        """Print the versions and exit."""
        print(f"tcpcomm {__version__} (Twisted {twisted.__version__}, Python {sys.version.split()[0]})")
        sys.exit(0)


class AllowingOptions(VersionedOptions):
    """The option ``--allow``, which may be given several times."""

    def __init__(self) -> None:
        super().__init__()
        self["allow"] = []

    @one_line
    def opt_allow(self, network: str) -> None:
        """
        A network whose machines may connect, such as 192.168.0.0/24 or 10.0.0.5; may be given several
        times. 'any' opens the server to all. Needed to listen beyond this machine, unless client
        certificates or keys are demanded.
        """
        self["allow"].append(network)

    def allowed(self, problems: list[str]) -> tuple[Network, ...] | None:
        """Return the allowed networks, or None if all are. Add mistakes to the problems."""
        texts = [text for text in self["allow"] if text != ANY]
        networks = [check(problems, parse_network, text, option="allow") for text in texts]
        if ANY in self["allow"] and networks:
            problems.append(f"--allow {OPEN_TO_ALL}")
        return tuple(networks) if networks else None

    def place(
        self, problems: list[str], reactor: Any, text: str, inherited: int | None = None
    ) -> Listener | None:
        """
        Return one place to listen at, or None if its endpoint string is wrong.

        A mistake is added to the problems, and a place that is open to machines that were not named.
        ``inherited`` is the file descriptor of a socket that listens there already.
        """
        try:
            found = listener(
                reactor,
                text,
                client_ca=self.get("client-ca"),
                client_names=self.get("client-name", ()),
                revoked=self.get("revoked"),
                inherited=inherited,
            )
        except ConfigurationError as error:
            problems.append(f"--listen {error}")
            return None
        if not (found.local or found.proves_peers or self.get("psk") is not None or self["allow"]):
            problems.append(
                f"--listen {text} is open to other machines: name them with --allow 192.168.0.0/24 "
                "(--allow any for all), or add :interface=127.0.0.1"
            )
        return found


class ListeningOptions(AllowingOptions):
    """The options ``--listen``, ``--port`` and ``--allow``, which may be given several times."""

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []

    @one_line
    def opt_listen(self, endpoint: str) -> None:
        """
        The place to listen at, as a Twisted server endpoint; may be given several times. tcp:9999 is open
        to other machines, tcp:9999:interface=127.0.0.1 (the default) is not; also
        ssl:9999:privateKey=key.pem:certKey=cert.pem, unix:/run/tcpcomm.sock, systemd:domain=INET:index=0.
        """
        self["listen"].append(endpoint)

    opt_l = opt_listen

    @one_line
    def opt_port(self, port: str) -> None:
        """
        The port to listen at, for this machine only: --port 9999 is short for --listen
        tcp:9999:interface=127.0.0.1. Port 0 is any free one.
        """
        if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
            raise usage.UsageError(f"--port must be a number up to 65535, not {port!r}")
        self["listen"].append(f"tcp:{int(port)}:interface=127.0.0.1")

    opt_p = opt_port

    def places(self, problems: list[str], reactor: Any, inherited: Sequence[int] = ()) -> list[Listener]:
        """
        Return all places to listen at, without those that :meth:`place` found wrong.

        ``inherited`` has a file descriptor for each place, or none.
        """
        texts = self["listen"] or [DEFAULT_LISTEN]
        numbers: Sequence[int | None] = inherited or [None] * len(texts)
        found = [self.place(problems, reactor, *each) for each in zip(texts, numbers, strict=True)]
        return [each for each in found if each is not None]
