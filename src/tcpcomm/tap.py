"""
The server ``twistd tcpcomm``: its options, which are checked all at once, and the service made of them.

Every mistake in the options is one line on standard error that says what to do, and the exit code is 1.
The server does not listen before all options are checked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import inlineCallbacks
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.python import usage

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.autodetect import AutoDetect
from tcpcomm.framing.base import DEFAULT_MAX_FRAME, Framing
from tcpcomm.framing.unframed import Unframed
from tcpcomm.net.endpoints import Listener
from tcpcomm.net.psk import PreSharedKeys, read_keys
from tcpcomm.plant.gateway.twistd_options import PlantOptions
from tcpcomm.plant.metrics.options import MetricsOptions
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.logs import DEFAULT_LIMIT, LineObserver
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.echo import EchoFactory, EchoProtocol, check_encoding
from tcpcomm.server.machine import keep_files_private, remove_stale_pidfile
from tcpcomm.server.options import ListeningOptions, check, one_line
from tcpcomm.server.reload.child import ReloadedProcess
from tcpcomm.server.reload.options import ReloadOptions
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.server.systemd import notifier_of
from tcpcomm.server.twistd_hooks import OneLineStart, TwistdHooks, start_in_one_line
from tcpcomm.server.twistd_log import DEFAULT_LOG_FILES, DEFAULT_LOG_SIZE, twistd_observer
from tcpcomm.server.worker import Worker
from tcpcomm.server.workers import Workers, WorkersFailed
from tcpcomm.session.factory import EVICT, FrameFactory
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions
from tcpcomm.transports.uvloop_reactor import choose

if TYPE_CHECKING:
    from tcpcomm.plant.gateway.plan import Plan
    from tcpcomm.plant.metrics.web_service import MetricsService

DEFAULT_GAP: Final = 0.05
AUTO: Final = "auto"


class ServerOptions(
    ListeningOptions, PlantOptions, MetricsOptions, MonitorOptions, RecordingOptions, ReloadOptions
):
    """The options of ``twistd tcpcomm``."""

    synopsis = "[options]"

    longdesc = r"""Runs an echo/command server on 127.0.0.1:9999. It answers each peer in the form of its
messages: lines that end with CR LF, LF or CR, text without an end, or a 4-byte length prefix. Send HELP for
its commands. With --app it runs your own equipment or protocol instead, and with --plant a gateway between
many links and a broker. 'twistd -n tcpcomm' stays in the foreground; without -n it runs in the
background."""

    examples = r"""
Examples:
  twistd -n tcpcomm
  twistd -n tcpcomm --listen tcp:8500 --allow 192.168.0.0/24 --framing 'delimited:\r'
  twistd -n tcpcomm --app my_camera:MyCamera
  twistd -n tcpcomm --app my_camera.py --reload
  twistd -n tcpcomm --fast
  twistd -n tcpcomm --plant plant.toml
