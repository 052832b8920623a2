"""
What becomes of a subclass of Equipment: :class:`Declaration`, checked when the class is made.

The decorated methods of a class and its bases are read, their annotations resolved, and the codec is bound
to them. Every mistake is a :class:`~tcpcomm.errors.ConfigurationError` that names the class, the method
and the parameter.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen
from twisted.internet.defer import Deferred

from tcpcomm.codec.base import MISSING, Answer, Dialect, Field, MessageSpec, ReplyReader, Request
from tcpcomm.equipment.class_attributes import check_attributes
from tcpcomm.equipment.decorator_marks import check_body, check_noted, mark_of, place_of
from tcpcomm.equipment.events import Event
from tcpcomm.equipment.literals import check_literals_fit_framing
from tcpcomm.equipment.login import Login
from tcpcomm.errors import CodecError, ConfigurationError, Fault, FramingError
from tcpcomm.framing import Framing

__all__ = ["Command", "Declaration", "EventOf", "compile_declaration"]

PIPELINE_BY_ID: Final = 64


@frozen(eq=False)
class _Told:
    """A command or an event: something with a name and values."""

    name: str
    where: str
    doc: str
    form: MessageSpec
    signature: inspect.Signature = field(repr=False)
    names: tuple[str, ...] = field(init=False)

    @names.default
    def _names_of_parameters(self) -> tuple[str, ...]:
        return tuple(self.signature.parameters)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """
        The values of a call, by name, defaults included.

        Raises:
            TypeError: the arguments are not those of the method.
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
class Command(_Told):
    """A declared command."""

    timeout: float
    idempotent: bool

    @property
    def has_reply(self) -> bool:
        """Whether anything answers it."""
        return self.form.reply is not None


@frozen(eq=False)
class EventOf(_Told):
    """A declared event, with the check that its values can be written."""

    encode: Callable[[Mapping[str, Any]], bytes]

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise :class:`~tcpcomm.errors.CodecError` if they cannot."""
        self.encode(values)


@frozen(eq=False)
class Declaration:
    """
    A piece of equipment, as declared.

    Attributes:
        kind: the class.
        commands: by name.
        events: by name.
        dialect: the codec, bound to them.
        received: how what the host sends is framed.
        sent: how what the equipment sends is framed.
        pipeline: how many commands a host may have under way at once.
    """

    kind: type[Any]
    commands: Mapping[str, Command]
    events: Mapping[str, EventOf]
    dialect: Dialect
    received: Framing
    sent: Framing
    gap: float | None
    pipeline: int
    heartbeat: str | None
    heartbeat_while_busy: bool
    greeting: str | None
    login: tuple[Login, ...]

    @property
    def name(self) -> str:
        """The class's name."""
        return self.kind.__name__

    @property
    def encoding(self) -> str:
        """The encoding of the greeting and the login: the codec's."""
        return str(getattr(self.kind.codec, "encoding", "utf-8"))

    def unimplemented(self) -> list[str]:
        """The commands whose bodies were never written."""
        return [name for name in self.commands if _is_unwritten(getattr(self.kind, name))]

    def check_implemented(self) -> None:
        """Raise :class:`~tcpcomm.errors.ConfigurationError` if there are such."""
        unimplemented = self.unimplemented()
        if unimplemented:
            raise ConfigurationError(
                f"{self.name} does not implement {', '.join(unimplemented)}: a subclass has to"
            )


