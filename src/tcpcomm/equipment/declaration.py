"""
A checked declaration: :class:`Declaration`, compiled from a subclass of Equipment when the class is made.

Every mistake is a :class:`~tcpcomm.errors.ConfigurationError` that names the class, the method and the
parameter.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve, field, frozen
from twisted.internet.defer import Deferred

from tcpcomm.codec.annotations import bare_type, type_text
from tcpcomm.codec.base import MISSING, Answer, Codec, Dialect, Field, MessageSpec, Request
from tcpcomm.codec.encoding import charset
from tcpcomm.codec.mixed import bind_messages
from tcpcomm.codec.numpy_values import numpy_advice
from tcpcomm.codec.reply_forms import Silence, TwoPhases
from tcpcomm.equipment.class_attributes import check_attributes
from tcpcomm.equipment.decorator_marks import check_body, check_noted, mark_of, place_of
from tcpcomm.equipment.ended_framing import EndedFraming, FramedFrame
from tcpcomm.equipment.events import Event
from tcpcomm.equipment.interim import interim_rule
from tcpcomm.equipment.login import Login
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.equipment.states import StateRule, state_rule
from tcpcomm.errors import CodecError, ConfigurationError, Fault, FramingError
from tcpcomm.framing import Framing, Lines
from tcpcomm.framing.framing_around import FramingAround

PIPELINE_BY_ID: Final = 64
"""
Commands under way at once if replies carry ids; without ids it is 1, unless the declaration says more.
The next command waits for its turn.
"""


@frozen(eq=False)
class Declaration:
    """
    A piece of equipment, as declared.

    Attributes:
        dialect: the codec, bound to the commands and events.
        received: the framing of what the host sends.
        sent: the framing of what the equipment sends.
        pipeline: the number of commands that a host may have under way at once.
        quiet: the seconds of silence that a host keeps after each reply.
        ready_when: the state that a host's session must be in before its link is ready, or None.
        goodbye: the command that a host sends before it closes a session, or None.
        host_side: the declaration that its hosts answer and implement, or None.
        policy: the rules of a link, a profile's name, or None.
    """

    kind: type[Any]
    commands: Mapping[str, Command] = field(converter=MappingProxyType[str, Command])
    events: Mapping[str, DeclaredEvent] = field(converter=MappingProxyType[str, DeclaredEvent])
    dialect: Dialect
    received: Framing
    sent: Framing
    gap: float | None
    pipeline: int
    quiet: float
    heartbeat: str | None
    heartbeat_while_busy: bool
    greeting: str | None
    login: tuple[Login, ...]
    ready_when: str | None = None
    goodbye: str | None = None
    host_side: type[Any] | None = None
    policy: Any = None

    @property
    def name(self) -> str:
        return self.kind.__name__

    @property
    def encoding(self) -> str:
        """Python's name of the encoding of the codec, and of the greeting and the login."""
        return charset(getattr(self.kind.codec, "encoding", "utf-8"))

    def specs(self) -> dict[str, MessageSpec]:
        """Return the messages by name, as the codec gets them."""
        return {each.name: each.spec for each in (*self.commands.values(), *self.events.values())}

    @property
    def has_states(self) -> bool:
        """True if a command or an event has something to do with states."""
        return any(each.states for each in (*self.commands.values(), *self.events.values()))

    @property
    def interim_events(self) -> frozenset[str]:
        """The events that are interim replies of a command."""
        return frozenset(name for each in self.commands.values() for name in each.interim)

    @property
    def reply_framings(self) -> dict[str, Framing]:
        """The reply framings, by the names of the commands that have one."""
        framings = {name: each.reply_framing for name, each in self.commands.items()}
        return {name: each for name, each in framings.items() if each is not None}

    @property
    def has_special_replies(self) -> bool:
        """True if a command has a reply framing, a time for its acknowledgement, or succeeds by silence."""
        return bool(self.reply_framings) or any(
            each.acknowledged_within is not None or each.is_silent for each in self.commands.values()
        )

    def framed(self, command: str, frames: Iterable[bytes]) -> list[bytes]:
        """Return the frames of a reply so that :attr:`sent` gives them the framing of the command."""
        found = self.commands.get(command)
        framing = None if found is None else found.reply_framing
        return [each if framing is None else FramedFrame(each, framing) for each in frames]

    def entering(self) -> list[tuple[str, StateRule]]:
        """Return the names and rules of the commands and events that change states."""
        messages = (*self.commands.values(), *self.events.values())
        return [(each.name, each.states) for each in messages if each.states and each.states.changes]

    def longest_timeout_in(self, state: str) -> float:
        """Return the longest timeout of the commands that need a state, in seconds; 0.0 without any."""
        those = [each for each in self.commands.values() if each.states and state in each.states.needs]
        return max((each.timeout for each in those), default=0.0)

    def unimplemented(self) -> list[str]:
        """Return the commands that have no body."""
        return [name for name in self.commands if _is_unwritten(getattr(self.kind, name))]

    def check_implemented(self) -> None:
        """Raise :class:`~tcpcomm.errors.ConfigurationError` if a command has no body."""
        unimplemented = self.unimplemented()
        if unimplemented:
            raise ConfigurationError(
                f"{self.name} does not implement {', '.join(unimplemented)}: write a subclass that does"
            )


