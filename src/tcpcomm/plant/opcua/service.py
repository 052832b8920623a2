"""The OPC UA server of a plant, as a service: :class:`OpcUaServer`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError, succeed

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import ConfigurationError, Fault, NotReady
from tcpcomm.plant.opcua import names
from tcpcomm.plant.opcua.added_link import AddedLink, Poll
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.opcua.packages import check_asyncua
from tcpcomm.plant.opcua.pending import NodeUpdate, PendingUpdates, PlantEvent
from tcpcomm.plant.report import EVENT, POLL, STATE, Report
from tcpcomm.plant.sink import BrokerCommand, CarryOut, LinkDescription
from tcpcomm.plant.values import ValueDescription, values_by_path
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.tools.manual.values import jsonable

OPCUA_STOP_PATIENCE: Final = 15.0
"""Seconds at the stop for the thread of the server to end. Then the service stops without it."""

_GOOD: Final = 0
_WAITING: Final = 0x80320000  # BadWaitingForInitialData
_NO_COMMUNICATION: Final = 0x80310000  # BadNoCommunication
_DEVICE_FAILURE: Final = 0x808B0000  # BadDeviceFailure
_NO_DATA: Final = 0x80B10000  # BadNoDataAvailable


class OpcUaServer(Service):
    """
    Serve links to clients of OPC UA: polled values as variables, events as events, commands as methods.

    The nodes follow from the declarations. asyncua serves them in a thread of its own, so that any reactor
    will do. All methods are called in the reactor's thread.

    Args:
        endpoint: the address where it listens, such as ``opc.tcp://127.0.0.1:4840/tcpcomm``.
        options: the options as an object, in place of ``endpoint`` and ``keywords``.
        reactor: the reactor; None: the global one.
        keywords: the other options, which :class:`OpcUaOptions` explains: ``name``, ``severity``,
            ``severities``, ``certificate``, ``private_key``, ``private_key_password``, ``users``,
            ``trusted``, ``sessions`` and ``calls``.

    Raises:
        ConfigurationError: an option is wrong, a file cannot be read, or asyncua is not installed.
    """

    log = BoundedLogger()

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        options: OpcUaOptions | None = None,
        reactor: Any = None,
        **keywords: Any,
    ) -> None:
        check_asyncua()
        from tcpcomm.plant.opcua.security import check_files  # noqa: PLC0415 - it needs asyncua

        if options is None:
            if endpoint is not None:
                keywords["endpoint"] = endpoint
            try:
                options = OpcUaOptions(**keywords)
            except TypeError as error:
                raise ConfigurationError(f"OpcUaServer: {error}") from None
        elif endpoint is not None or keywords:
            raise ConfigurationError("OpcUaServer takes its options as one object or as keywords, not both")
        check_files(options)
        self.options = options
        self._reactor = the_reactor(reactor)
        self._gateway = ""
        self._links: dict[str, LinkDescription] = {}
        self._added: dict[str, AddedLink] = {}
        self._carry_out: CarryOut | None = None
        self._ready: dict[str, bool] = {}
        self._states: set[str] = set()  # the links that report their exact states
        self._pending = PendingUpdates()
        self._thread: Any = None
        self._port = 0
        self._problem = ""
        self._waiting: list[Deferred[int]] = []
        self._stopped: Deferred[None] | None = None

    def add(
        self,
        proxy: Equipment,
        name: str,
        *,
        polls: Mapping[str, Poll] | None = None,
        commands: Sequence[str] = (),
    ) -> None:
        """
        Serve a piece of equipment. Call it before the service starts.

        Args:
            proxy: a proxy that :func:`~tcpcomm.remote` made.
            name: the name of its object, and of the link.
            polls: the commands that are asked again and again, each with the seconds between, or with a
                pair: the seconds, and the arguments by name.
            commands: the commands that clients may call, as methods. By default they may call none.

        Raises:
            ConfigurationError: a name is wrong or in use, a command is unknown, or the service runs.
        """
        added = AddedLink(proxy, name, polls or {}, commands, self._reactor)
        self._take(added.description)
        self._added[name] = added

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        """Learn which links a gateway has, and its name. A gateway calls it once, before the start."""
        self._gateway = gateway
        for each in links:
            self._take(each)

    def take_commands(self, carry_out: CarryOut) -> None:
        """Let clients call the commands that the described links allow, if the options say so."""
        if self.options.commands:
            self._carry_out = carry_out

    def _take(self, link: LinkDescription) -> None:
        if self.running:
            raise ConfigurationError(
                f"link {link.name}: the OPC UA server runs; add links before it starts"
            )
        if link.name in self._links or link.name in ("plant", "types"):
            raise ConfigurationError(f"link {link.name}: this name is in use; give it another name")
        for each in link.commands:
            if each in names.OF_LINK:
                raise ConfigurationError(
                    f"link {link.name}: the command {each} cannot be a method, because each link has "
                    "something else of this name: leave it out of the commands"
                )
        self._links[link.name] = link

    def startService(self) -> None:
        """Start the thread of the server, and the polls of added links."""
        from tcpcomm.plant.opcua.reactor_watcher import ReactorWatcher  # noqa: PLC0415 - it needs asyncua
        from tcpcomm.plant.opcua.server_thread import ServerThread  # noqa: PLC0415

        super().startService()  # type: ignore[no-untyped-call]
        plant = self.options.name or self._gateway or "tcpcomm"
        for each in self._links:
            self.link_changed(each, False, "the link has not been ready yet")
        for added in self._added.values():
            added.start(self.report, self.link_changed)
        links = [self._with_methods(each) for each in self._links.values()]
        watcher = ReactorWatcher(self._reactor, self._call, self._listening, self._failed, self._warn)
        self._thread = ServerThread(self.options, plant, links, self._pending, watcher)
        self._stopped = watcher.ended_in_reactor
        self._thread.start()

    def _with_methods(self, link: LinkDescription) -> LinkDescription:
        """Return a link with the commands that clients may call."""
        if link.name in self._added or self._carry_out is not None:
            return link
        return LinkDescription(name=link.name, declaration=link.declaration, values=link.values)

    def stopService(self) -> Deferred[None]:
        """Stop the polls and the server. The Deferred fires when the thread has ended, in finite time."""
        super().stopService()  # type: ignore[no-untyped-call]
        for added in self._added.values():
            added.stop()
        thread, self._thread = self._thread, None
        self._port = 0
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(NotReady("the OPC UA server was stopped before it listened"))
        if thread is None or self._stopped is None:
            return succeed(None)
        thread.stop()
        stopped = self._stopped
        if not stopped.called:
            stopped.addTimeout(OPCUA_STOP_PATIENCE, self._reactor)
        return stopped.addErrback(self._give_up)

    def _give_up(self, failure: Any) -> None:
        failure.trap(TimeoutError)
        self.log.error("OPC UA: the thread of the server did not end within {n:g} s", n=OPCUA_STOP_PATIENCE)

    def whenListening(self) -> Deferred[int]:
        """Return a Deferred of the port, which fires when clients can connect, at once if they can."""
        if self._port:
            return succeed(self._port)
        waiting: Deferred[int] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def problem(self) -> str:
        """Return why clients cannot connect, in words; empty if they can, or nothing was tried."""
        return self._problem

    def report(self, report: Report) -> None:
        """Show a poll's result, an event, or the state of a link."""
        link = self._links.get(report.link)
        if link is None:
            self.log.error(
                "OPC UA: a report of {link}, which is not described, is not shown", link=report.link
            )
        elif report.kind == POLL:
            self._show_poll(link, report)
        elif report.kind == EVENT:
            values = values_by_path(link.values, report.name, jsonable(dict(report.values)))
            if report.name in link.declaration.events:
                event = PlantEvent(link=link.name, name=report.name, values=values, at=report.at)
                self._wake(self._pending.put_event(event))
        elif report.kind == STATE:
            self._states.add(link.name)
            self._put(link.name, names.STATE, report.name, report.at)

    def _show_poll(self, link: LinkDescription, report: Report) -> None:
        if report.problem:
            shown = f"{report.name}: {report.problem}"
            self._put(link.name, names.POLL_PROBLEM, shown, report.at)
        if not self._ready.get(link.name, False):
            return  # the report of a poll that ended when the link did
        values = values_by_path(link.values, report.name, jsonable(dict(report.values)))
        for each in _polled(link, report.name):
            value, status = values.get(each.path), _GOOD
            if report.problem:
                status = _DEVICE_FAILURE
            elif value is None:
                status = _NO_DATA
            self._put(link.name, f"{names.VALUES}/{each.path}", value, report.at, status)

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        """Show that a link became ready, or is no longer. Without it, its values are bad."""
        described = self._links.get(link)
        if described is None:
            self.log.error("OPC UA: the state of {link}, which is not described, is not shown", link=link)
            return
        now = time.time()
        was_ready, self._ready[link] = self._ready.get(link), is_ready
        self._put(link, names.READY, is_ready, now)
        if link not in self._states:
            self._put(link, names.STATE, "ready" if is_ready else "not ready", now)
        self._put(link, names.REASON, reason, now)
        if was_ready is None:
            self._put(link, names.POLL_PROBLEM, "", now)
            self._put(link, names.CALL_PROBLEM, "", now)
        if was_ready != is_ready:
            status = _WAITING if is_ready else _NO_COMMUNICATION
            for each in _polled(described):
                self._put(link, f"{names.VALUES}/{each.path}", None, now, status)

    def _put(self, link: str, path: str, value: Any, at: float, status: int = _GOOD) -> None:
        update = NodeUpdate(node=f"{link}/{path}", value=value, status=status, at=at)
        self._wake(self._pending.put(update))

    def _wake(self, was_empty: bool) -> None:
        if was_empty and self._thread is not None:
            self._thread.wake()

    def _call(self, command: BrokerCommand) -> Deferred[Any]:
        """Carry out a command of a client, and note its failure for the clients."""
        if not self.running:
            raise NotReady("the OPC UA server stops")
        added = self._added.get(command.link)
        carry_out = self._carry_out if added is None else added.carry_out
        assert carry_out is not None
        return as_deferred(carry_out(command)).addErrback(self._note_failure, command)

    def _note_failure(self, failure: Any, command: BrokerCommand) -> Any:
        error, name, now = failure.value, command.command, time.time()
        code = str(error.code) if isinstance(error, Fault) else ""
        self._wake(self._pending.put_call_problem(command.link, name, str(error), code=code, at=now))
        return failure

    def _listening(self, port: int) -> None:
        self._port, self._problem = port, ""
        self.log.info(
            "OPC UA: listening at {endpoint}, port {port}", endpoint=self.options.endpoint, port=port
        )
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(port)

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            self.log.error("OPC UA: {problem}", problem=problem)
        self._problem = problem

    def _warn(self, text: str) -> None:
        self.log.warn("OPC UA: {text}", text=text)


def _polled(link: LinkDescription, name: str = "") -> list[ValueDescription]:
    """Return the polled values of a link, or those of one command."""
    return [
        each
        for each in link.values
        if not each.is_event and (not name or each.path.partition("/")[0] == name)
    ]
