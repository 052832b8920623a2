"""The thread in which asyncua runs: :class:`ServerThread`."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua
from attrs import frozen

from tcpcomm.codec.base import MISSING
from tcpcomm.plant.opcua.address_space import PlantSpace
from tcpcomm.plant.opcua.arguments import BadArguments, arguments_of, inputs_of, outputs_of, read_inputs
from tcpcomm.plant.opcua.bounded_server import BoundedServer
from tcpcomm.plant.opcua.data_types import variant_of
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.opcua.pending import PendingUpdates
from tcpcomm.plant.opcua.security import Users, certificate_uri, secure
from tcpcomm.plant.sink import BrokerCommand, LinkDescription
from tcpcomm.plant.values import RESULT, values_by_path
from tcpcomm.runtime.log_throttle import LogThrottle

_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about refused calls."""

OPCUA_RETRY_SECONDS: Final = 5.0
"""
Seconds until the server tries again to listen, if its port was not free. It goes on until the port is
free.
"""

OPCUA_STOP_SECONDS: Final = 5.0
"""Seconds at the stop for clients to take the last data. Then their connections are aborted."""


@frozen
class CallResult:
    """The end of a command: its result as JSON has it, or the status code of its failure."""

    status: ua.StatusCode
    result: Any = MISSING


Settle = Callable[[CallResult], None]


class Watcher:
    """Hears from the thread. All methods are called in the thread."""

    def call(self, command: BrokerCommand, settle: Settle) -> None:
        """Carry out a command, and call ``settle`` once, in any thread."""

    def listening(self, port: int) -> None:
        """Hear that clients can connect."""

    def failed(self, problem: str) -> None:
        """Hear why clients cannot connect."""

    def warn(self, text: str) -> None:
        """Hear what must be logged."""

    def ended(self) -> None:
        """Hear that the thread ends."""


