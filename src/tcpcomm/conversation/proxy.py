"""
The commands and events of a declaration, as its host sees them: :class:`HostProxy` and its proxy.

The proxy is an object of a subclass of the declaration. Its commands ask instead of doing, so that methods
which the declaration builds upon its commands work on it, and editors and type checkers know it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, MutableMapping
from enum import Enum
from functools import cache, partial, partialmethod
from types import new_class
from typing import Any, Final, NoReturn, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from tcpcomm.codec.base import Asked, Event, ProtocolErrorKind, Refusal
from tcpcomm.codec.problems import brief_repr
from tcpcomm.conversation.header import ProxyHeader
from tcpcomm.conversation.observed import send_message
from tcpcomm.conversation.requester import Requester
from tcpcomm.conversation.states import ask_in_state, change_states
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.safe_text import brief_bytes
from tcpcomm.session.observer import MessageKind, report_message

UNMATCHED_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about frames from equipment that answer nothing. The second line counts
those between.
"""

_STRAY: Final = "it answers no command: it is late, or nobody asked"


class CommandLink(Protocol):
    """The part of a link that a proxy needs."""

    @property
    def requester(self) -> Requester | None: ...
    @property
    def retries(self) -> int: ...
    @property
    def header(self) -> dict[str, Any]: ...
    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]: ...
    def ask_again(self, failure: Failure, command: Command, values: dict[str, Any]) -> Deferred[Any]: ...