"""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "framing",
            "f",
            AUTO,
            r"The framing, which separates messages: auto, lines, raw, delimited:\r\n, length:4, "
            "length:2,little,adjust=-3, stx-etx, stx-etx,bcc=xor, enclosed:$|*, fixed:16, netstring, slip, "
            "cobs, dle, definite, tpkt, cotp. The framing reference explains all options.",
        ],
        ["encoding", "e", "utf-8", "The text encoding: utf-8, cp949, euc-kr, shift_jis, latin-1, ascii, …"],
        [
            "gap",
            "g",
            None,
            f"Seconds of silence that end a message, or 'none'.  [default: {DEFAULT_GAP} with auto and "
            "raw,join, else none]",
        ],
        ["max-frame", None, None, f"The most bytes of one message.  [default: {DEFAULT_MAX_FRAME}]"],
        ["max-sessions", None, None, "The most sessions.  [default: 1000, or what open files allow]"],
        ["max-sessions-per-address", None, None, "The most sessions from one address.  [default: 16]"],
        ["idle-timeout", None, None, "Seconds that a peer may be silent, or 'none'.  [default: 600]"],
        [
            "heartbeat-timeout",
            None,
            None,
            "Seconds of silence after which a peer counts as dead, and its session is aborted.",
        ],
        [
            "evict",
            None,
            None,
            "The older session of the same peer that a new session ends: identity, address or none.  "
            "[default: identity with --psk, else none]",
        ],
        [
            "psk",
            None,
            None,
            "File with a name and a key in hex on each line: peers must prove that they have a key.",
        ],
        ["name", None, None, "The name of this server, which peers expect, with --psk."],
        ["client-ca", None, None, "PEM file: ssl: demands a client certificate signed by one of these."],
        ["revoked", None, None, "PEM file with a revocation list of each of these authorities."],
        [
            "workers",
            None,
            "1",
            "The processes that share the sessions, on several cores. Each has its own equipment object, "
            "events and limits. On Linux.",
        ],
        [
            "app",
            "a",
            None,
            "Your own equipment, protocol or factory, as module:name or file.py:name, or a file that "
            "defines only one.",
        ],
        ["log-format", None, "text", "text, or json: one JSON object a line."],
        ["log-limit", None, None, f"Most bytes of log in a minute, or 'none'.  [default: {DEFAULT_LIMIT}]"],
        ["log-size", None, None, f"The bytes of one log file.  [default: {DEFAULT_LOG_SIZE}]"],
        ["log-files", None, None, f"The full log files that are kept.  [default: {DEFAULT_LOG_FILES}]"],
    ]

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["frames", None, "Log each frame with its direction, bytes and meaning."],
        ["allow-http", None, "Serve peers that begin with an HTTP request or TLS, as a web browser does."],
        ["no-framing-hints", None, "Guess no framing after a fault, for a hint in the log."],
        [
            "fast",
            None,
            "Run on uvloop, whose native transports handle small messages faster. Needs: pip install "
            "tcpcomm[fast].",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["client-name"] = []

    @one_line
    def opt_client_name(self, name: str) -> None:
        """
        A name that clients may have in their certificates, with --client-ca; may be given several times.
        [default: any name]
        """
        self["client-name"].append(name)

    def parseOptions(self, options: Any = None) -> None:
        """Parse the options, or end the process with one line for each mistake."""
        self.folder = os.getcwd()  # twistd changes it later
        self._given = [*(sys.argv[1:] if options is None else options)]
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            _refuse([f"{error}; 'twistd tcpcomm --help' lists the options"])

    def parseArgs(self, *args: str) -> None:
        if args:
            raise usage.UsageError(f"{' '.join(args)!r} is not an option")

    def postOptions(self) -> None:
        """Check all options, so that all mistakes are shown at once, and keep the results."""
        problems: list[str] = []
        if self.parent is not None:
            check(problems, remove_stale_pidfile, self.parent.get("pidfile"))
            keep_files_private(self.parent)
        self.worker = Worker.here()
        self.workers = check(problems, self._count, "workers") or 1
        if self.workers > 1:
            problems += self._not_for_workers()
        self.check_reload(problems, self.parent or {})
        if self["fast"] and not self.supervises:
            # first, because anything else, such as --app, may import the reactor
            check(problems, choose, option="fast")
        if self.reloaded is not None:
            check(problems, self._wait_to_serve, self.reloaded)
        self.metrics: MetricsService | None = None
        if self["plant"] is None:
            self._make_metrics(problems)
            self.factory: Any = check(problems, self._factory, problems)
            self.listeners = self._listeners(problems)
        else:
            self.read_plan(problems)
            self._make_metrics(problems)
            self.observers = self._observers(problems) or []
        if self["log-format"] not in ("text", "json"):
            problems.append(f"--log-format must be text or json, not {self['log-format']!r}")
        self.log = {
            "limit": check(problems, self._log_limit),
            "size": check(problems, self._count, "log-size") or DEFAULT_LOG_SIZE,
            "kept": check(problems, self._count, "log-files") or DEFAULT_LOG_FILES,
        }
        if problems:
            _refuse(problems)

    def _factory(self, problems: list[str]) -> Factory | None:
        options = {
            "max_sessions": check(problems, self._count, "max-sessions"),
            "max_sessions_per_address": check(problems, self._count, "max-sessions-per-address"),
            "allow": self.allowed(problems),
            "framing": self._framing(problems),
            "keys": check(problems, self._keys),
            "evict": check(problems, self._evict),
            "observers": self._observers(problems),
            "allow_http": True if self["allow-http"] else None,
            "framing_hints": False if self["no-framing-hints"] else None,
        }
        given = {name: value for name, value in options.items() if value is not None}
        timeout = check(problems, self._seconds, "heartbeat-timeout")
        if timeout is not None:
            given["heartbeats"] = Heartbeats(timeout / 3, timeout)
        if self["gap"] is not None:
            given["gap"] = check(problems, self._seconds, "gap")
        idle: dict[str, Any] = {}
        if self["idle-timeout"] is not None:
            idle["idle_timeout"] = check(problems, self._seconds, "idle-timeout")
        if self["app"] is not None:
            if self["encoding"] != "utf-8":
                problems.append("--encoding has no effect with --app: your own protocol decodes its text")
            if self.supervises or (self.workers > 1 and self.worker is None):
                return Factory()  # other processes make the application
            from tcpcomm.server.app import load_factory  # noqa: PLC0415 - brings in all of tcpcomm, for --app only

            application: Factory | None = check(problems, load_factory, self["app"], given | idle)
            return application
        framing = given.setdefault("framing", AutoDetect())
        by_silence = isinstance(framing, AutoDetect) or (isinstance(framing, Unframed) and framing.join)
        given.setdefault("gap", DEFAULT_GAP if by_silence else None)
        check(problems, check_encoding, self["encoding"], framing, option="encoding")
        if idle:
            given["limits"] = evolve(EchoProtocol.limits, idle=idle["idle_timeout"])
        return None if problems else EchoFactory(encoding=self["encoding"], **given)

    def _not_for_workers(self) -> list[str]:
        """Return a line for each option that has no meaning, or another one, for several processes."""
        if sys.platform != "linux":
            return ["--workers needs Linux: start a server for each port instead"]
        found = [
            f"--{option} does not work with --workers, because each worker sees its own sessions only"
            for option in ("record", "monitor", "metrics")
            if self[option] is not None
        ]
        if self["evict"] != "none" and (self["evict"] is not None or self["psk"] is not None):
            found.append("--workers needs --evict none, because a worker cannot end a session of another")
        if self["max-sessions"] == "1":
            found.append(
                "--max-sessions 1 does not work with --workers: each worker would have one session"
            )
        if any(text.startswith(("unix:", "systemd:")) for text in self["listen"]):
            found.append("--workers needs --listen tcp:…, tcp6:…, ssl:… or native:…")
        return found

    def _wait_to_serve(self, process: ReloadedProcess) -> None:
        """Import the program, and wait until the old one has ended. End the process if that fails."""
        from tcpcomm.server.app import load_target  # noqa: PLC0415 - for --app only

        try:
            process.load(partial(load_target, self["app"]))
        except ConfigurationError as error:
            _refuse([str(error)])

    def child_command(self) -> list[str]:
        """Return the options of twistd, and those of tcpcomm, with which a further process is started."""
        twistd: Any = self.parent or {}
        reactor = [] if twistd.get("reactor") is None else ["--reactor", twistd["reactor"]]
        umask = [] if twistd.get("umask") is None else ["--umask", f"{twistd['umask']:o}"]
        pidfile = ["--pidfile="] if "pidfile" in twistd else []  # Windows has none
        foreground = ["--nodaemon", *pidfile, "--rundir", twistd.get("rundir", "."), *reactor, *umask]
        return [*foreground, "tcpcomm", *self._given, "--log-format", "json"]

    def _make_metrics(self, problems: list[str]) -> None:
        place = None if self.plan is None else self.plan.metrics
        if self.workers == 1 and self.worker is None and not self.supervises:
            self.metrics = check(problems, self.metrics_service, place)

    def _observers(self, problems: list[str]) -> list[SessionObserver] | None:
        observers: list[SessionObserver] = [] if self.metrics is None else [self.metrics.metrics]
        if self.workers == 1 and not self.supervises:
            observers += check(problems, self._recorders) or []
            observers += check(problems, self.monitors, self.recordings) or []
        if self["frames"]:
            from tcpcomm.session.frame_log import frame_log  # noqa: PLC0415 - few starts need it

            observers += frame_log(True)
        return observers or None

    def _recorders(self) -> list[SessionObserver]:
        recorders = self.recorders()
        for each in recorders:  # twistd kills its process when the reactor has stopped
            the_reactor().addSystemEventTrigger("after", "shutdown", each.close)
        return [*recorders]

    def _framing(self, problems: list[str]) -> Framing | None:
        limit = check(problems, self._count, "max-frame")
        framing: Framing | None = None
        if self["framing"] != AUTO:
            from tcpcomm.framing.notation import parse_framing  # noqa: PLC0415 - brings in every framing

            framing = check(problems, parse_framing, self["framing"], option="framing")
        elif limit is not None and self["app"] is not None:
            problems.append("--max-frame with --app needs --framing")
        elif limit is not None:
            framing = AutoDetect()
        if framing is None or limit is None:
            return framing
        try:
            return evolve(framing, max_frame=limit)
        except TypeError:
            problems.append(
                f"--max-frame has no effect with --framing {self['framing']}, which has a fixed size"
            )
        except ConfigurationError as error:
            problems.append(f"--max-frame: {error}")
        return None

    def _listeners(self, problems: list[str]) -> list[Listener]:
        inherited = () if self.worker is None else self.worker.sockets
        # twistd's --reactor has chosen the reactor by now
        found = self.places(problems, the_reactor(), inherited)
        secured = any(text.startswith(("ssl:", "tls:", "native:")) for text in self["listen"])
        for option in ("client-ca", "client-name", "revoked"):
            if self[option] and not secured:
                problems.append(f"--{option} has no effect without --listen ssl:…")
        return found

    def reload_keys(self) -> None:
        """
        Read the keys again, for new connections. If that fails, the old ones stay in use.

        Raises:
            ConfigurationError: the file cannot be read, or a line is wrong.
        """
        keys = self._keys()
        if keys is not None:
            self.factory.keys = keys

    def _keys(self) -> PreSharedKeys | None:
        path, name = self["psk"], self["name"]
        if path is None and name is None:
            return None
        if path is None:
            raise ConfigurationError("--name has no effect without --psk FILE")
        if name is None:
            raise ConfigurationError("--psk needs --name NAME: the name that peers expect of this server")
        return read_keys(path, name)

    def _evict(self) -> str | None:
        text: str | None = self["evict"]
        if text is not None and text not in EVICT:
            raise ConfigurationError(f"--evict must be {', '.join(EVICT)}, not {text!r}")
        return text

    def _count(self, option: str) -> int | None:
        text = self[option]
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
            raise ConfigurationError(f"--{option} must be a whole number above 0, not {text!r}")
        return int(text)

    def _log_limit(self) -> int | None:
        if self["log-limit"] == "none":
            return None
        return DEFAULT_LIMIT if self["log-limit"] is None else self._count("log-limit")

    def _seconds(self, option: str) -> float | None:
        text = self[option]
        if text is None or text == "none":
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise ConfigurationError(f"--{option} must be seconds above 0, or 'none', not {text!r}")
        return seconds


Options = ServerOptions  # twistd looks for this name


class TwistdService(ServerService, TwistdHooks):
    """
    The service in twistd. It shows a failed start in one line, and aborts its sessions at a second SIGTERM.

    At SIGHUP it loads certificates, keys and revocation lists again. If its terminal was closed, it stops.

    Args:
        args, options: as for :class:`~tcpcomm.server.service.ServerService`.
        observer: writes twistd's log. If it is None, twistd's own options decide.
        reload_keys: reads the keys again, or raises ConfigurationError.
    """

    log = BoundedLogger()

    def __init__(
        self,
        *args: Any,
        observer: LineObserver | None = None,
        reload_keys: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.log_observer = observer
        self._reload_keys = reload_keys

    def privilegedStartService(self) -> None:
        """Listen. If that fails, twistd ends with exit code 1 and the reason."""
        with start_in_one_line(CannotListen):
            super().privilegedStartService()
        self.reload_at_hangup()

    def load_files(self) -> bool:
        """Load certificates, revocation lists and keys again. Return False if a file is wrong."""
        are_right = super().load_files()
        try:
            self._reload_keys()
        except ConfigurationError as error:
            self.log.error("the old keys stay in use: {error}", error=str(error))
            return False
        return are_right

    def log_listening(self, port: IListeningPort, where: Listener) -> None:
        """Log it when the reactor handles Ctrl-C, which a Deferred would hide before."""
        the_reactor().callWhenRunning(super().log_listening, port, where)

    def stopService(self) -> Any:
        """Drain the sessions; a second signal aborts them."""
        self.expect_second_signal()
        return super().stopService()

    def abort(self) -> None:
        """Abort the sessions that are left."""
        if isinstance(self.factory, FrameFactory):
            self.factory.abort("the server got a second signal to stop")


class WorkerService(TwistdService):
    """The service in one of several workers. It accepts at sockets that the supervisor has bound."""

    def __init__(self, worker: Worker, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._worker = worker

    def startService(self) -> None:
        super().startService()
        the_reactor().callWhenRunning(self._worker.serves, the_reactor())

    def log_listening(self, port: IListeningPort, where: Listener) -> None:
        """Leave this to the supervisor."""

    def accepts_no_more(self) -> None:
        self._worker.accepts_no_more()


class SupervisorService(TwistdService):
    """Binds the sockets, and has workers accept at them. A worker that cannot start ends the program."""

    def __init__(self, workers: Workers, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._workers = workers
        self._places: list[tuple[Any, Listener]] = []

    def log_listening(self, port: IListeningPort, where: Listener) -> None:
        """Accept nothing here, and log the place when the workers serve it."""
        listening: Any = port
        listening.stopReading()
        self._places.append((listening, where))

    def privilegedStartService(self) -> None:
        """Bind the sockets of the workers, while the process may still bind low ports."""
        super().privilegedStartService()
        for port, _ in self._places:
            self._workers.share(port.fileno(), port.backlog)

    def startService(self) -> None:
        super().startService()
        with start_in_one_line(WorkersFailed):
            self._workers.start()
        for each in self._places:
            super().log_listening(*each)

    @inlineCallbacks
    def stopService(self) -> Any:
        """Stop the workers before the sockets are closed, so that none of them fails to accept."""
        self.expect_second_signal()
        yield self._workers.stop()
        yield super().stopService()
        yield self._workers.ended(self.grace)

    def reload(self) -> None:
        """Have each worker load certificates and keys again."""
        self._workers.signal("HUP")

    def abort(self) -> None:
        self._workers.signal("TERM")


def makeService(options: ServerOptions) -> Service:
    """Make the service. Called by twistd, with parsed options."""
    if options.plan is not None:
        return _gateway(options, options.plan)
    if options.supervises:
        supervisor = options.supervisor(options.child_command(), options.folder, the_reactor())
        supervisor.log_observer = _log_observer(options)
        return _with_companions(supervisor, options)
    service: Callable[..., TwistdService] = TwistdService
    if options.worker is not None:
        service = partial(WorkerService, options.worker)
    elif options.workers > 1:
        command = options.child_command()
        workers = Workers(options.workers, command, folder=options.folder, reactor=the_reactor())
        service = partial(SupervisorService, workers)
    made = service(
        options.factory,
        options.listeners,
        observer=_log_observer(options),
        reload_keys=options.reload_keys,
    )
    if options.reloaded is not None:
        options.reloaded.serves(the_reactor())
    return _with_companions(made, options)


def _with_companions(service: TwistdHooks, options: ServerOptions) -> TwistdHooks:
    """Let a service start with the page of the metrics, and tell systemd how it goes."""
    if options.worker is None:  # the supervisor tells systemd, and not each worker
        service.notifier = notifier_of(os.environ, the_reactor())
    if options.metrics is not None:
        service.companions = [OneLineStart(options.metrics)]
    return service


def _gateway(options: ServerOptions, plan: Plan) -> Service:
    from tcpcomm.plant.gateway.twistd_gateway import TwistdGateway  # noqa: PLC0415 - for --plant only

    try:
        gateway = TwistdGateway(plan, options["plant"], options.observers, _log_observer(options))
    except ConfigurationError as error:
        _refuse([str(error)])
    if options.metrics is not None:
        options.metrics.metrics.add_gateway(gateway)
    return _with_companions(gateway, options)


def _log_observer(options: ServerOptions) -> LineObserver | None:
    try:
        return twistd_observer(options["log-format"], options.parent or {}, **options.log)
    except ConfigurationError as error:
        _refuse([str(error)])


def _refuse(problems: list[str]) -> NoReturn:
    sys.exit("\n".join(f"twistd tcpcomm: {problem}" for problem in problems))
