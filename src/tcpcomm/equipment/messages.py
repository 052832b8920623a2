"""The messages of a declaration: :class:`Command` and :class:`DeclaredEvent`."""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.base import MessageSpec
from tcpcomm.codec.reply_forms import Acknowledged, Silence
from tcpcomm.equipment.states import StateRule
from tcpcomm.framing import Framing


@frozen(eq=False)
class _DeclaredMessage:
    """A command or an event."""

    name: str
    where: str
    """The class and the method, for error messages."""
    doc: str
    spec: MessageSpec
    signature: inspect.Signature = field(repr=False)
    names: tuple[str, ...] = field(init=False)
    """The names of the parameters, in order."""
    states: StateRule | None = field(default=None, kw_only=True)
    """Its rule about states, or None if it has nothing to do with states."""

    @names.default
    def _names_of_parameters(self) -> tuple[str, ...]:
        return tuple(self.signature.parameters)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """
        Return the values of a call by name, with the defaults of those that were not given.

        Raises:
            TypeError: the arguments do not fit the method.
        """
        if not kwargs and len(args) == len(self.names):
            return dict(zip(self.names, args, strict=True))
        if not args and kwargs.keys() == set(self.names):
            return kwargs
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.where}: {error}") from None
        bound.apply_defaults()
        return bound.arguments


@frozen(eq=False)
class Command(_DeclaredMessage):
    """A declared command."""

    timeout: float
    """The seconds that the equipment has for its reply."""
    idempotent: bool
    header: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """The values that its header carries in place of the usual ones, by name."""
    interim: Mapping[str, str | None] = field(default=MappingProxyType({}), kw_only=True)
    """The events that begin the timeout anew, and for each the field with the new timeout, or None."""

    reply_framing: Framing | None = field(default=None, kw_only=True)
    """The framing of its replies, or None if it is that of all replies."""

    @property
    def acknowledged_within(self) -> float | None:
        """The seconds until its acknowledgement, or None if they are not declared."""
        reply = self.spec.reply
        return reply.within if isinstance(reply, Acknowledged) else None

    @property
    def is_silent(self) -> bool:
        """True if it succeeds by silence."""
        return isinstance(self.spec.reply, Silence)

    @property
    def has_reply(self) -> bool:
        return self.spec.reply is not None


@frozen(eq=False)
class DeclaredEvent(_DeclaredMessage):
    """A declared event."""

    encode: Callable[[Mapping[str, Any]], bytes]
    """Makes the frame of its values. Raises :class:`~tcpcomm.errors.CodecError` if that is not possible."""
    kind: Any = field(init=False, repr=False)
    """The named tuple of its values, made once: while Python makes one, Ctrl-C ends the program."""

    @kind.default
    def _named_tuple_of_values(self) -> Any:
        return namedtuple(self.name, self.names)