def compile_declaration(kind: type[Any], root: type[Any], local_names: Mapping[str, Any]) -> Declaration:
    """
    Read a class and its bases, and bind the codec.

    Args:
        kind: the class that was just made.
        root: Equipment itself, whose own attributes are no commands.
        local_names: what names in annotations may stand for besides the globals of their module.

    Raises:
        ConfigurationError: something in it is wrong.
    """
    check_noted(kind)
    commands: dict[str, Callable[..., Any]] = {}
    events: dict[str, Event[Any]] = {}
    compiled: dict[str, MessageSpec | None] = {}  # by a base, which alone may know the names in annotations
    for base in reversed(kind.__mro__):
        known = _forms_of(base)
        for name, value in vars(base).items():
            if isinstance(value, Event):
                _check_name(kind, name, value.name, root)
                commands.pop(name, None)
                events[name] = value
                compiled[name] = known.get(name)
            elif hasattr(value, "__tcpcomm__"):
                _check_name(kind, name, value.__name__, root)
                check_body(f"{base.__name__}.{name}", value)
                events.pop(name, None)
                commands[name] = value
                compiled[name] = known.get(name)
            elif name in commands and base is kind:
                _check_implementation(kind, name, commands[name], value)
            elif name in events and base is kind:
                raise ConfigurationError(f"{kind.__name__}.{name} hides the event of that name")

    check_attributes(kind, root)
    forms = {
        name: compiled[name]
        or _form(kind, method, mark_of(method).wire, local_names, reply=mark_of(method).reply)
        for name, method in commands.items()
    } | {
        name: compiled[name] or _form(kind, told.method, told.wire, local_names, reply=None, is_event=True)
        for name, told in events.items()
    }
    dialect = kind.codec.bind(tuple(forms.values()))
    declared_commands = {
        name: _command(forms[name], method)
        for name, method in commands.items()
    }
    pipeline = kind.pipeline
    if pipeline is None:
        pipeline = PIPELINE_BY_ID if dialect.by_id else 1
    declaration = Declaration(
        kind=kind,
        commands=MappingProxyType(declared_commands),
        events=MappingProxyType(
            {name: _event(forms[name], told, dialect) for name, told in events.items()}
        ),
        dialect=dialect,
        received=kind.framing,
        sent=kind.reply_framing or kind.framing,
        gap=kind.gap,
        pipeline=pipeline,
        heartbeat=kind.heartbeat,
        heartbeat_while_busy=kind.heartbeat_while_busy,
        greeting=kind.greeting,
        login=tuple(kind.login),
    )
    _check_settings(declaration)
    check_literals_fit_framing(
        declaration.name,
        dialect,
        received=declaration.received,
        sent=declaration.sent,
        greeting=declaration.greeting,
        login=declaration.login,
        encoding=declaration.encoding,
    )
    return declaration


def _forms_of(base: type[Any]) -> Mapping[str, MessageSpec]:
    """The forms that a base class has compiled already; none if it is no piece of equipment."""
    declaration = vars(base).get("_declaration")
    if declaration is None:
        return {}
    return {each.name: each.form for each in (*declaration.commands.values(), *declaration.events.values())}


def _command(form: MessageSpec, method: Callable[..., Any]) -> Command:
    mark = mark_of(method)
    if isinstance(mark.timeout, bool) or not isinstance(mark.timeout, int | float):
        raise ConfigurationError(f"{form.where}: timeout must be a number of seconds, not {mark.timeout!r}")
    if not mark.timeout > 0:
        raise ConfigurationError(f"{form.where}: timeout must be positive, not {mark.timeout}")
    if not isinstance(mark.idempotent, bool):
        raise ConfigurationError(f"{form.where}: idempotent must be True or False, not {mark.idempotent!r}")
    return Command(
        name=form.name,
        where=form.where,
        doc=inspect.getdoc(method) or "",
        form=form,
        signature=_without_self(method),
        timeout=mark.timeout,
        idempotent=mark.idempotent,
    )


def _event(form: MessageSpec, told: Event[Any], dialect: Dialect) -> EventOf:
    return EventOf(
        name=form.name,
        where=form.where,
        doc=inspect.getdoc(told.method) or "",
        form=form,
        signature=_without_self(told.method),
        encode=lambda values: dialect.event(form.name, values),
    )


def _form(
    kind: type[Any],
    method: Callable[..., Any],
    wire: Any,
    local_names: Mapping[str, Any],
    *,
    reply: Any,
    is_event: bool = False,
) -> MessageSpec:
    name = method.__name__
    where = place_of(method, kind.__name__)
    hints = _hints(where, method, local_names)
    parameters = []
    for parameter in _without_self(method).parameters.values():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise ConfigurationError(
                f"{where}: {parameter} cannot be declared: parameters have names, and are given by "
                "position or by name"
            )
        if parameter.name not in hints:
            raise ConfigurationError(f"{where}: {parameter.name} needs an annotation, such as int")
        default = MISSING if parameter.default is parameter.empty else parameter.default
        parameters.append(Field(parameter.name, hints[parameter.name], default))
    if "return" not in hints:
        raise ConfigurationError(f"{where}: what it returns needs an annotation, such as -> None")
    result = _awaited_type(hints["return"])
    if is_event and result is not None:
        raise ConfigurationError(f"{where}: an event returns nothing: annotate it with -> None")
    return MessageSpec(
        name=name,
        where=where,
        wire=wire,
        reply=reply,
        parameters=tuple(parameters),
        result=result,
        is_event=is_event,
    )