class ServerThread:
    """
    Runs an OPC UA server in a thread with an asyncio loop of its own.

    Args:
        options: the options of the server.
        plant: the name of the plant.
        links: the links, with the commands that clients may call.
        pending: the updates that the server must show.
        watcher: hears what happens.
    """

    def __init__(
        self,
        options: OpcUaOptions,
        plant: str,
        links: Sequence[LinkDescription],
        pending: PendingUpdates,
        watcher: Watcher,
    ) -> None:
        self._options = options
        self._plant = plant
        self._links = {each.name: each for each in links}
        self._pending = pending
        self._watcher = watcher
        self._calls = 0
        self._refused = LogThrottle(_LOG_INTERVAL)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._space: PlantSpace | None = None
        self._flushing = asyncio.Lock()
        # A daemon: a thread that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="tcpcomm opcua", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Tell the thread that updates wait. Any thread may call it."""
        self._in_loop(self._changed.set)

    def stop(self) -> None:
        """Begin to stop. Any thread may call it."""
        self._in_loop(self._stopping.set)

    def _in_loop(self, function: Callable[..., object], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except Exception as error:
            self._watcher.failed(f"the OPC UA server failed: {type(error).__name__}: {error}")
        finally:
            try:
                for each in asyncio.all_tasks(self._loop):
                    each.cancel()
                self._loop.run_until_complete(asyncio.sleep(0))
                self._loop.run_until_complete(self._loop.shutdown_default_executor())
            finally:
                self._loop.close()
                self._watcher.ended()

    async def _main(self) -> None:
        log = _AsyncuaLog(self._watcher.warn)
        log.attach()
        try:
            while not self._stopping.is_set():
                problem = self._port_problem()
                server = None
                if not problem:
                    server, problem = await self._tried()
                if server is not None:
                    try:
                        self._watcher.listening(server.port)
                        await self._serve()
                    finally:
                        await stop_server(server)
                    return
                self._watcher.failed(f"{problem}; the next attempt follows in {OPCUA_RETRY_SECONDS:g} s")
                await self._pause(OPCUA_RETRY_SECONDS)
        finally:
            log.detach()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _port_problem(self) -> str:
        """Return the reason why the port cannot be opened, before seconds are spent on the nodes."""
        options = self._options
        try:
            places = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
            family, _, _, _, address = places[0]
            socket.create_server(address[:2], family=family).close()
        except OSError as error:
            return f"cannot listen at {options.endpoint}: {error.strerror or error}"
        return ""

    async def _tried(self) -> tuple[BoundedServer | None, str]:
        """Return a server that listens, or the reason why there is none."""
        try:
            return await self._started()
        except Exception as error:  # of asyncua: its errors have no common class
            return None, f"the OPC UA server cannot start: {type(error).__name__}: {error}"

    async def _started(self) -> tuple[BoundedServer | None, str]:
        options = self._options
        users = Users(options, lambda reason: self._watcher.warn(f"refused a client: {reason}"))
        await users.load()
        server = BoundedServer(options.sessions, users)
        await server.init()
        server.set_endpoint(options.endpoint)
        server.set_server_name(self._plant)
        server.manufacturer_name = "tcpcomm"
        uri = certificate_uri(options.certificate) if options.certificate else ""
        await server.set_application_uri(uri or f"urn:tcpcomm:{self._plant}:server")
        namespace = await server.register_namespace(f"urn:tcpcomm:{self._plant}")
        await secure(server, options)
        space = PlantSpace(server, namespace, options, _now)
        await space.build(self._plant, list(self._links.values()), self._make_method)
        self._space = space
        await self._flush()
        try:
            await server.start()
        except OSError as error:
            return None, f"cannot listen at {options.endpoint}: {error.strerror or error}"
        return server, ""

    async def _serve(self) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({stopping, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                self._changed.clear()
                await self._flush()
        finally:
            stopping.cancel()

    async def _flush(self) -> None:
        """Show all updates that wait."""
        space = self._space
        if space is None:
            return
        async with self._flushing:
            updates, events, dropped = self._pending.take()
            if dropped:
                self._watcher.warn(f"dropped {dropped} events, because too many came at once")
            problems = [await _problem_of(space.update(each)) for each in updates]
            problems += [await _problem_of(space.emit(each)) for each in events]
            for each in filter(None, problems):
                self._watcher.warn(each)

    def _make_method(self, link: str, name: str) -> Callable[..., Any]:
        """Return the function that asyncua calls for a method."""
        declaration = self._links[link].declaration
        inputs = inputs_of(declaration, name)
        outputs = outputs_of(declaration, name)

        async def method(parent: ua.NodeId, *variants: ua.Variant) -> ua.CallMethodResult:
            if parent.Identifier != link:
                return _failed(ua.StatusCode(ua.StatusCodes.BadMethodInvalid))
            try:
                arguments = arguments_of(declaration, name, read_inputs(inputs, variants))
            except BadArguments as error:
                await self._refuse(link, name, str(error))
                return _failed(error.status, error.results)
            if self._calls >= self._options.calls:
                await self._refuse(link, name, f"{self._calls} calls are under way: try it later")
                return _failed(ua.StatusCode(ua.StatusCodes.BadTooManyOperations))
            done = await self._carry_out(BrokerCommand(link=link, command=name, arguments=arguments))
            await self._flush()
            if not done.status.is_good():
                return _failed(done.status)
            values = values_by_path(outputs, name, {RESULT: done.result})
            results = ua.CallMethodResult()
            results.OutputArguments = [
                ua.Variant()
                if values.get(each.path) is None
                else variant_of(each.kind, each.items, values[each.path])
                for each in outputs
            ]
            return results

        return method

    async def _refuse(self, link: str, name: str, reason: str) -> None:
        """Show why a call was refused before the reactor had it, and log it."""
        self._pending.put_call_problem(link, name, reason, at=_now().timestamp())
        count = self._refused.count_due(self._loop.time())
        if count:
            self._watcher.warn(f"refused calls: {count}, the last one: {name} of {link}: {reason}")
        await self._flush()

    async def _carry_out(self, command: BrokerCommand) -> CallResult:
        """Have the reactor carry out a command. It counts until it ends, also if its client goes away."""
        done: asyncio.Future[CallResult] = self._loop.create_future()
        self._calls += 1

        def finish(result: CallResult) -> None:
            self._calls -= 1
            if not done.done():
                done.set_result(result)

        self._watcher.call(command, lambda result: self._in_loop(finish, result))
        stopping: asyncio.Future[Any] = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([stopping, done], return_when=asyncio.FIRST_COMPLETED)
            return done.result() if done.done() else CallResult(ua.StatusCode(ua.StatusCodes.BadShutdown))
        finally:
            stopping.cancel()


async def _problem_of(showing: Awaitable[str]) -> str:
    """Return the reason why something is not shown. An error must not end the server."""
    try:
        return await showing
    except Exception as error:
        return f"something could not be shown: {type(error).__name__}: {error}"


def _failed(status: ua.StatusCode, results: Sequence[ua.StatusCode] = ()) -> ua.CallMethodResult:
    result = ua.CallMethodResult()
    result.StatusCode = status
    result.InputArgumentResults = list(results)
    return result


def _now() -> datetime:
    return datetime.now(UTC)


async def stop_server(server: BoundedServer) -> None:
    """Stop a server in finite time: a client that reads nothing must not keep it."""
    stopping = asyncio.create_task(server.stop())
    done, _ = await asyncio.wait({stopping}, timeout=OPCUA_STOP_SECONDS)
    if not done:
        server.abort_connections()
        done, _ = await asyncio.wait({stopping}, timeout=OPCUA_STOP_SECONDS)
    if not done:
        stopping.cancel()


class _AsyncuaLog(logging.Handler):
    """Passes warnings of asyncua to the log of tcpcomm, unless the program logs them itself."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn
        self._loggers = [logging.getLogger(each) for each in ("asyncua", "asyncuagds")]

    def attach(self) -> None:
        for each in self._loggers:
            if not each.hasHandlers():
                each.addHandler(self)

    def detach(self) -> None:
        for each in self._loggers:
            each.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._warn(f"asyncua: {record.getMessage()}")
