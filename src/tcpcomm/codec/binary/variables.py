"""
Values in binary headers that vary: :class:`Echo`, :class:`Var`, :class:`WantsReply`.

::

    class Plc(Equipment):
        unit = Echo(U8, 1)
        codec = Binary(id=U16, head=(ID, b"\\0\\0", Length(U16), unit, OPCODE))

    await plc.read(0, 3)                # the host asks unit 1
    await plc.unit(7).read(0, 3)        # and unit 7, on the same connection

    self.unit.value                     # the unit that a handler was asked
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final, Generic, Protocol, Self, TypeVar, overload

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

V = TypeVar("V")
E = TypeVar("E")

WANTS_REPLY: Final = "wants a reply"
"""The name of :class:`WantsReply` among the values of a header. No attribute has this name."""

current_header: ContextVar[MutableMapping[str, Any]] = ContextVar("values in the current header")
"""The values in the header of the request that is being carried out. Its reply carries them, too."""


class _Proxy(Protocol):
    """The parts of an object of equipment that :class:`BoundHeaderValue` needs."""

    def __tcpcomm_with_header__(self, name: str, value: Any) -> Any: ...
    def __tcpcomm_header__(self) -> MutableMapping[str, Any] | None: ...


def event_values_of(session: Any) -> ChainMap[str, Any]:
    """Return the values for the events of a session: those that were set, then those of a request."""
    if session.event_values is None:
        session.event_values = ChainMap({}, {})
    found: ChainMap[str, Any] = session.event_values
    return found


class HeaderValue(Generic[V]):
    """
    A value in the header of requests and replies. Make it an attribute of the class.

    Args:
        type: its type, of a fixed size: ``U8``, ``Annotated[bytes, Fixed(6)]``, or an attrs class.
        default: the value that the host sends if it sets no other.
        name: the name, if it is not an attribute of a class.
    """

    def __init__(self, type: Any, default: V, *, name: str = "") -> None:
        self.type = type
        self.default = default
        self.name = name

    def __set_name__(self, owner: type, name: str) -> None:
        if self.name and self.name != name:
            raise ConfigurationError(
                f"{owner.__name__}.{name} is the header value {self.name} under another name"
            )
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name or self.type})"

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: E, owner: type[E]) -> BoundHeaderValue[E, V]: ...

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        return self if instance is None else BoundHeaderValue(instance, self.name, self.default)


class Echo(HeaderValue[V]):
    """
    A value that a reply repeats from its request: a Modbus unit, a route, an address.

    The equipment copies it. The host refuses a reply with another value as BadReply. If both addresses are
    in a header, give ``reply_head`` them in the other order: each is copied to its new place.
    """


class Var(HeaderValue[V]):
    """
    A value that the host learns from replies: it sends the value of the last reply in all later requests.

    A session handle, or a node address that a handshake gives. Each connection begins with the default.
    A handler of the equipment chooses the value of its reply by ``self.handle.set(value)``; else the reply
    repeats the request's.

    An event carries the value that was set last in its session, else that of the last request. Outside of a
    handler, ``self.handle.of(session)`` reads and sets it.
    """


class BoundHeaderValue(Generic[E, V]):
    """A value in the headers of one object: of equipment, or of its proxy at the host."""

    def __init__(self, owner: E, name: str, default: V, session: Any = None) -> None:
        self._owner = owner
        self._name = name
        self._default = default
        self._session = session

    def __call__(self, value: V) -> E:
        """
        Return a proxy on the same connection that sends this value.

        Raises:
            ConfigurationError: this is the equipment itself, or the codec has no such value in a header.
        """
        owner: Any = self._owner
        made: E = owner.__tcpcomm_with_header__(self._name, value)
        return made

    def of(self, session: Any) -> BoundHeaderValue[E, V]:
        """
        Return the value that events of the equipment to one session carry, to read or to set it.

        Raises:
            ConfigurationError: this is a proxy, and not the equipment itself.
        """
        owner: Any = self._owner
        if owner.__tcpcomm_proxy__:
            raise ConfigurationError(f"{self._name}.of(session) is for the equipment, not for a proxy")
        return BoundHeaderValue(self._owner, self._name, self._default, session)

    @property
    def value(self) -> V:
        """
        Return the value in the request that a handler carries out, or that a proxy would send now.

        Raises:
            ConfigurationError: this is the equipment itself, and no command is being carried out here.
        """
        found: V = self._values().get(self._name, self._default)
        return found

    def set(self, value: V) -> None:
        """
        Choose the value that the reply of the current command carries, or that a proxy sends from now on.

        A value that a proxy has got stays for the life of its link, also on the next connection.
        """
        self._values()[self._name] = value

    def _values(self) -> MutableMapping[str, Any]:
        owner: Any = self._owner
        if self._session is not None:
            return event_values_of(self._session)
        values: MutableMapping[str, Any] | None = owner.__tcpcomm_header__()
        if values is not None:
            return values
        try:
            return current_header.get()
        except LookupError:
            raise ConfigurationError(
                f"{self._name} has a value here only while a command is carried out"
            ) from None


@frozen
class WantsReply:
    """
    A header field that says if a request wants a reply: ``yes`` if it does, and ``no`` if not.

    A request that wants none is carried out, and nothing answers it.

    Args:
        type: the type of the number: ``U8``, ``U16``, ...
        yes: the number in a request that wants a reply.
        no: the number in one that does not.
    """

    type: Any
    yes: int = field(default=1, kw_only=True)
    no: int = field(default=0, kw_only=True)
