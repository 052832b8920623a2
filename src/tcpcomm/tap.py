"""
``twistd tcpcomm``: options, checked all at once, and the service made of them.

Every mistake in the options is one line on stderr that says what to do; then the exit code is 1. Nothing
is listened at before all options are understood.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from attrs import evolve
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python import usage

import twisted
from tcpcomm._version import __version__
from tcpcomm.anypeer import AnyPeer
from tcpcomm.app import load_factory
from tcpcomm.echo import EchoFactory, check_encoding
from tcpcomm.endpoints import Listener, listener
from tcpcomm.errors import ConfigurationError
from tcpcomm.factory import FrameFactory, Network, parse_network
from tcpcomm.framing import DEFAULT_MAX_FRAME, Framing, Unframed, parse_framing
from tcpcomm.limits import Limits
from tcpcomm.logs import json_log_observer
from tcpcomm.server import CannotListen, ServerService

__all__ = ["Options", "makeService"]

DEFAULT_LISTEN: Final = "tcp:9999:interface=127.0.0.1"
DEFAULT_GAP: Final = 0.05
AUTO: Final = "auto"
ANY: Final = "any"


def _one_line(option: Callable[..., None]) -> Callable[..., None]:
    """Let the help of an option show its docstring without the source's line breaks."""
    option.__doc__ = " ".join((option.__doc__ or "").split())
    return option