def compile_declaration(
    kind: type[Any],
    root: type[Any],
    inherited: Mapping[type[Any], Declaration],
    local_names: Mapping[str, Any],
) -> Declaration:
    """
    Read a class and its bases, and bind the codec.

    Args:
        kind: the class that was just made.
        root: Equipment itself, which declares nothing.
        inherited: the declarations of the base classes.
        local_names: names that annotations may use besides the globals of their module.

    Raises:
        ConfigurationError: the class has a mistake.
    """
    check_noted(kind)
    commands: dict[str, Callable[..., Any]] = {}
    events: dict[str, Event[Any]] = {}
    compiled: dict[str, MessageSpec | None] = {}  # only the base may know the names in its annotations
    for base in reversed(kind.__mro__):
        known = inherited[base].specs() if base in inherited else {}
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
    specs = {
        name: compiled[name] or _spec(kind, declared, local_names)
        for name, declared in (commands | events).items()
    }
    _check_faults(kind.codec, specs.values())
    dialect = bind_messages(kind.codec, [_for_codec(kind.codec, each) for each in specs.values()])
    for name in dialect.header_values:
        if hasattr(root, name) or name in specs:
            raise ConfigurationError(
                f"{kind.__name__}.{name}: a value of a header cannot have this name, because "
                f"{'a message' if name in specs else 'tcpcomm'} has it: choose another"
            )
    pipeline = kind.pipeline
    if pipeline is None:
        pipeline = PIPELINE_BY_ID if dialect.by_id else 1
    event_specs = {name: specs[name] for name in events}
    received, sent = kind.framing, kind.reply_framing or kind.framing
    has_framings = any(mark_of(each).reply_framing is not None for each in commands.values())
    if has_framings:
        received, sent = kind.framing, EndedFraming(sent)
    if any(isinstance(each.wire, TwoPhases) for each in specs.values()):
        if any(each.codec is not None for each in specs.values()):
            raise ConfigurationError(
                f"{kind.__name__}: commands in two phases cannot stand beside commands with a codec of "
                "their own"
            )
        is_one = sent is received
        received = EndedFraming(received)
        sent = received if is_one else EndedFraming(sent)
    declaration = Declaration(
        kind=kind,
        commands={
            name: _command(kind, specs[name], method, event_specs) for name, method in commands.items()
        },
        events={name: _event(specs[name], event, dialect) for name, event in events.items()},
        dialect=dialect,
        received=received,
        sent=sent,
        gap=kind.gap,
        pipeline=pipeline,
        quiet=kind.quiet,
        heartbeat=kind.heartbeat,
        heartbeat_while_busy=kind.heartbeat_while_busy,
        greeting=kind.greeting,
        login=tuple(kind.login),
        ready_when=kind.ready_when,
        goodbye=kind.goodbye,
        host_side=kind.host_side,
        policy=kind.policy,
    )
    _check_settings(declaration)
    return declaration


def _for_codec(codec: Codec, spec: MessageSpec) -> MessageSpec:
    """Return a message as its codec gets it: if the codec does not know Silence, with the default reply."""
    if isinstance(spec.reply, Silence) and not (spec.codec or codec).compiles_silence:
        return evolve(spec, reply=MISSING)
    return spec


def _check_faults(codec: Codec, specs: Iterable[MessageSpec]) -> None:
    for spec in specs:
        own = spec.codec or codec
        if isinstance(spec.reply, Silence) and not own.takes_silence:
            raise ConfigurationError(
                f"{spec.where}: reply=Silence(...) cannot be: {type(own).__name__} defines the replies"
            )
        if spec.faults is not None and not own.takes_faults:
            raise ConfigurationError(
                f"{spec.where}: faults= is for Template and Xml; with {type(own).__name__} all commands "
                "have the same faults"
            )
        if spec.faults is not None and spec.reply is None:
            raise ConfigurationError(f"{spec.where}: with reply=None no fault is sent, so leave out faults")


