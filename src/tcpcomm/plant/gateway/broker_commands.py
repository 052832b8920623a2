"""Commands that come through brokers: :class:`CommandDesk`, which refuses all that is not allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from tcpcomm.errors import CodecError, ConfigurationError, EncodeError
from tcpcomm.plant.errors import CommandRefused, NotTheOwner
from tcpcomm.plant.gateway.calls import DeviceCall, problem_text
from tcpcomm.plant.gateway.configuration.mistakes import did_you_mean
from tcpcomm.plant.gateway.gateway_link import GatewayLink
from tcpcomm.plant.sink import BrokerCommand, CarryOut
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.manual.values import jsonable


class CommandDesk:
    """
    Carries out the commands of brokers on the links of a gateway.

    Args:
        links: the links by name.
        clock: the reactor, or a test's clock.
    """

    log = BoundedLogger()

    def __init__(self, links: Mapping[str, GatewayLink], clock: Any) -> None:
        self._links = links
        self._clock = clock
        self._under_way: Counter[str] = Counter()
        self.carried_out = 0
        """The commands that were given to a link."""
        self.refused = 0
        """The commands that were not."""

    def for_sink(self, sink: str) -> CarryOut:
        """Return the function that carries out the commands of one sink."""
        return partial(self._carry_out, sink)

    async def _carry_out(self, sink: str, command: BrokerCommand) -> Any:
        try:
            link, call = self._accept(sink, command)
        except NotTheOwner:
            raise  # the gateway that owns the link carries it out
        except CommandRefused as refused:
            self._note_refused(sink, command, str(refused))
            raise
        self._under_way[command.link] += 1
        began = self._clock.seconds()
        outcome = "done"
        try:
            self.carried_out += 1
            result = await call.ask(link.link, self._clock)
            return jsonable(result)
        except (CodecError, EncodeError) as error:  # nothing was sent; a bad answer is a BadReply
            self.carried_out -= 1
            outcome = ""
            reason = f"{command.command}: {error}"
            self._note_refused(sink, command, reason)
            raise CommandRefused(reason) from None
        except BaseException as error:
            outcome = problem_text(error)
            raise
        finally:
            self._under_way[command.link] -= 1
            if outcome:
                self._note_outcome(sink, command, outcome, self._clock.seconds() - began)

    def _note_outcome(self, sink: str, command: BrokerCommand, outcome: str, seconds: float) -> None:
        self.log.info(
            "{link}: {command}({arguments}) of {sink}: {outcome} ({seconds:.3f} s)",
            link=command.link,
            command=command.command,
            arguments=_shown(command.arguments),
            sink=sink,
            outcome=outcome,
            seconds=seconds,
        )

    def _note_refused(self, sink: str, command: BrokerCommand, reason: str) -> None:
        self.refused += 1
        self.log.warn(
            "{link}: refused the command {name} of {sink}: {reason}",
            link=command.link if command.link in self._links else "no link",
            name=str(command.command)[:80],
            sink=sink,
            reason=reason,
        )

    def _accept(self, sink: str, command: BrokerCommand) -> tuple[GatewayLink, DeviceCall]:
        """Return the link and the call of a command, or raise CommandRefused."""
        link = self._links.get(command.link)
        if link is None:
            hint = did_you_mean(str(command.link), self._links)
            raise CommandRefused(f"there is no link {command.link!r}{hint}")
        planned = link.planned
        called = planned.commands.get(command.command)
        if called is None or sink not in planned.commands_from:
            allowed = ", ".join(planned.commands) if sink in planned.commands_from else ""
            raise CommandRefused(
                f"{command.command!r} is not allowed for {command.link}; allowed: {allowed or 'no command'}"
            )
        if not isinstance(command.arguments, Mapping):
            raise CommandRefused("the arguments must be an object, with names")
        try:
            call = DeviceCall.of(planned.declaration, called, command.arguments)
        except ConfigurationError as error:
            raise CommandRefused(f"{command.command}: {error}") from None
        if self._under_way[command.link] >= planned.max_commands:
            raise CommandRefused(
                f"{planned.max_commands} commands are under way on {command.link}: wait for one of them"
            )
        if not (link.running and link.is_ours()):
            raise NotTheOwner(f"{command.link} does not run at this gateway now")
        return link, call


def _shown(arguments: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return text if len(text) <= 200 else f"{text[:200]}…"
