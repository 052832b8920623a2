"""A link that a program adds to an OPC UA server itself, without a gateway: :class:`AddedLink`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tcpcomm.codec.json.parameters import ValueTypes
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, ConfigurationError, TcpcommError
from tcpcomm.host.host import link_of
from tcpcomm.link.states import LinkState
from tcpcomm.plant.errors import CommandRefused
from tcpcomm.plant.report import EVENT, POLL, STATE, Report
from tcpcomm.plant.sink import BrokerCommand, LinkDescription
from tcpcomm.plant.values import RESULT, values_of
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.manual.values import jsonable

Poll = float | tuple[float, Mapping[str, Any]]
"""The seconds between two polls, or these and the arguments."""


class AddedLink:
    """
    Polls a piece of equipment, and reports results, events and states.

    Args:
        proxy: a proxy that ``remote`` made.
        name: the name of the link.
        polls: the commands that are asked again and again.
        commands: the commands that clients may call.
        reactor: the reactor, or a test's clock.

    Raises:
        ConfigurationError: a command is unknown, or has arguments that are not given.
    """

    log = BoundedLogger()

    def __init__(
        self, proxy: Any, name: str, polls: Mapping[str, Poll], commands: Sequence[str], reactor: Any
    ) -> None:
        self._proxy = proxy
        self._link = link_of(proxy)
        self._reactor = reactor
        declaration = self._link.declaration
        _check_commands(declaration, [*polls, *commands])
        self._polls = {each: _poll_of(declaration, each, poll) for each, poll in polls.items()}
        self._ends: list[Callable[[], object]] = []
        messages = [*polls, *declaration.events]
        self.description = LinkDescription(
            name=name,
            declaration=declaration,
            values=tuple(value for each in messages for value in values_of(declaration, each)),
            commands=tuple(commands),
        )

    def start(
        self, report: Callable[[Report], None], link_changed: Callable[[str, bool, str], None]
    ) -> None:
        """Begin to poll and to report."""
        name = self.description.name

        def changed(state: LinkState, reason: str) -> None:
            link_changed(name, state is LinkState.READY, reason)
            report(Report(link=name, kind=STATE, name=state.value, at=time.time(), problem=reason))

        changed(self._link.state, self._link.reason)
        self._ends.append(self._link.observe(changed))
        for event in self.description.declaration.events.values():
            bound = getattr(self._proxy, event.name)
            self._ends.append(bound.subscribe(partial(self._happened, report, event.name, event.names)))
        for command, (every, arguments) in self._polls.items():
            poll = LoopingCall(self._poll, report, command, arguments)
            poll.clock = self._reactor
            poll.start(every).addErrback(partial(self._failed, command))
            self._ends.append(partial(_stop, poll))

    def stop(self) -> None:
        """Stop to poll and to report."""
        ends, self._ends = self._ends, []
        for each in ends:
            each()

    async def carry_out(self, command: BrokerCommand) -> Any:
        """
        Carry out a command, and return its result as JSON has it.

        Raises:
            CommandRefused: the arguments do not fit, or the command is not among those that are allowed.
            NotReady: the link is not ready. A client must not wait until it is.
        """
        if command.command not in self.description.commands:
            raise CommandRefused(f"{command.link} may not be given the command {command.command}")
        self._link.ready_requester()
        spec = self.description.declaration.commands[command.command].spec
        types = ValueTypes()
        arguments = {}
        for each in spec.parameters:
            if each.name in command.arguments:
                try:
                    arguments[each.name] = types.of(each.type).read(command.arguments[each.name])
                except CodecError as error:
                    raise CommandRefused(f"{each.name}: {error}") from None
        try:
            return jsonable(await getattr(self._proxy, command.command)(**arguments))
        except TypeError as error:
            raise CommandRefused(str(error)) from None

    def _happened(
        self, report: Callable[[Report], None], name: str, names: Sequence[str], *values: Any
    ) -> None:
        by_name = jsonable(dict(zip(names, values, strict=True)))
        link = self.description.name
        report(Report(link=link, kind=EVENT, name=name, at=time.time(), values=by_name))

    def _poll(
        self, report: Callable[[Report], None], command: str, arguments: Mapping[str, Any]
    ) -> Deferred[None]:
        return Deferred.fromCoroutine(self._poll_once(report, command, arguments))

    async def _poll_once(
        self, report: Callable[[Report], None], command: str, arguments: Mapping[str, Any]
    ) -> None:
        if self._link.state is not LinkState.READY:
            return
        begun = self._reactor.seconds()
        values: dict[str, Any] = {}
        problem = ""
        try:
            values = {RESULT: jsonable(await as_deferred(getattr(self._proxy, command)(**arguments)))}
        except TcpcommError as error:
            problem = str(error)
        report(
            Report(
                link=self.description.name,
                kind=POLL,
                name=command,
                at=time.time(),
                values=values,
                seconds=self._reactor.seconds() - begun,
                problem=problem,
            )
        )

    def _failed(self, command: str, failure: Any) -> None:
        self.log.failure(
            "{link}: the poll {command} stopped", failure, link=self.description.name, command=command
        )


def _stop(poll: LoopingCall) -> None:
    if poll.running:
        poll.stop()


def _check_commands(declaration: Declaration, names: Sequence[str]) -> None:
    for each in names:
        if each not in declaration.commands:
            known = ", ".join(declaration.commands) or "none"
            raise ConfigurationError(
                f"{declaration.name} has no command {each!r}; its commands are {known}"
            )


def _poll_of(declaration: Declaration, name: str, poll: Poll) -> tuple[float, Mapping[str, Any]]:
    every, arguments = poll if isinstance(poll, tuple) else (poll, {})
    if isinstance(every, bool) or not isinstance(every, int | float) or not every > 0:
        raise ConfigurationError(f"polls, {name}: the seconds must be a number above 0, not {every!r}")
    try:
        declaration.commands[name].bind((), dict(arguments))
    except TypeError as error:
        raise ConfigurationError(
            f"polls, {name}: {error}: write the arguments as in ({every}, {{...}})"
        ) from None
    return every, arguments