@frozen
class OneSession:
    """Asks a proxy's commands on one session only, whether its link is ready or not."""

    requester: Requester
    declaration: Declaration
    retries: int = 0

    @property
    def header(self) -> dict[str, Any]:
        """The values in headers that are set for this session."""
        return {} if self.requester.header is None else self.requester.header.learned

    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        return ask_in_state(self.requester, command, values, self.declaration)

    def ask_again(self, failure: Failure, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        return fail(failure)


class HostProxy:
    """
    The host's end of a declaration.

    Args:
        declaration: what the equipment declares.
        link: carries the commands of the proxy.
        seconds: returns the time.
    """

    log = BoundedLogger()

    def __init__(self, declaration: Declaration, link: CommandLink, seconds: Callable[[], float]) -> None:
        self._declaration = declaration
        self._dialect = declaration.dialect
        self._seconds = seconds
        self._state_events = {
            name: each.states for name, each in declaration.events.items() if each.states is not None
        }
        self._interim_events = declaration.interim_events
        self._unmatched = LogThrottle(UNMATCHED_LOG_INTERVAL)
        self.proxy: Any = object.__new__(_proxy_class(declaration))
        """An object with the declaration's commands and events."""
        self.proxy.__tcpcomm_link__ = link
        self.proxy.__tcpcomm_own_header__ = ProxyHeader({})

    def is_meant(self, frame: bytes, asked: Asked, requester: Requester) -> bool:
        """
        Return True if a frame is for the host, where both sides ask and the frame was read as a request.

        False if it is a command of ours, or one that nobody declared: the other side must learn that. A
        frame with a header that is not ours is for the host if the host can read it. Where answers
        carry no ids, any other frame that is not a command of ours may be the awaited answer.
        """
        first = asked.requests[0]
        if type(first) is not Refusal:
            return False
        has_other_header = first.error_kind is ProtocolErrorKind.UNREADABLE
        if not (first.may_be_foreign or has_other_header):
            return False
        awaits_any = requester.awaits_answer and not (self._dialect.by_id or has_other_header)
        if first.foreign or awaits_any:
            return True
        try:
            self._dialect.read_at_host(frame)
        except CodecError:
            return False
        return True

    def take(self, frame: bytes, requester: Requester) -> None:
        """Handle a frame: call the subscribers of an event, or give an answer to its command."""
        try:
            arrivals = self._dialect.read_at_host(frame)
        except CodecError as error:
            if requester.awaits_frame:
                requester.answer(None, None, frame)
                return
            self._drop(frame, str(error), requester)
            requester.dropped(f"{brief_bytes(frame)} came: {error}")
            requester.unreadable_reply(f"what came makes no sense: {error}", frame)
            return
        for arrival in arrivals:
            if isinstance(arrival, Event):
                self._emit(arrival, frame, requester)
            elif not requester.answer(arrival.body, arrival.id, frame):
                event = self._dialect.unmatched_event(frame)
                if event is None:
                    self._drop(frame, _STRAY, requester)
                    refusal = self._dialect.stray_answer(frame)
                    if refusal is not None and requester.session.reason is None:
                        send_message(requester.session, MessageKind.FAULT, refusal)
                    requester.dropped("a reply came whose id is", arrival.id)
                    requester.surplus(frame)
                else:
                    self._emit(event, frame, requester)

    def _emit(self, event: Event, frame: bytes, requester: Requester) -> None:
        session = requester.session
        if session.observers.message is not None:
            kind, name = MessageKind.EVENT, event.name
            report_message(session, kind, frame, sent=False, name=name, values=event.values)
        if event.name in self._interim_events:
            requester.begin_anew(event)
        if event.name in self._state_events:
            rule = self._state_events[event.name]
            if rule.leaves:  # the session may end for it: the commands under way are told why
                shown = ", ".join(f"{name}={_shown(value)}" for name, value in event.values.items())
                requester.dropped(f"{event.name}({shown}) came")
            requester.in_order(partial(change_states, session, rule))
        requester.in_order(partial(getattr(self.proxy, event.name).happened, event.values))

    def _drop(self, frame: bytes, problem: str, requester: Requester) -> None:
        report_message(requester.session, MessageKind.UNREADABLE, frame, sent=False, problem=problem)
        if not self._dialect.by_id:
            return  # the frame breaks the session, and the reason of its end quotes it
        count = self._unmatched.count_due(self._seconds())
        if count:
            self.log.warn(
                "{equipment}: dropped {frame}: {why}{more}",
                equipment=self._declaration.name,
                frame=brief_bytes(frame),
                why=problem,
                more=f" (and {count - 1} more)" if count > 1 else "",
            )


def _shown(value: Any) -> str:
    return value.name if isinstance(value, Enum) else brief_repr(value)


@cache
def _proxy_class(declaration: Declaration) -> type[Any]:
    kind = declaration.kind
    namespace: dict[str, Any] = {
        name: _asking_method(each, declaration) for name, each in declaration.commands.items()
    }
    namespace["__await__"] = _refuse_await
    namespace |= {"__tcpcomm_proxy__": True, "__doc__": kind.__doc__, "__module__": kind.__module__}
    if declaration.dialect.header_values:
        namespace |= {
            "__tcpcomm_with_header__": partialmethod(_with_header, declaration),
            "__tcpcomm_header__": _header_of,
        }
    return new_class(f"Remote{declaration.name}", (kind,), exec_body=lambda body: body.update(namespace))


def _refuse_await(self: Any) -> NoReturn:
    """Tell a program that awaits the proxy instead of its commands."""
    raise ConfigurationError(
        "a proxy is there at once: write remote(...) without await; its commands are awaited, as in "
        "await camera.locate(3)"
    )


def _asking_method(command: Command, declaration: Declaration) -> Callable[..., Deferred[Any]]:
    names, idempotent = frozenset(command.names), command.idempotent

    def ask(self: Any, /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        values = kwargs if kwargs.keys() == names and not args else command.bind(args, kwargs)
        link: CommandLink = self.__tcpcomm_link__
        requester = link.requester
        if requester is None:
            return link.ask_when_ready(command, values)
        asked = requester.ask(command, values)
        if idempotent and link.retries:
            asked.addErrback(link.ask_again, command, values)
        return asked

    def ask_with_rules(self: Any, /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        values = command.bind(args, kwargs)
        asked = self.__tcpcomm_own_header__.on(command)
        link: CommandLink = self.__tcpcomm_link__
        requester = link.requester
        if requester is None:
            return link.ask_when_ready(asked, values)
        result = ask_in_state(requester, asked, values, declaration)
        if idempotent and link.retries:
            result.addErrback(link.ask_again, asked, values)
        return result

    if declaration.dialect.header_values or command.states is not None:
        ask = ask_with_rules
    ask.__name__ = command.name
    ask.__qualname__ = command.where
    ask.__doc__ = command.doc
    return ask


def _with_header(proxy: Any, declaration: Declaration, name: str, value: Any) -> Any:
    """Return a proxy on the same link that sends a value in its headers. Its events are the same."""
    for event in declaration.events:
        getattr(proxy, event)  # it is made once, in the dictionary of the proxy
    derived: Any = object.__new__(type(proxy))
    derived.__dict__.update(proxy.__dict__)
    own: ProxyHeader = proxy.__tcpcomm_own_header__
    derived.__tcpcomm_own_header__ = ProxyHeader({**own.values, name: value})
    return derived


def _header_of(proxy: Any) -> MutableMapping[str, Any]:
    """Return the values that a proxy sends in its headers. A value that is set here is sent from now on."""
    own: ProxyHeader = proxy.__tcpcomm_own_header__
    link: CommandLink = proxy.__tcpcomm_link__
    maps = [own.values] if own.values else []
    maps.append(link.header)
    if link.requester is not None and link.requester.header is not None:
        maps += [link.requester.header.learned, link.requester.header.link]
    return ChainMap(*maps)
