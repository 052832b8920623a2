"""Commands that a broker gives: :class:`CommandDesk` reads them, carries each out once, and answers."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from attrs import define
from twisted.internet.defer import Deferred

from tcpcomm.errors import Fault, NotSent, OutcomeUnknown
from tcpcomm.plant.errors import CommandRefused, NotTheOwner
from tcpcomm.plant.sink import BrokerCommand, CarryOut
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.manual.values import jsonable

MQTT_COMMANDS: Final = 16
"""Commands of a broker that are carried out at one time. Further ones are refused."""
MQTT_REMEMBERED_SECONDS: Final = 60.0
"""Seconds for which a command with the same id is not carried out again. Then it is a new command."""
MQTT_REMEMBERED: Final = 10_000
"""Ids of commands that are remembered for that. The oldest is forgotten."""
MQTT_COMMAND_BYTES: Final = 65_536
"""Bytes of a command. A longer one is refused."""

MALFORMED: Final = "malformed"
REFUSED: Final = "refused"

log = BoundedLogger()

Answer = dict[str, Any]


@define
class _Known:
    at: float
    answer: Answer | None = None


class CommandDesk:
    """
    Takes the commands of a broker to the links.

    Args:
        sink: the name of the sink, for log lines.
        clock: the reactor, or a test's clock.
    """

    def __init__(self, sink: str, clock: Any) -> None:
        self._sink = sink
        self._clock = clock
        self._carry_out: CarryOut | None = None
        self._allowed: dict[str, frozenset[str]] = {}
        self._running = 0
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()

    @property
    def is_open(self) -> bool:
        """True if commands are taken at all."""
        return self._carry_out is not None

    def allow(self, commands: Mapping[str, frozenset[str]]) -> None:
        """Set the commands that each link may get."""
        self._allowed = {link: names for link, names in commands.items() if names}

    def begin(self, carry_out: CarryOut) -> None:
        """Take commands from now on."""
        self._carry_out = carry_out

    def links(self) -> list[str]:
        """Return the links that may get commands, if commands are taken."""
        return sorted(self._allowed) if self.is_open else []

    def allowed(self, link: str) -> list[str]:
        """Return the commands that a link may get."""
        return sorted(self._allowed.get(link, ()))

    def reject(self, payload: bytes, reason: str, answer: Callable[[Answer], None]) -> None:
        """Answer that a command is refused, with its id if that can be read."""
        try:
            ident, _ = read_command(payload)
        except CommandRefused:
            ident = None
        answer(_error(ident, REFUSED, reason))

    def take(self, link: str, command: str, payload: bytes, answer: Callable[[Answer], None]) -> None:
        """
        Carry out a command, and answer once, now or later.

        Args:
            link: the name of the link.
            command: the name of the command.
            payload: its arguments in JSON, with or without an id; empty for none.
            answer: takes the answer, with the id.
        """
        ident: Any = None
        kind = MALFORMED
        try:
            ident, arguments = read_command(payload)
            kind = REFUSED
            if self._carry_out is None or command not in self._allowed.get(link, ()):
                raise CommandRefused(
                    f"{link} may not get {command} from a broker: list it under the commands of the link"
                )
            known = self._remember(link, command, ident)
            if known is None:
                return
            if known.answer is not None:
                answer(known.answer)
                return
            if self._running >= MQTT_COMMANDS:
                self._forget(link, command, ident)
                raise CommandRefused(f"{MQTT_COMMANDS} commands are under way: wait for their answers")
        except CommandRefused as error:
            log.warn(
                "sink {sink}: refused the command {command} of {link}: {reason}",
                sink=self._sink,
                command=command,
                link=link,
                reason=str(error),
            )
            answer(_error(ident, kind, str(error)))
            return
        self._running += 1
        order = BrokerCommand(link=link, command=command, arguments=arguments)
        Deferred.fromCoroutine(self._answered(self._carry_out, order, ident)).addCallback(
            self._finish, known, answer
        )

    def _finish(self, found: Answer | None, known: _Known, answer: Callable[[Answer], None]) -> None:
        self._running -= 1
        known.answer = found
        if found is not None:
            answer(found)

    async def _answered(self, carry_out: CarryOut, order: BrokerCommand, ident: Any) -> Answer | None:
        try:
            result = await carry_out(order)
            found = {"result": jsonable(result)}
            json.dumps(found, allow_nan=False)
            return found if ident is None else {"id": ident, **found}
        except NotTheOwner:
            return None  # its owner got the command too, and answers
        except CommandRefused as error:
            return _error(ident, REFUSED, str(error))
        except Fault as error:
            return _error(ident, "fault", error.reason or str(error), error.code)
        except NotSent as error:
            return _error(ident, "not-sent", str(error))
        except OutcomeUnknown as error:
            return _error(ident, "outcome-unknown", str(error))
        except Exception as error:
            log.failure("sink {sink}: the command {command} failed", sink=self._sink, command=order.command)
            return _error(ident, "failed", f"{type(error).__name__}: {error}")

    def _remember(self, link: str, command: str, ident: Any) -> _Known | None:
        """Return a place for the answer, with the answer if it was given; None while it is carried out."""
        now = self._clock.seconds()
        while self._known:
            oldest = next(iter(self._known.values()))
            if now - oldest.at <= MQTT_REMEMBERED_SECONDS and len(self._known) < MQTT_REMEMBERED:
                break
            self._known.popitem(last=False)
        if ident is None:
            return _Known(now)
        key = (link, command, str(ident))
        found = self._known.get(key)
        if found is None:
            self._known[key] = found = _Known(now)
            return found
        log.info(
            "sink {sink}: the command {command} of {link} came twice with one id; it is carried out once",
            sink=self._sink,
            command=command,
            link=link,
        )
        return found if found.answer is not None else None

    def _forget(self, link: str, command: str, ident: Any) -> None:
        self._known.pop((link, command, str(ident)), None)


def read_command(payload: bytes) -> tuple[Any, dict[str, Any]]:
    """
    Return the id of a command, or None, and its arguments by name.

    Args:
        payload: ``{"id": ..., "arguments": {...}}``, or the arguments alone, or nothing.

    Raises:
        CommandRefused: it is neither.
    """
    if len(payload) > MQTT_COMMAND_BYTES:
        raise CommandRefused(f"the command has {len(payload)} bytes; the limit is {MQTT_COMMAND_BYTES}")
    if not payload.strip():
        return None, {}
    try:
        found = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CommandRefused(f"the command is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CommandRefused('the command is not an object: write {"id": "7", "arguments": {"job": 3}}')
    if not set(found) <= {"id", "arguments"} or not found:
        return None, found
    ident, arguments = found.get("id"), found.get("arguments", {})
    if "arguments" not in found and len(found) == 1 and not isinstance(ident, (str, int)):
        return None, found
    if not isinstance(arguments, dict):
        raise CommandRefused('"arguments" must be an object with the arguments by name')
    if isinstance(ident, bool) or not isinstance(ident, (str, int, type(None))):
        raise CommandRefused('"id" must be a text or a whole number')
    if isinstance(ident, str) and len(ident) > 256:
        raise CommandRefused('"id" must be at most 256 characters')
    return ident, arguments


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _error(ident: Any, kind: str, reason: str, code: int | str | None = None) -> Answer:
    found: Answer = {} if ident is None else {"id": ident}
    found |= {"error": kind, "reason": reason}
    return found if code is None else {**found, "code": code}
