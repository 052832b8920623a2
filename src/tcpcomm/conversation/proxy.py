"""
The commands and events of a declaration, as its host sees them: :class:`HostProxy` and its proxy.

The proxy is an object of a subclass of the declaration, whose commands ask instead of doing, so that
methods which the declaration builds upon its commands work on it, and editors and type checkers know it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import new_class
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcpcomm.codec.base import Asked, Event, Refusal
from tcpcomm.conversation.requester import Requester
from tcpcomm.equipment.declaration import Command, Declaration
from tcpcomm.errors import CodecError
from tcpcomm.runtime.log_throttle import LogThrottle

__all__ = ["Ask", "HostProxy"]

UNMATCHED_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about frames that answer nothing."""

Ask = Callable[[Command, dict[str, Any]], "Deferred[Any]"]
"""Asks a command with these values; a Deferred of its result."""


class HostProxy:
    """
    The host's end of a declaration.

    Args:
        declaration: what the equipment declares.
        ask: what the proxy's commands do.
        seconds: what time it is.
    """

    log = Logger()

    def __init__(self, declaration: Declaration, ask: Ask, seconds: Callable[[], float]) -> None:
        self._declaration = declaration
        self._dialect = declaration.dialect
        self._seconds = seconds
        self._unmatched = LogThrottle(UNMATCHED_LOG_INTERVAL)
        kind = _proxy_class(declaration)
        self.proxy: Any = object.__new__(kind)
        """An object with the declaration's commands and events."""
        self.proxy._ask = ask

    def ask_on(self, asking: Requester, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        """Ask a command on one session."""
        dialect, name = self._dialect, command.name
        return asking.ask(
            lambda number: dialect.request(name, values, number), dialect.reply_reader(name), command.timeout
        )

    def is_meant(self, frame: bytes, asked: Asked, asking: Requester) -> bool:
        """
        Whether a frame is for us, where both sides ask and what it asks of ours has been read.

        It is not if it is a command of ours, nor if it is one that nobody declared: the other side is to be
        told that. Where answers carry no ids, whatever is no command of ours may be the one we wait for.
        """
        first = asked.requests[0]
        if type(first) is not Refusal or not first.may_be_foreign:
            return False
        if first.foreign or (asking.awaits_answer and not self._dialect.by_id):
            return True
        try:
            self._dialect.read_at_host(frame)
        except CodecError:
            return False
        return True

    def take(self, frame: bytes, asking: Requester) -> None:
        """A frame came: tell the subscribers of an event, or give an answer to its command."""
        try:
            arrivals = self._dialect.read_at_host(frame)
        except CodecError as error:
            asking.unreadable_reply(f"what came makes no sense: {error}")
            self._log_unmatched(frame, str(error))
            return
        for arrival in arrivals:
            if isinstance(arrival, Event):
                getattr(self.proxy, arrival.name).happened(arrival.values)
            elif not asking.answer(arrival.body, arrival.id, frame):
                event = self._dialect.unmatched_event(frame)
                if event is not None:
                    getattr(self.proxy, event.name).happened(event.values)
                    continue
                self._log_unmatched(frame, "it answers no command: it is late, or nobody asked")

    def _log_unmatched(self, frame: bytes, why: str) -> None:
        count = self._unmatched.count_due(self._seconds())
        if count:
            self.log.warn(
                "{equipment}: dropped {frame!r}: {why}{more}",
                equipment=self._declaration.name,
                frame=frame[:80],
                why=why,
                more=f" (and {count - 1} more)" if count > 1 else "",
            )


@cache
def _proxy_class(declaration: Declaration) -> type[Any]:
    kind = declaration.kind
    namespace: dict[str, Any] = {
        "_is_proxy": True,
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
    }
    for name, command in declaration.commands.items():
        namespace[name] = _asking_method(command)
    return new_class(
        f"Remote{declaration.name}", (kind,), exec_body=lambda body: body.update(namespace)
    )


def _asking_method(command: Command) -> Callable[..., Deferred[Any]]:
    def ask(self: Any, /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        result: Deferred[Any] = self._ask(command, command.bind(args, kwargs))
        return result

    ask.__name__ = command.name
    ask.__qualname__ = command.where
    ask.__doc__ = command.doc
    return ask