class Options(usage.Options):
    """The options of ``twistd tcpcomm``."""

    synopsis = "[options]"

    longdesc = r"""Runs an echo/command server on 127.0.0.1:9999 that answers each peer as it was asked:
lines ending in CR LF, LF or CR, text with no end mark at all, or a 4-byte length prefix. Send HELP for
its commands. With --app it runs your own protocol instead. Use 'twistd -n tcpcomm' to stay in the
foreground.

Example: twistd -n tcpcomm --listen tcp:8500 --allow 192.168.0.0/24 --framing 'delimited:\r'"""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "framing",
            "f",
            AUTO,
            r"How messages are told apart: auto, lines, raw, delimited:\r\n, length:4, "
            "length:2,little,adjust=-3, stx-etx, stx-etx,bcc=xor, enclosed:$|*, fixed:16, netstring, slip, "
            "cobs, dle, definite, tpkt, cotp. See the framing reference for all their options.",
        ],
        ["encoding", "e", "utf-8", "The text encoding: utf-8, cp949, euc-kr, shift_jis, latin-1, ascii, …"],
        [
            "gap",
            "g",
            None,
            f"Seconds of silence that end a message, or 'none'.  [default: {DEFAULT_GAP} with auto and "
            "raw,join, else none]",
        ],
        ["max-frame", None, None, f"Bytes of the longest message.  [default: {DEFAULT_MAX_FRAME}]"],
        ["max-sessions", None, None, "Sessions at once.  [default: 1000, or what open files allow]"],
        ["max-sessions-per-address", None, None, "Sessions at once from one address.  [default: 16]"],
        ["idle-timeout", None, None, "Seconds a peer may be silent, or 'none'.  [default: 600]"],
        ["client-ca", None, None, "PEM file: ssl: demands a client certificate signed by one of these."],
        ["app", "a", None, "Your own protocol or factory, as module:name."],
        ["log-format", None, "text", "text, or json: one JSON object a line, on standard output."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self["listen"] = []
        self["allow"] = []

    @_one_line
    def opt_listen(self, endpoint: str) -> None:
        """
        Where to listen, as a Twisted server endpoint; may be given several times. tcp:9999 is open to
        other machines, tcp:9999:interface=127.0.0.1 (the default) is not; also
        ssl:9999:privateKey=key.pem:certKey=cert.pem, unix:/run/tcpcomm.sock, systemd:domain=INET:index=0.
        """
        self["listen"].append(endpoint)

    opt_l = opt_listen

    @_one_line
    def opt_allow(self, network: str) -> None:
        """
        A network whose machines may connect, such as 192.168.0.0/24 or 10.0.0.5; may be given several
        times. 'any' opens the server to all. Needed to listen beyond this machine, unless client
        certificates are demanded.
        """
        self["allow"].append(network)

    def opt_version(self) -> NoReturn:
        """Print the versions and exit."""
        print(f"tcpcomm {__version__} (Twisted {twisted.__version__}, Python {sys.version.split()[0]})")
        sys.exit(0)

    def parseOptions(self, options: Any = None) -> None:
        """Parse, and end the process with one line for each thing that is wrong."""
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            _refuse([f"{error}; 'twistd tcpcomm --help' lists the options"])

    def parseArgs(self, *args: str) -> None:
        """There are no arguments beside the options."""
        if args:
            raise usage.UsageError(f"{' '.join(args)!r} is no option")

    def postOptions(self) -> None:
        """Check everything, so that all mistakes are told at once, and keep the results."""
        problems: list[str] = []
        self.factory = self._check(problems, self._factory, problems)
        self.listeners = self._listeners(problems)
        if self["log-format"] not in ("text", "json"):
            problems.append(f"--log-format must be text or json, not {self['log-format']!r}")
        if problems:
            _refuse(problems)
        if self["log-format"] == "json" and self.parent is not None:
            self.parent["logger"] = lambda: json_log_observer(sys.stdout)

    @staticmethod
    def _check(problems: list[str], make: Callable[..., Any], *args: Any) -> Any:
        """Call ``make``; where it fails over the configuration, note that and return None."""
        try:
            return make(*args)
        except ConfigurationError as error:
            problems.append(str(error))
            return None

    def _factory(self, problems: list[str]) -> Factory | None:
        """The factory, of all options but where to listen."""
        given: dict[str, Any] = {}
        check = self._check

        def take(name: str, value: Any) -> None:
            if value is not None:
                given[name] = value

        take("max_sessions", check(problems, self._count, "max-sessions"))
        take("max_sessions_per_address", check(problems, self._count, "max-sessions-per-address"))
        take("allow", self._allow(problems))
        if self["idle-timeout"] is not None:
            idle = check(problems, self._seconds, "idle-timeout")
            given["limits"] = Limits(idle=idle)
        gap = check(problems, self._seconds, "gap") if self["gap"] is not None else None
        framing = check(problems, self._framing)
        take("framing", framing)
        if self["gap"] is not None:
            given["gap"] = gap
        if self["app"] is not None:
            if self["encoding"] != "utf-8":
                problems.append("--encoding has no effect on --app: your own protocol decodes its text")
            return None if problems else load_factory(self["app"], given)
        framing = given["framing"] = framing or AnyPeer()
        by_silence = isinstance(framing, AnyPeer) or framing == Unframed(join=True)
        given.setdefault("gap", DEFAULT_GAP if by_silence else None)
        check(problems, check_encoding, self["encoding"], framing)
        return None if problems else EchoFactory(encoding=self["encoding"], **given)

    def _framing(self) -> Framing | None:
        """The framing that was asked for; None where nothing was said."""
        auto, limit = self["framing"] == AUTO, self._count("max-frame")
        if auto and (limit is None or self["app"] is not None):
            if limit is not None:
                raise ConfigurationError("--max-frame needs --framing where it is for --app")
            return None
        framing = AnyPeer() if auto else parse_framing(self["framing"])
        if limit is None:
            return framing
        try:
            return evolve(framing, max_frame=limit)
        except TypeError:
            raise ConfigurationError(
                f"--max-frame has no effect on --framing {self['framing']}: its size follows from itself"
            ) from None

    def _allow(self, problems: list[str]) -> tuple[Network, ...] | None:
        """The allowed networks; None: all."""
        texts = [text for text in self["allow"] if text != ANY]
        networks = [self._check(problems, parse_network, text) for text in texts]
        if ANY in self["allow"] and networks:
            problems.append("--allow any opens the server to all: leave the other --allow out, or it")
        return tuple(networks) if networks else None

    def _listeners(self, problems: list[str]) -> list[Listener]:
        from twisted.internet import reactor  # noqa: PLC0415 - twistd's --reactor has chosen it by now

        listeners = []
        for text in self["listen"] or [DEFAULT_LISTEN]:
            try:
                each = listener(reactor, text, client_ca=self["client-ca"])
            except ConfigurationError as error:
                problems.append(f"--listen {error}")
                continue
            listeners.append(each)
            if not (each.local or each.proves_peers or self["allow"]):
                problems.append(
                    f"--listen {text} is open to other machines: say which with --allow 192.168.0.0/24 "
                    "(--allow any for all), or add :interface=127.0.0.1"
                )
        if self["client-ca"] is not None and not any(each.proves_peers for each in listeners):
            problems.append("--client-ca has no effect without --listen ssl:…")
        return listeners

    def _count(self, option: str) -> int | None:
        text = self[option]
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
            raise ConfigurationError(f"--{option} must be a whole number above 0, not {text!r}")
        return int(text)

    def _seconds(self, option: str) -> float | None:
        text = self[option]
        if text == "none":
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise ConfigurationError(f"--{option} must be seconds above 0, or 'none', not {text!r}")
        return seconds


class TwistdService(ServerService):
    """
    The service as twistd runs it: it tells a failure to start in one line, and heeds a second SIGTERM.

    Args:
        pidfile: the file that twistd wrote, to be removed if the start fails; None if there is none.
    """

    log = Logger()

    def __init__(self, *args: Any, pidfile: str | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pidfile = pidfile

    def privilegedStartService(self) -> None:
        """Listen, or end the process with exit code 1 and the reason."""
        try:
            super().privilegedStartService()
        except CannotListen as error:
            if self._pidfile:
                Path(self._pidfile).unlink(missing_ok=True)
            _refuse([str(error)])

    def stopService(self) -> Any:
        """Drain; a second signal aborts what is left."""
        with suppress(ValueError):  # not in the main thread: then no signal arrives here either
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop_now)
        return super().stopService()

    def _stop_now(self, number: int, frame: object) -> None:
        from twisted.internet import reactor  # noqa: PLC0415 - never at import time

        self.log.warn("a second signal: aborting what is left")
        if isinstance(self.factory, FrameFactory):
            reactor.callFromThread(self.factory.abort, "the server was told twice to stop")  # type: ignore[attr-defined]


def makeService(options: Options) -> TwistdService:
    """Make the service. Called by twistd, with options that have been parsed."""
    pidfile = None if options.parent is None else options.parent.get("pidfile")
    return TwistdService(options.factory, options.listeners, pidfile=pidfile)


def _refuse(problems: list[str]) -> NoReturn:
    sys.exit("\n".join(f"twistd tcpcomm: {problem}" for problem in problems))
