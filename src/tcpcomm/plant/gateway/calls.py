"""
Commands and methods of a device by name, with their arguments as data: :class:`DeviceCall`.

The names are those of ``tcpcomm call``: ``locate``, ``read_holding_registers``, ``holding.write``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from enum import Enum
from typing import Any, Final, Protocol, get_args, get_origin

from attrs import evolve, field, frozen
from twisted.internet.defer import Deferred, TimeoutError

from tcpcomm.codec.annotations import bare_type, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.json.parameters import ValueTypes
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.equipment.methods import Method, method_names, method_of
from tcpcomm.errors import CodecError, ConfigurationError, Fault, NotSent, OutcomeUnknown
from tcpcomm.plant.gateway.configuration.mistakes import did_you_mean
from tcpcomm.plant.values import RESULT, ValueDescription, items_of, kind_of, values_of
from tcpcomm.runtime.awaitables import as_deferred

_TYPES: Final = ValueTypes()


class CallLink(Protocol):
    """The part of a link that a call needs."""

    @property
    def host_proxy(self) -> Any: ...
    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]: ...


def call_named(declaration: Declaration, name: str) -> Command | Method:
    """
    Return a command or a method of a device.

    Raises:
        ConfigurationError: the device has neither.
    """
    found = declaration.commands.get(name) or method_of(declaration.kind, name)
    if found is None:
        known = [*declaration.commands, *method_names(declaration.kind)]
        raise ConfigurationError(f"{declaration.name} has no command {name!r}{did_you_mean(name, known)}")
    return found


def parameters_of(called: Command | Method) -> tuple[Field, ...]:
    """Return the parameters of a command or a method."""
    return tuple(called.spec.parameters if isinstance(called, Command) else called.parameters)


@frozen(kw_only=True)
class DeviceCall:
    """A call of a command or a method that can be made again and again."""

    called: Command | Method
    values: Mapping[str, Any]
    """The arguments by name, as the declaration has them."""
    header: Mapping[str, Any] = field(factory=dict)
    """The values that its header carries in place of the link's."""
    deadline: float | None = None
    """The seconds until its result must be there; None: as declared."""

    @classmethod
    def of(
        cls,
        declaration: Declaration,
        called: Command | Method,
        arguments: Mapping[str, Any],
        *,
        deadline: float | None = None,
    ) -> DeviceCall:
        """
        Make a call with arguments as JSON or TOML has them.

        Raises:
            ConfigurationError: an argument does not fit; the text names all that do not.
        """
        problems = dict(argument_problems(declaration, called, arguments))
        if problems:
            raise ConfigurationError("; ".join(f"{name}: {text}" for name, text in problems.items()))
        fields = parameters_of(called)
        names = {each.name for each in fields}
        values = {each.name: each.default for each in fields}
        for each in fields:
            if each.name in arguments:
                values[each.name] = read_value(each.type, arguments[each.name])
        header = {
            name: read_value(declaration.dialect.header_values[name].type, value)
            for name, value in arguments.items()
            if name not in names
        }
        if isinstance(called, Command):
            timeout = called.timeout if deadline is None else deadline
            called = evolve(called, header=header, timeout=timeout)
        return cls(called=called, values=values, header=header, deadline=deadline)

    @property
    def has_result(self) -> bool:
        """True if it gives a value; False if only the success is known."""
        called = self.called
        return called.spec.result is not None if isinstance(called, Command) else called.has_result

    def ask(self, link: CallLink, reactor: Any) -> Deferred[Any]:
        """
        Make the call on a link. Return a Deferred of its result, which fails as at any host.

        Args:
            link: the link of the device, such as a HostLink.
            reactor: measures the deadline.
        """
        called = self.called
        if isinstance(called, Command):
            return link.ask_when_ready(called, dict(self.values))
        proxy = link.host_proxy.proxy
        for name, value in self.header.items():
            proxy = getattr(proxy, name)(value)
        result = as_deferred(called.call(proxy, dict(self.values)))
        return result if self.deadline is None else self._within(result, self.deadline, reactor)

    @staticmethod
    def _within(result: Deferred[Any], deadline: float, reactor: Any) -> Deferred[Any]:
        def failed(failure: Any) -> Any:
            if failure.check(TimeoutError):
                raise OutcomeUnknown(f"no result within {deadline:g} s") from None
            return failure

        return result.addTimeout(deadline, reactor).addErrback(failed)


def argument_problems(
    declaration: Declaration, called: Command | Method, arguments: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield each argument that does not fit, is missing or is unknown, by its name, with the reason."""
    fields = {each.name: each for each in parameters_of(called)}
    header = declaration.dialect.header_values
    for name, value in arguments.items():
        known = fields.get(name) or header.get(name)
        if known is None:
            yield name, f"is not an argument of this command{did_you_mean(name, [*fields, *header])}"
            continue
        try:
            read_value(known.type, value)
        except CodecError as error:
            yield name, f"{error.path}: {error.reason}" if error.path else error.reason
    for name, each in fields.items():
        if name not in arguments and each.default is MISSING:
            yield name, "is missing"


def read_value(annotation: Any, value: Any) -> Any:
    """
    Return a value of JSON or TOML as an annotation wants it.

    Bytes are base64, dates ISO 8601 or dates of TOML, and members of an Enum their values or their names.

    Raises:
        CodecError: the value does not fit.
    """
    if isinstance(value, date | time):
        value = value.isoformat()
    bare = bare_type(annotation)
    if isinstance(bare, type) and issubclass(bare, Enum) and isinstance(value, str):
        value = bare.__members__[value].value if value in bare.__members__ else value
    try:
        kind = _TYPES.of(_carried(annotation))
    except ConfigurationError:
        return value  # the device itself checks it
    return kind.read(value)


def _carried(annotation: Any) -> Any:
    """Return an annotation without what JSON cannot tell apart: a tuple beside a list, a Mapping."""
    bare = bare_type(annotation)
    if bare is list:
        return list[Any]
    if get_origin(bare) is Mapping or bare is Mapping:
        return dict[str, Any]
    members = union_members(bare)
    lists = [get_args(each) for each in members if get_origin(each) is list]
    kept = [each for each in members if not (get_origin(each) is tuple and lists)]
    if not members or len(kept) == len(members):
        return annotation
    found = kept[0]
    for each in kept[1:]:
        found = found | each
    return found


def described_values(
    declaration: Declaration, called: Command | Method, name: str
) -> tuple[ValueDescription, ...]:
    """Return the values that reports of a poll bring, under the name of the poll."""
    if isinstance(called, Command):
        found = values_of(declaration, called.name)
        if name == called.name:
            return found
        return tuple(evolve(each, path=f"{name}{each.path.removeprefix(called.name)}") for each in found)
    if not called.has_result:
        return ()
    kind, items = kind_of(called.result), items_of(called.result)
    return (ValueDescription(path=f"{name}/{RESULT}", kind=kind, items=items),)


def problem_text(error: BaseException) -> str:
    """Return why a call brought no result, in words that say if the device may have acted."""
    text = str(error) or type(error).__name__
    if isinstance(error, Fault):
        return f"the equipment says no: {text}"
    if isinstance(error, NotSent):
        return f"not sent: {text}"
    if isinstance(error, OutcomeUnknown):
        return f"sent, but the outcome is not known: {text}"
    if isinstance(error, CodecError | ConfigurationError):
        return f"the command cannot be written: {text}"
    return f"{type(error).__name__}: {text}"