def check_states(*declarations: Declaration) -> None:
    """
    Check that each state in a rule can be entered on a session of these declarations.

    Raises:
        ConfigurationError: no command and no event enters a state that is needed, or that forbids one.
    """
    entered = {state for each in declarations for _, rule in each.entering() for state in rule.enters}
    for declaration in declarations:
        messages = (*declaration.commands.values(), *declaration.events.values())
        needed = [(f"{each.where} needs", each.states.needs) for each in messages if each.states]
        needed += [(f"{each.where} is not_in", each.states.not_in) for each in messages if each.states]
        if declaration.ready_when is not None:
            needed.append((f"{declaration.name}.ready_when is", frozenset({declaration.ready_when})))
        for what, states in needed:
            for state in sorted(states - entered):
                close = get_close_matches(state, entered, 1)
                hint = f"did you mean {close[0]!r}?" if close else "declare one with enters="
                raise ConfigurationError(
                    f"{what} {state!r}, a state that no command and no event enters: {hint}"
                )


def _timeout(kind: type[Any], where: str, declared: Any) -> float:
    """Return the timeout of a command, which may be the name of an attribute of its class."""
    timeout, told = declared, where
    if isinstance(declared, str) and declared.isidentifier():
        if not hasattr(kind, declared):
            raise ConfigurationError(
                f"{where}: timeout={declared!r} names a class attribute, and {kind.__name__} has none of "
                f"this name: write {declared} = 5.0 into the class"
            )
        timeout, told = getattr(kind, declared), f"{where}: {kind.__name__}.{declared}"
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise ConfigurationError(f"{told}: timeout must be a number of seconds, not {timeout!r}")
    if not timeout > 0:
        raise ConfigurationError(f"{told}: timeout must be positive, not {timeout}")
    return timeout


def _command(
    kind: type[Any], spec: MessageSpec, method: Callable[..., Any], events: Mapping[str, MessageSpec]
) -> Command:
    mark = mark_of(method)
    timeout = _timeout(kind, spec.where, mark.timeout)
    if not isinstance(mark.idempotent, bool):
        raise ConfigurationError(f"{spec.where}: idempotent must be True or False, not {mark.idempotent!r}")
    return Command(
        name=spec.name,
        where=spec.where,
        doc=inspect.getdoc(method) or "",
        spec=spec,
        signature=_without_self(method),
        timeout=spec.reply.seconds if isinstance(spec.reply, Silence) else timeout,
        idempotent=mark.idempotent,
        interim=interim_rule(spec, mark.interim, events),
        reply_framing=mark.reply_framing,
        states=state_rule(spec.where, mark.needs, mark.not_in, mark.enters, mark.leaves),
    )


def _event(spec: MessageSpec, event: Event[Any], dialect: Dialect) -> DeclaredEvent:
    return DeclaredEvent(
        name=spec.name,
        where=spec.where,
        doc=inspect.getdoc(event.method) or "",
        spec=spec,
        signature=_without_self(event.method),
        encode=lambda values: dialect.event(spec.name, values),
        states=state_rule(spec.where, *event.states),
    )


def _spec(kind: type[Any], declared: Any, local_names: Mapping[str, Any]) -> MessageSpec:
    is_event = isinstance(declared, Event)
    method = declared.method if is_event else declared
    mark = declared if is_event else mark_of(method)
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
        _refuse_numpy(f"{where}: {parameter.name}", hints[parameter.name])
        default = MISSING if parameter.default is parameter.empty else parameter.default
        parameters.append(Field(parameter.name, hints[parameter.name], default))
    if "return" not in hints:
        raise ConfigurationError(f"{where}: the result needs an annotation, such as -> None")
    result = _awaited_type(hints["return"])
    _refuse_numpy(f"{where}: the result", result)
    if is_event and result is not None:
        raise ConfigurationError(f"{where}: an event returns nothing: annotate it with -> None")
    if not isinstance(mark.codec, Codec | None):
        raise ConfigurationError(f"{where}: codec must be a codec such as Binary(), not {mark.codec!r}")
    spec = MessageSpec(
        name=method.__name__,
        where=where,
        wire=mark.wire,
        reply=None if is_event else mark.reply,
        faults=None if is_event else mark.faults,
        parameters=tuple(parameters),
        result=result,
        is_event=is_event,
        codec=mark.codec,
    )
    return (mark.codec or kind.codec).completed(spec)


def _refuse_numpy(where: str, annotation: Any) -> None:
    advice = numpy_advice(bare_type(annotation))
    if advice is not None:
        raise ConfigurationError(f"{where}: {advice}")


