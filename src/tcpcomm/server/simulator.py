"""
Simulated equipment: :func:`simulated` answers every command of a declaration with random values.

::

    camera = simulated(VisionCamera, seed=1)
    run(serve(camera, at="tcp:9999:interface=127.0.0.1"), EventsEvery(camera, {"alarm": 5.0}))

Use it to develop and test the host's program: its answers have the right form and no meaning.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from math import ceil
from random import Random
from types import new_class
from typing import Any, Final, TypeVar

from attrs import define
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater

from tcpcomm.codec.problems import brief_repr
from tcpcomm.conversation.responder import current_session
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.messages import Command
from tcpcomm.equipment.samples import Samples
from tcpcomm.errors import CodecError, ConfigurationError, Fault, NoReply, SessionClosed
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor

E = TypeVar("E", bound=Equipment)

_LOG: Final = BoundedLogger()


def implement_with(kind: type[E], carry_out: Callable[[Command, dict[str, Any]], Any]) -> E:
    """
    Make an object that implements a declaration with one function.

    Implementations in the class are not used, and its ``__init__`` is not called.

    Args:
        kind: the declaration.
        carry_out: gets each command with its values. The command returns or raises what this function
            returns or raises; a Deferred may be returned.
    """
    declaration = declaration_of(kind)
    namespace: dict[str, Any] = {
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__init__": lambda self: None,
        "authenticate": Equipment.authenticate,
        "unknown": Equipment.unknown,
    }
    for name, command in declaration.commands.items():
        namespace[name] = _method(getattr(kind, name), command, carry_out)
    made: type[E] = new_class(kind.__name__, (kind,), exec_body=lambda body: body.update(namespace))
    return made()


def _method(
    declared: Callable[..., Any], command: Command, carry_out: Callable[[Command, dict[str, Any]], Any]
) -> Callable[..., Any]:
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return carry_out(command, command.bind(args, kwargs))

    method.__signature__ = inspect.signature(declared)  # type: ignore[attr-defined]
    method.__name__ = command.name
    method.__doc__ = command.doc
    return method


def simulated(
    kind: type[E],
    *,
    seed: int = 0,
    latency: float | tuple[float, float] = 0.0,
    fault_rate: float = 0.0,
    behaves: bool = False,
    reactor: Any = None,
) -> E:
    """
    Make a simulated device, to be served.

    Each command has its own sequence of answers: for the same seed it is the same, whatever else is asked.
    A command that takes a latency says its interim replies after half of it.
    Commands and answers are logged. The heartbeat command is answered at once, never with a fault, and is
    not logged. Every login is admitted.

    Args:
        kind: the declaration; implementations in the class are not used, unless it ``behaves``. If it
            leaves commands open, those that are declared with a body are carried out: a base class brings
            them for all its devices, such as the error queue of an instrument.
        seed: the seed of all random values.
        latency: the seconds that a command takes, or the least and the most of them.
        fault_rate: the share of commands, from 0.0 to 1.0, that are answered with a fault, and are not
            carried out.
        behaves: True if ``kind`` implements the device, and gives the answers. It needs no arguments.
        reactor: the reactor, or a test's clock. Needed only for a latency.

    Raises:
        ConfigurationError: ``kind`` is not a declaration, or a number is out of its range.
    """
    least, most = (latency, latency) if isinstance(latency, (int, float)) else latency
    if not 0 <= least <= most:
        raise ConfigurationError(
            f"latency must be seconds, or a pair of the least and the most, not {latency}"
        )
    if not 0 <= fault_rate <= 1:
        raise ConfigurationError(f"fault_rate must be between 0 and 1, not {fault_rate}")
    if most:
        reactor = the_reactor(reactor)
    declaration = declaration_of(kind)
    carried_out = {*declaration.commands} if behaves else _declared_with_body(declaration)
    simulations = {}
    for name, command in declaration.commands.items():
        is_heartbeat = name == declaration.heartbeat
        simulations[name] = _SimulatedCommand(
            command,
            Samples(declaration),
            Random(f"{seed} results of {name}"),
            Random(f"{seed} course of {name}"),
            latency=(0.0, 0.0) if is_heartbeat else (least, most),
            fault_rate=0.0 if is_heartbeat or not declaration.dialect.can_fail(name) else fault_rate,
            is_logged=not is_heartbeat,
            reactor=reactor,
        )

    def carry_out(command: Command, values: dict[str, Any]) -> Any:
        return simulations[command.name].answer(values)

    made = _behaving(kind, carry_out) if behaves else implement_with(kind, carry_out)
    for name, simulation in simulations.items():
        simulation.equipment = made
        simulation.behaviour = partial(getattr(kind, name), made) if name in carried_out else None
    return made


def _declared_with_body(declaration: Declaration) -> set[str]:
    """Return the commands that are declared with a body, in a declaration that leaves others open."""
    is_open = {*declaration.unimplemented()}
    kind = declaration.kind
    declared = {name for name in declaration.commands if hasattr(getattr(kind, name), "__tcpcomm__")}
    return declared - is_open if is_open else set()


def _behaving(kind: type[E], carry_out: Callable[[Command, dict[str, Any]], Any]) -> E:
    """Make an object of a class that is implemented. A function carries out its commands."""
    commands = declaration_of(kind).commands
    namespace = {name: _method(getattr(kind, name), each, carry_out) for name, each in commands.items()}
    made: type[E] = new_class(kind.__name__, (kind,), exec_body=lambda body: body.update(namespace))
    return made()


@define(eq=False)
class _SimulatedCommand:
    """The answers of a simulated device to one command, one after the other."""

    command: Command
    samples: Samples
    results: Random
    chances: Random
    latency: tuple[float, float]
    fault_rate: float
    is_logged: bool
    reactor: Any
    equipment: Any = None
    behaviour: Callable[..., Any] | None = None
    """Carries out the command; None: the answers are random."""

    def answer(self, values: Mapping[str, Any]) -> Any:
        result = None
        if self.behaviour is None:
            result = self.samples.result(self.command.name, self.results, values)
        delay = self.chances.uniform(*self.latency)
        fault = None
        if self.chances.random() < self.fault_rate and self.command.has_reply:
            fault = self.samples.fault(self.command.name, self.chances)
        log = partial(self._log, _peer(), values)
        if not delay:
            return self._outcome(values, result, fault, log)
        for name in self.command.interim:
            deferLater(self.reactor, delay / 2, self._say, current_session(), name, delay)
        in_context = copy_context().run  # a handler may need the header of the request
        return deferLater(self.reactor, delay, in_context, self._outcome, values, result, fault, log)

    def _outcome(
        self, values: Mapping[str, Any], result: Any, fault: Fault | None, log: Callable[[Any], None]
    ) -> Any:
        """Return the result of the command, or raise its fault; log it."""
        try:
            if fault is not None:
                raise fault
            if self.behaviour is not None:
                result = self.behaviour(**values)
        except Exception as error:
            log(error)
            raise
        if isinstance(result, Awaitable):
            return Deferred.fromCoroutine(_logged(result, log))
        log(result)
        return result

    def _say(self, session: Any, event: str, delay: float) -> None:
        """Send an interim reply to the host that waits."""
        values = self.samples.event(event, self.chances)
        field = self.command.interim[event]
        if field is not None:
            values[field] = type(values[field])(max(1, ceil(delay)))
        with suppress(CodecError, SessionClosed):  # the field may be too narrow
            getattr(self.equipment, event).to(session, **values)

    def _log(self, peer: str, values: Mapping[str, Any], outcome: Any) -> None:
        if self.is_logged:
            _LOG.info(
                "{peer}{command}({values}) -> {answer}",
                peer=peer,
                command=self.command.name,
                values=_arguments(values),
                answer=_answer(outcome),
            )


async def _logged(outcome: Awaitable[Any], log: Callable[[Any], None]) -> Any:
    """Wait for an outcome, and log it."""
    try:
        result = await outcome
    except Exception as error:
        log(error)
        raise
    log(result)
    return result


def _peer() -> str:
    """Return the name of the peer that asked the current command, for the log."""
    try:
        return f"{current_session().peer}: "
    except ConfigurationError:  # the program called the method itself
        return ""


def _arguments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={brief_repr(value)}" for name, value in values.items())


def _answer(outcome: Any) -> str:
    if isinstance(outcome, Fault):
        return f"fault {outcome}"
    if isinstance(outcome, NoReply):
        return "nothing"
    return f"error {outcome}" if isinstance(outcome, Exception) else brief_repr(outcome)


class EventsEvery(Service):
    """
    A service that sends events of the equipment, with random values, while it runs.

    Args:
        equipment: the object that is served.
        seconds: the seconds between two events, by the name of the event. The first is sent after them.
        seed: the seed of the values.
        clock: the reactor, or a test's clock.

    Raises:
        ConfigurationError: an event does not exist, or a time is not positive.
    """

    def __init__(
        self,
        equipment: Equipment,
        seconds: Mapping[str, float],
        *,
        seed: int = 0,
        clock: IReactorTime | None = None,
    ) -> None:
        declaration = declaration_of(equipment)
        self._equipment = equipment
        self._samples = Samples(declaration)
        self._loops: dict[LoopingCall, float] = {}
        for name, interval in seconds.items():
            if name not in declaration.events:
                there_are = ", ".join(declaration.events) or "none"
                raise ConfigurationError(
                    f"{declaration.name} has no event {name!r}; its events: {there_are}"
                )
            if not interval > 0:
                raise ConfigurationError(f"{name}: the seconds must be above 0, not {interval}")
            loop = LoopingCall(self._send, name, Random(f"{seed} events {name}"))
            if clock is not None:
                loop.clock = the_reactor(clock)
            self._loops[loop] = interval

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        for loop, interval in self._loops.items():
            loop.start(interval, now=False).addErrback(self._failed)

    def stopService(self) -> Deferred[None] | None:
        for loop in self._loops:
            if loop.running:
                loop.stop()
        return super().stopService()  # type: ignore[no-any-return, no-untyped-call]

    def _send(self, name: str, random: Random) -> None:
        values = self._samples.event(name, random)
        _LOG.info("sent {event}({values})", event=name, values=_arguments(values))
        getattr(self._equipment, name)(**values)

    def _failed(self, failure: Any) -> None:
        _LOG.failure("an event could not be sent; no more are sent", failure)
