"""The disturbances that are active in a tap, and their counts of frames: :class:`Disturber`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.direction import Toxic, Toxics
from tcpcomm.tools.tap.disturbances import (
    Close,
    Delay,
    Disturbance,
    HalfOpen,
    OnConnections,
    OnFrames,
    OnStreams,
    Refuse,
    Reset,
)
from tcpcomm.tools.tap.grammar import parse_disturbance
from tcpcomm.tools.tap.relay import Connection, Relay
from tcpcomm.tools.tap.which import PassingFrame, Which

MOST_DISTURBANCES: Final = 100
"""Disturbances of a tap at once. A further one is refused."""


@frozen
class Active:
    """A disturbance that is active."""

    id: int
    text: str
    hits: int | None
    """The frames that it has changed so far, or None if it is about all bytes."""

    def __str__(self) -> str:
        return self.text


@define(eq=False)
class Rule:
    """An active disturbance with its counts."""

    id: int
    disturbance: Disturbance
    counted: int = 0
    hits: int = 0
    toxics: list[tuple[Toxics, Toxic]] = field(factory=list)
    timer: IDelayedCall | None = None

    @property
    def which(self) -> Which | None:
        """The frames that it waits for, or None if it is about streams."""
        if isinstance(self.disturbance, OnFrames) and not self.toxics:
            return self.disturbance.which
        return self.disturbance.which if isinstance(self.disturbance, OnConnections) else None

    def __str__(self) -> str:
        return str(self.disturbance)


class Disturber:
    """
    Begins and ends the disturbances of a relay.

    Args:
        relay: the relay.
        host_connects: True if the clients of the relay are hosts, False if they are equipment.
        has_messages: True if frames are decoded, so that they have names.
        tell: gets a connection, words for what happens to it, and True if the direction is to the host.
        ending: gets a connection that is going to be ended, and words for that.
        changed: is called after a disturbance was removed, so that nothing is held back for it.
        say: gets words about the relay itself.
    """

    def __init__(
        self,
        relay: Relay,
        *,
        host_connects: bool,
        has_messages: bool,
        tell: Callable[[Connection, str, bool], object],
        ending: Callable[[Connection, str], object],
        changed: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self._relay = relay
        self._host_connects = host_connects
        self._has_messages = has_messages
        self._tell = tell
        self._ending = ending
        self._changed = changed
        self._say = say
        self._rules: dict[int, Rule] = {}
        self._last = 0

    def add(self, disturbance: Disturbance | str) -> int | None:
        """
        Begin a disturbance.

        Args:
            disturbance: the disturbance, or its text.

        Returns:
            Its number, or None if it happened at once and is over.

        Raises:
            ConfigurationError: the text is not understood, or the disturbance is not possible here.
        """
        if isinstance(disturbance, str):
            disturbance = parse_disturbance(disturbance)
        if disturbance.needs_messages and not self._has_messages:
            raise ConfigurationError(
                f"'{disturbance}': only a declaration tells names and events: give one with --as"
            )
        if isinstance(disturbance, OnConnections) and disturbance.which is None:
            self._happen(disturbance)
            return None
        if len(self._rules) >= MOST_DISTURBANCES:
            raise ConfigurationError(f"{MOST_DISTURBANCES} disturbances are active: remove some first")
        self._last += 1
        rule = self._rules[self._last] = Rule(self._last, disturbance)
        self._begin(rule, disturbance)
        return rule.id

    def _begin(self, rule: Rule, disturbance: Disturbance) -> None:
        seconds: float | None = None
        if isinstance(disturbance, Delay):
            toxic = disturbance.as_toxic()
            if toxic is not None:
                self._poison(rule, toxic, disturbance.which.to_host, disturbance.which.connection)
        elif isinstance(disturbance, OnStreams):
            seconds = disturbance.seconds
            self._poison(rule, disturbance.toxic(), disturbance.to_host, disturbance.connection)
        elif isinstance(disturbance, Refuse):
            seconds = disturbance.seconds
            self._relay.stop_listening()
            self._say("new connections are refused")
        if seconds is not None:
            rule.timer = self._relay.clock.callLater(seconds, self.remove, rule.id)

    def _poison(self, rule: Rule, toxic: Toxic, to_host: bool | None, only: int | None) -> None:
        self._tell_about(rule, "from now on")
        for way in (False, True):
            if to_host in (None, way):
                toxics = self._toxics(to_host=way)
                rule.toxics.append((toxics, toxic))
                toxics.add(toxic, only=only)

    def _tell_about(self, rule: Rule, words: str) -> None:
        for connection in list(self._relay.open_connections.values()):
            self.tell_of_stream(rule, connection, words)

    def tell_of_stream(self, rule: Rule, connection: Connection, words: str = "from now on") -> None:
        """Tell a connection that a disturbance of its bytes begins, or ends."""
        disturbance = rule.disturbance
        if isinstance(disturbance, OnStreams):
            to_host, only = disturbance.to_host, disturbance.connection
        elif isinstance(disturbance, OnFrames):
            to_host, only = disturbance.which.to_host, disturbance.which.connection
        else:
            return
        if only in (None, connection.number):
            both = ", both ways" if to_host is None else ""
            self._tell(connection, f"{words}: {rule}{both}", to_host is not False)

    def _toxics(self, *, to_host: bool) -> Toxics:
        return self._relay.downstream if to_host == self._host_connects else self._relay.upstream

    def _happen(self, disturbance: OnConnections) -> None:
        chosen = [
            each
            for each in self._relay.open_connections.values()
            if disturbance.connection in (None, each.number)
        ]
        if not chosen:
            where = "" if disturbance.connection is None else f" {disturbance.connection}"
            raise ConfigurationError(f"'{disturbance}': there is no open connection{where}")
        for each in chosen:
            self.happen_to(each, disturbance)

    def happen_to(self, connection: Connection, disturbance: OnConnections, why: str = "") -> None:
        """Carry out a disturbance of one connection."""
        if isinstance(disturbance, HalfOpen):
            closed, other = ("host", "equipment") if disturbance.to_host else ("equipment", "host")
            words = f"half-open: the end to the {closed} is closed, the {other} is told nothing"
            self._tell(connection, f"{words}{why}", not disturbance.to_host)
            self._ending(connection, "the tap left it half-open")
            connection.leave_half_open(close_target=disturbance.to_host != self._host_connects)
        elif isinstance(disturbance, Reset):
            self._end(connection, "reset both ends (RST)", why, to_host=True)
            connection.reset()
        else:
            assert isinstance(disturbance, Close)
            self._end(connection, "closed both ends (FIN)", why, to_host=True)
            connection.close()

    def _end(self, connection: Connection, words: str, why: str, *, to_host: bool) -> None:
        self._tell(connection, f"{words}{why}", to_host)
        self._ending(connection, f"the tap {words}")

    def active(self) -> tuple[Active, ...]:
        """Return the active disturbances, the oldest first."""
        return tuple(
            Active(each.id, str(each), None if each.which is None else each.hits)
            for each in self._rules.values()
        )

    def remove(self, id: int) -> None:
        """
        End a disturbance.

        Raises:
            ConfigurationError: none has this number.
        """
        rule = self._rules.pop(id, None)
        if rule is None:
            known = ", ".join(map(str, self._rules)) or "none is active"
            raise ConfigurationError(f"no disturbance has the number {id}; there are: {known}")
        if rule.timer is not None and rule.timer.active():
            rule.timer.cancel()
        if rule.toxics:
            self._tell_about(rule, "no longer")
        for toxics, toxic in rule.toxics:
            toxics.remove(toxic)
        if isinstance(rule.disturbance, Refuse) and not self.has(Refuse):
            self._relay.start().addCallbacks(
                lambda _: self._say("new connections are accepted again"),
                lambda failure: self._say(f"it cannot listen again: {failure.getErrorMessage()}"),
            )
        self._changed()

    def has(self, kind: type[Disturbance]) -> bool:
        """Return True if a disturbance of this kind is active."""
        return any(isinstance(each.disturbance, kind) for each in self._rules.values())

    def clear(self, *kinds: type[Disturbance]) -> int:
        """End the disturbances of some kinds, or all. Return their number."""
        chosen = [
            rule.id for rule in self._rules.values() if not kinds or isinstance(rule.disturbance, kinds)
        ]
        for id in chosen:
            if id in self._rules:  # the bytes that another one held back may have met it
                self.remove(id)
        return len(chosen)

    def stop(self) -> None:
        """Cancel the timers."""
        for rule in self._rules.values():
            if rule.timer is not None and rule.timer.active():
                rule.timer.cancel()

    def streams(self) -> list[Rule]:
        """Return the disturbances of all bytes."""
        return [each for each in self._rules.values() if each.toxics]

    def waiting(self, connection: int, *, to_host: bool) -> list[Rule]:
        """Return the disturbances that wait for frames of a direction of a connection."""
        return [
            rule
            for rule in self._rules.values()
            if rule.which is not None and rule.which.may_concern(connection, to_host=to_host)
        ]

    def hits(self, frame: PassingFrame, *, has_passed: bool) -> list[Rule]:
        """
        Count a frame. Return the disturbances for it.

        Args:
            frame: the frame.
            has_passed: True if its first bytes have passed already, so that nothing can be done to it. A
                disturbance that would be meant for it is meant for the next one.
        """
        found = []
        for rule in list(self._rules.values()):
            which = rule.which
            if which is None or not which.counts(frame):
                continue
            if has_passed:
                rule.counted += not which.may_be_next(rule.counted)
                continue
            meant = which.is_meant(rule.counted, self._relay.random)
            rule.counted += 1
            if meant:
                rule.hits += 1
                found.append(rule)
                if which.is_once:
                    del self._rules[rule.id]
        return found