def _hints(where: str, method: Callable[..., Any], local_names: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(method, localns=dict(local_names), include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{where}: an annotation names {error.name!r}, which is not known where the class is made"
        ) from None
    except TypeError as error:
        raise ConfigurationError(f"{where}: an annotation is no type: {error}") from None


def _awaited_type(annotation: Any) -> Any:
    """What a command returns in the end; None for nothing."""
    if typing.get_origin(annotation) in (Awaitable, Coroutine, Deferred):
        annotation = typing.get_args(annotation)[-1]
    return None if annotation is type(None) else annotation


def _without_self(method: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(method)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _check_name(kind: type[Any], name: str, method: str, root: type[Any]) -> None:
    if name != method:
        raise ConfigurationError(
            f"{kind.__name__}.{name} is {kind.__name__}.{method} under another name: to name it, write the "
            f"text {method!r}"
        )
    if hasattr(root, name) or name.startswith("_"):
        raise ConfigurationError(
            f"{kind.__name__}.{name}: a command or event cannot have this name, which means something else"
        )


def _check_implementation(
    kind: type[Any], name: str, declared: Callable[..., Any], written: object
) -> None:
    """The method that implements a command must take the same parameters."""
    if not callable(written):
        raise ConfigurationError(f"{kind.__name__}.{name} hides the command of that name")
    wanted, given = list(_without_self(declared).parameters), list(_without_self(written).parameters)
    if wanted != given:
        raise ConfigurationError(
            f"{kind.__name__}.{name} must take ({', '.join(wanted)}), as declared, not ({', '.join(given)})"
        )
    check_body(f"{kind.__name__}.{name}", written)


def _check_settings(declaration: Declaration) -> None:
    """What the class attributes must be."""
    name = declaration.name
    if declaration.pipeline < 1:
        raise ConfigurationError(f"{name}.pipeline must be at least 1, not {declaration.pipeline}")
    for prompt in (step.expect or "" for step in declaration.login if step.prompt):
        if declaration.gap is None:
            raise ConfigurationError(f"{name}.login has a prompt, which only a gap can end: set gap")
        if not _is_ended_by_silence(declaration.sent, prompt.encode(declaration.encoding)):
            raise ConfigurationError(
                f"{name}.login: the prompt {prompt!r} is no frame of {declaration.sent!r}, not even with "
                "silence behind it: a prompt needs a framing by delimiters, and a line before it is a step "
                "of its own"
            )
    beat = declaration.heartbeat
    if beat is None:
        return
    if beat not in declaration.commands:
        raise ConfigurationError(f"{name}.heartbeat is {beat!r}, but no command has that name")
    command = declaration.commands[beat]
    if command.form.parameters or not command.has_reply:
        raise ConfigurationError(
            f"{name}.heartbeat is {beat!r}: a heartbeat has no parameters, and a reply"
        )
    if declaration.heartbeat_while_busy and not declaration.dialect.by_id:
        _check_heartbeat_stands_out(declaration, command)


def _is_ended_by_silence(framing: Framing, prompt: bytes) -> bool:
    """Whether bytes without the end of a frame become one when nothing follows."""
    decoder = framing.decoder()
    try:
        return [*decoder.feed(prompt), *decoder.flush()] == [prompt]
    except FramingError:
        return False


def _check_heartbeat_stands_out(declaration: Declaration, beat: Command) -> None:
    """A heartbeat's reply that comes in between other replies must be no other command's."""
    dialect = declaration.dialect
    told = (
        f"{declaration.name}.heartbeat_while_busy: the reply to {beat.name} must be one frame that never "
        "changes, for without ids only that tells it from others"
    )
    if beat.form.result is not None:
        raise ConfigurationError(told)
    replies = dialect.reply(Request(beat.name, {}), None)
    if len(replies) != 1 or dialect.acknowledgement(Request(beat.name, {})) is not None:
        raise ConfigurationError(told)
    (body,) = (each.body for each in dialect.read_at_host(replies[0]) if isinstance(each, Answer))
    for name, command in declaration.commands.items():
        answers = dialect.reply_reader(name)
        if command is not beat and answers is not None and _accepts(answers, body):
            raise ConfigurationError(f"{told}: it can be a reply to {name} too")


def _accepts(answers: ReplyReader, body: Any) -> bool:
    try:
        answers.take(body)
    except (CodecError, Fault):
        return False
    return True


def _is_unwritten(method: Callable[..., Any]) -> bool:
    """Whether the body of a method is nothing but ``raise NotImplementedError``."""
    code = getattr(method, "__code__", None)
    if code is None:
        return False
    constants = [each for each in code.co_consts if each is not None and not isinstance(each, (str, bool))]
    return bool(code.co_names == ("NotImplementedError",) and not constants)