def _hints(where: str, method: Callable[..., Any], local_names: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(method, localns=dict(local_names), include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{where}: an annotation names {error.name!r}, which is not known where the class is made"
        ) from None
    except TypeError as error:
        raise ConfigurationError(f"{where}: an annotation is not a type: {error}") from None


def _awaited_type(annotation: Any) -> Any:
    """Return the type of the awaited result, or None if a command returns nothing."""
    if typing.get_origin(annotation) in (Awaitable, Coroutine, Deferred):
        annotation = typing.get_args(annotation)[-1]
    return None if annotation is type(None) else annotation


def _without_self(method: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(method)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _check_name(kind: type[Any], name: str, method: str, root: type[Any]) -> None:
    if name != method:
        raise ConfigurationError(
            f"{kind.__name__}.{name} is {kind.__name__}.{method} under another name: write its name as a "
            f"text, {method!r}"
        )
    if hasattr(root, name) or name.startswith("_"):
        raise ConfigurationError(
            f"{kind.__name__}.{name}: a command or event cannot have this name, because tcpcomm uses it: "
            "choose another"
        )


def _check_implementation(
    kind: type[Any], name: str, declared: Callable[..., Any], written: object
) -> None:
    if not callable(written):
        raise ConfigurationError(f"{kind.__name__}.{name} hides the command of that name")
    wanted, given = list(_without_self(declared).parameters), list(_without_self(written).parameters)
    if wanted != given:
        raise ConfigurationError(
            f"{kind.__name__}.{name} must take ({', '.join(wanted)}), as declared, not ({', '.join(given)})"
        )
    check_body(f"{kind.__name__}.{name}", written)


def _check_settings(declaration: Declaration) -> None:
    name = declaration.name
    if declaration.pipeline < 1:
        raise ConfigurationError(f"{name}.pipeline must be at least 1, not {declaration.pipeline}")
    for prompt in (step.expect or "" for step in declaration.login if step.prompt):
        if _is_frame_at_once(declaration.sent, prompt.encode(declaration.encoding)):
            continue
        if declaration.gap is None:
            raise ConfigurationError(f"{name}.login has a prompt, which only silence can end: set gap")
        if not _is_ended_by_silence(declaration.sent, prompt.encode(declaration.encoding)):
            raise ConfigurationError(
                f"{name}.login: the prompt {prompt!r} is not a frame of {declaration.sent!r}, even if "
                "silence follows: use a framing with delimiters, and declare a line before the prompt as a "
                "step of its own"
            )
    for command in declaration.commands.values():
        if isinstance(command.spec.reply, Silence):
            _check_silence(declaration, command)
        if command.reply_framing is not None:
            _check_reply_framing(declaration, command)
        if command.acknowledged_within is not None and declaration.dialect.by_id:
            raise ConfigurationError(
                f"{command.where}: Acknowledged(within=...) is for replies without ids"
            )
        if command.acknowledged_within is not None and declaration.pipeline > 1:
            raise ConfigurationError(
                f"{command.where}: with pipeline = {declaration.pipeline} its acknowledgement waits for "
                "the commands before it, however long: leave out pipeline, or within"
            )
        if isinstance(command.spec.wire, TwoPhases) and declaration.pipeline > 1:
            raise ConfigurationError(
                f"{command.where}: with pipeline = {declaration.pipeline} another command could come "
                "between the two phases: leave out pipeline"
            )
    goodbye = declaration.goodbye
    if goodbye is not None:
        if goodbye not in declaration.commands:
            raise ConfigurationError(f"{name}.goodbye is {goodbye!r}, but no command has that name")
        command = declaration.commands[goodbye]
        if command.spec.parameters or command.has_reply:
            raise ConfigurationError(
                f"{name}.goodbye is {goodbye!r}: a goodbye must have no parameters, and reply=None"
            )
    heartbeat = declaration.heartbeat
    if heartbeat is None:
        return
    if heartbeat not in declaration.commands:
        raise ConfigurationError(f"{name}.heartbeat is {heartbeat!r}, but no command has that name")
    command = declaration.commands[heartbeat]
    if command.spec.parameters or not command.has_reply:
        raise ConfigurationError(
            f"{name}.heartbeat is {heartbeat!r}: a heartbeat must have no parameters, and must have a reply"
        )
    if command.states is not None:
        raise ConfigurationError(
            f"{name}.heartbeat is {heartbeat!r}: a heartbeat is sent in every state, so remove its needs, "
            "not_in, enters and leaves"
        )
    if declaration.heartbeat_while_busy and not declaration.dialect.by_id:
        _check_heartbeat_stands_out(declaration, command)


def _check_reply_framing(declaration: Declaration, command: Command) -> None:
    """Check that a host knows by which framing it must read."""
    framing = command.reply_framing
    if not isinstance(framing, Framing):
        raise ConfigurationError(
            f"{command.where}: reply_framing must be a framing, such as FixedSize(1), not {framing!r}"
        )
    if isinstance(command.spec.wire, TwoPhases):
        problem = "a command in two phases says the end of its replies by TwoPhases(end=...)"
    elif not command.has_reply:
        problem = "a command without a reply has no framing of its reply: leave out reply_framing"
    elif declaration.dialect.by_id or declaration.pipeline > 1:
        problem = "replies could come in another order than the host expects: leave out ids and pipeline"
    elif declaration.events:
        problem = "an event could come while the host reads by this framing: declare no events beside it"
    elif declaration.heartbeat_while_busy:
        problem = "a heartbeat's reply could come while the host reads by this framing"
    elif _takes_a_late_line_feed(declaration.sent):
        problem = "the LF of CR LF could be read by this framing: use Delimited(b'\\r\\n') elsewhere"
    else:
        return
    raise ConfigurationError(f"{command.where}: {problem}")


def _takes_a_late_line_feed(framing: Framing) -> bool:
    """Return True if a frame ends at CR, and an LF that follows belongs to it, as in Lines."""
    while isinstance(framing, FramingAround):
        framing = framing.framing
    return isinstance(framing, Lines)


def _check_silence(declaration: Declaration, command: Command) -> None:
    """Check that a fault in place of silence can be told, and belongs to the command."""
    if command.spec.result not in (None, type(None)):
        raise ConfigurationError(
            f"{command.where}: it returns {type_text(command.spec.result)}, but with reply=Silence(...) no "
            "result is sent"
        )
    if not declaration.dialect.can_fail(command.name):
        raise ConfigurationError(
            f"{command.where}: the equipment has no faults, so its silence says nothing: write reply=None"
        )
    if declaration.pipeline > 1 and not declaration.dialect.by_id:
        raise ConfigurationError(
            f"{command.where}: with pipeline = {declaration.pipeline} a fault in place of silence could "
            "belong to another command: leave out pipeline"
        )
    if command.name == declaration.heartbeat:
        raise ConfigurationError(
            f"{declaration.name}.heartbeat is {command.name!r}, whose reply is silence: only a reply shows "
            "that the equipment is alive"
        )


def _is_frame_at_once(framing: Framing, prompt: bytes) -> bool:
    """Return True if a host answers a prompt without waiting for silence, because its framing knows it."""
    try:
        return framing.decoder().feed(prompt) in ([prompt], [prompt.rstrip()])
    except FramingError:
        return False


def _is_ended_by_silence(framing: Framing, prompt: bytes) -> bool:
    """Return True if bytes without the end of a frame become a frame when nothing follows."""
    decoder = framing.decoder()
    try:
        return [*decoder.feed(prompt), *decoder.flush()] == [prompt]
    except FramingError:
        return False


def _check_heartbeat_stands_out(declaration: Declaration, heartbeat: Command) -> None:
    """Check that a heartbeat's reply, which may come between others, cannot be another command's reply."""
    dialect = declaration.dialect
    problem = (
        f"{declaration.name}.heartbeat_while_busy: the reply to {heartbeat.name} must be one frame that "
        "never changes, because without ids nothing else tells it from other replies"
    )
    request = Request(heartbeat.name, {})
    if heartbeat.spec.result is not None:
        raise ConfigurationError(problem)
    replies = dialect.reply(request, None)
    if len(replies) != 1 or dialect.acknowledgement(request) is not None:
        raise ConfigurationError(problem)
    (body,) = (each.body for each in dialect.read_at_host(replies[0]) if isinstance(each, Answer))
    for name, command in declaration.commands.items():
        answers = dialect.reply_reader(name)
        if command is heartbeat or answers is None:
            continue
        with suppress(CodecError, Fault):
            answers.take(body)
            raise ConfigurationError(f"{problem}: it can be a reply to {name} too")


def _is_unwritten(method: Callable[..., Any]) -> bool:
    """Return True if the body of a method is only ``raise NotImplementedError``."""
    code = getattr(method, "__code__", None)
    if code is None:
        return False
    constants = [each for each in code.co_consts if each is not None and not isinstance(each, (str, bool))]
    return bool(code.co_names == ("NotImplementedError",) and not constants)
