"""
Several codecs in one declaration: :func:`bind_messages`, and the dialect that it makes of them.

A command or event may have a codec of its own, because its header has another shape: a handshake, or a
message inside another message. A host reads a reply by the codec of the command that it answers. Equipment
reads a request by the codec that knows it; examples of all requests show that only one codec does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from attrs import evolve, frozen

from tcpcomm.codec.base import (
    Answer,
    Asked,
    Codec,
    Dialect,
    Event,
    Field,
    LiteralText,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.problems import brief_repr, taken_for_event
from tcpcomm.errors import CodecError, ConfigurationError, Fault


def bind_messages(codec: Codec, specs: Sequence[MessageSpec]) -> Dialect:
    """
    Compile the commands and events of a declaration, each with its own codec.

    Args:
        codec: the codec of all messages that have no other.
        specs: the messages.

    Raises:
        ConfigurationError: a message cannot be compiled, or two messages cannot be distinguished.
    """
    codecs = [codec]
    for spec in specs:
        if spec.codec is not None and spec.codec not in codecs:
            codecs.append(spec.codec)
    if len(codecs) == 1:
        return codec.bind(specs)
    dialects = [each.bind([spec for spec in specs if (spec.codec or codec) == each]) for each in codecs]
    of = {spec.name: dialects[codecs.index(spec.codec or codec)] for spec in specs}
    mixed = MixedDialect(dialects, of, has_events=any(spec.is_event for spec in specs))
    if any(each.by_id and bool(each.id_parameters) is not bool(mixed.id_parameters) for each in dialects):
        raise ConfigurationError("if some commands have their id as a parameter, all that have ids must")
    places = {spec.name: spec.where for spec in specs}
    for spec in specs:
        _check_distinct(mixed, spec, places)
    return mixed


class _Frame(NamedTuple):
    """The body of an answer: a frame that the codec of the command reads."""

    frame: bytes


class _FromDialect(NamedTuple):
    """The id of a refusal, and the dialect that answers it."""

    dialect: Dialect
    id: Any


class _ProtocolFault(Fault):
    """A fault for a protocol error. Each codec gives it another code."""

    def __init__(self, kind: ProtocolErrorKind, fault: Fault) -> None:
        super().__init__(fault.code, fault.reason, fault.data)
        self.kind = kind


class MixedDialect(Dialect):
    """
    The dialects of several codecs in one declaration.

    Args:
        dialects: the dialect of each codec; the first is that of the declaration.
        of: the dialect of each message, by name.
        has_events: True if a message is an event, for which each dialect must look.
    """

    def __init__(self, dialects: Sequence[Dialect], of: Mapping[str, Dialect], *, has_events: bool) -> None:
        self._main = dialects[0]
        self._has_events = has_events
        # An answer that has an id is looked for first, because a codec without ids may read any frame.
        self._dialects = sorted(dialects, key=lambda each: not each.by_id)
        self._of = of
        self.by_id = any(each.by_id for each in dialects)
        self.largest_id = min((each.largest_id for each in dialects if each.by_id), default=self.largest_id)
        self.mixes_order = self.by_id and not all(each.by_id for each in dialects)
        self.id_parameters = {
            name: parameter for each in dialects for name, parameter in each.id_parameters.items()
        }
        self.reads_by_request = any(each.reads_by_request for each in dialects)
        able = [each for each in dialects if each.has_faults]
        self.has_faults = bool(able)
        self._fault_dialect = able[0] if able else self._main
        self.meanings = {
            code: words for each in reversed(dialects) for code, words in each.meanings.items()
        }
        self.codes_are_texts = self._main.codes_are_texts
        self.event_values = frozenset().union(*(each.event_values for each in dialects))
        values: dict[str, Field] = {}
        for each in dialects:
            values |= each.header_values
        self.header_values = values

    def can_fail(self, name: str) -> bool:
        return self._of[name].can_fail(name)

    def fault_codes(self, name: str) -> Sequence[int | str]:
        return self._of[name].fault_codes(name)

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        return self._of[name].request(name, values, id)

    def ask(
        self,
        name: str,
        values: Mapping[str, Any],
        id: int,
        header: Mapping[str, Any],
        learned: dict[str, Any],
    ) -> tuple[bytes, ReplyReader | None]:
        frame, reader = self._of[name].ask(name, values, id, header, learned)
        return frame, self._mixed(name, reader)

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._mixed(name, self._of[name].reply_reader(name))

    def reader_for(self, name: str, values: Mapping[str, Any]) -> ReplyReader | None:
        return self._mixed(name, self._of[name].reader_for(name, values))

    def _mixed(self, name: str, reader: ReplyReader | None) -> ReplyReader | None:
        if reader is None:
            return None
        own = self._of[name]
        others = [each for each in self._dialects if each is not own]
        return _MixedReader(own, reader, others, self.mixes_order and not own.by_id)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        found: Answer | None = None
        problem: CodecError | None = None
        for each in self._dialects:
            try:
                arrivals = each.read_at_host(frame)
            except CodecError as error:
                if problem is None or each is self._main:
                    problem = error
                continue
            if any(isinstance(arrival, Event) for arrival in arrivals):
                return arrivals
            if found is None and arrivals:
                found = Answer(
                    _Frame(frame), next(each.id for each in arrivals if isinstance(each, Answer))
                )
                if not self._has_events:
                    break
        if found is None:
            raise problem or CodecError("the frame is neither an event nor an answer")
        return (found,)

    def answers_another(self, name: str, body: Any) -> bool:
        own = self._of[name]
        if own.by_id or not self.mixes_order:
            return False
        try:
            arrivals = own.read_at_host(body.frame)
        except CodecError:
            return False
        return any(own.answers_another(name, each.body) for each in arrivals if isinstance(each, Answer))

    def unmatched_event(self, frame: bytes) -> Event | None:
        events = (each.unmatched_event(frame) for each in self._dialects)
        return next((event for event in events if event is not None), None)

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        refusals: list[tuple[Dialect, Refusal]] = []
        for each in self._dialects:
            asked = each.read_at_equipment(frame)
            if not isinstance(asked, Refusal):
                return asked
            if not each.tells(asked.name, asked.error_kind):
                asked = asked.but(wants_reply=False)
            if asked.name is not None:
                return asked
            refusals.append((each, asked))
        unknown = ProtocolErrorKind.UNKNOWN_COMMAND
        refusals.sort(key=lambda pair: (not pair[1].resembles, pair[1].error_kind is not unknown))
        dialect, refusal = refusals[0]
        foreign = any(each.foreign for _, each in refusals)
        return refusal.but(id=_FromDialect(dialect, refusal.id), foreign=foreign)

    def answer_id(self, request: Request) -> Any:
        return self._of[request.name].answer_id(request)

    def acknowledgement(self, request: Request) -> bytes | None:
        return self._of[request.name].acknowledgement(request)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self._of[request.name].reply(request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        return self._of[name].replier(name)

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        dialect = self._main if request.name is None else self._of[request.name]
        if isinstance(request, Refusal) and isinstance(request.id, _FromDialect):
            dialect, id = request.id
            request = request.but(id=id)
        if isinstance(fault, _ProtocolFault):
            fault = dialect.fault_for_request(request.name, fault.kind, fault.reason)
        return dialect.fault(request, fault)

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return _ProtocolFault(kind, self._main.fault_for(kind, reason))

    def fault_for_request(self, name: str | None, kind: ProtocolErrorKind, reason: str) -> Fault:
        dialect = self._main if name is None else self._of[name]
        return _ProtocolFault(kind, dialect.fault_for_request(name, kind, reason))

    def tells(self, name: str | None, kind: ProtocolErrorKind) -> bool:
        return self.has_faults if name is None else self._of[name].tells(name, kind)

    def join(self, replies: Sequence[bytes]) -> bytes:
        able = [each for each in self._dialects if type(each).join is not Dialect.join]
        return (able[0] if able else self._main).join(replies)

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        return self._of[name].event(name, values)

    def event_to(self, name: str, values: Mapping[str, Any], header: Mapping[str, Any]) -> bytes:
        return self._of[name].event_to(name, values, header)

    def literal_texts(self) -> Iterable[LiteralText]:
        for each in self._dialects:
            yield from each.literal_texts()

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return self._of[name].draw_values(name, random)

    def draw_result(self, name: str, random: Random) -> Any:
        return self._of[name].draw_result(name, random)

    def draw_reply(self, request: Request, random: Random) -> Any:
        return self._of[request.name].draw_reply(request, random)

    def notation(self, name: str) -> Notation:
        own = self._of[name]
        notation = own.notation(name)
        if own is self._fault_dialect or not notation.replies or not own.has_faults:
            return notation
        return evolve(notation, faults=(*notation.faults, own.fault_notation()))

    def fault_notation(self) -> str:
        return self._fault_dialect.fault_notation()

    def layout(self, name: str) -> dict[str, Any] | None:
        own = self._of[name]
        layout = own.layout(name)
        if own is self._main or layout is None:
            return layout
        return {**layout, "rules": own.rules(), "fault": own.fault_layout()}

    def fault_layout(self) -> dict[str, Any] | None:
        return self._fault_dialect.fault_layout()

    def rules(self) -> dict[str, Any]:
        return self._main.rules()

    def owners(self, frame: bytes) -> list[Dialect]:
        """Return the dialects that take a frame for one of their commands."""
        found = []
        for each in self._dialects:
            asked = each.read_at_equipment(frame)
            if not isinstance(asked, Refusal) or asked.name is not None:
                found.append(each)
        return found

    def dialect_of(self, name: str) -> Dialect:
        """Return the dialect of a message."""
        return self._of[name]


@frozen
class _MixedReader(ReplyReader):
    """
    Reads the reply to one command by its own codec.

    A fault may come by another codec: the outer message says why the inner one was not even looked at.
    """

    own: Dialect
    reader: ReplyReader
    others: Sequence[Dialect]
    is_without_id: bool

    @property
    def is_one_frame(self) -> bool:  # type: ignore[override]
        return self.reader.is_one_frame

    @property
    def is_hasty(self) -> bool:  # type: ignore[override]
        return self.reader.is_hasty

    @property
    def is_acknowledged(self) -> bool:  # type: ignore[override]
        return self.reader.is_acknowledged

    @property
    def silence_is_success(self) -> bool:  # type: ignore[override]
        return self.reader.silence_is_success

    def take(self, body: Any) -> Any:
        frame = body.frame
        try:
            arrivals = self.own.read_at_host(frame)
            inner = [each.body for each in arrivals if isinstance(each, Answer)]
            if len(inner) != 1:
                raise CodecError("the frame is not one reply")
            return self.reader.take(frame if self.reader.wants_frames else inner[0])
        except CodecError:
            for other in self.others:
                fault = other.outer_fault(frame)
                if fault is not None:
                    raise fault from None
            raise


def _check_distinct(mixed: MixedDialect, spec: MessageSpec, places: Mapping[str, str]) -> None:
    """Raise ConfigurationError if another codec would read an example of a message as its own."""
    own, random = mixed.dialect_of(spec.name), Random(0)
    for _ in range(3):
        if spec.is_event:
            frame = own.event(spec.name, own.draw_values(spec.name, random))
            names = [each.name for each in mixed.read_at_host(frame) if isinstance(each, Event)]
            _check(names == [spec.name], spec, frame, "message")
            continue
        frame = own.request(spec.name, own.draw_values(spec.name, random), 1)
        _check(mixed.owners(frame) == [own], spec, frame, "command")
        if own.reply_reader(spec.name) is None:
            continue
        request = own.read_at_equipment(frame).requests[0]
        assert isinstance(request, Request)
        for reply in own.reply(request, own.draw_reply(request, random)):
            (answer,) = mixed.read_at_host(reply)
            if isinstance(answer, Event):
                raise ConfigurationError(
                    f"{spec.where}: a host would not recognise {brief_repr(reply)} as its reply: "
                    f"{taken_for_event(places[answer.name])}"
                )
            is_own = isinstance(answer, Answer) and (answer.id is not None) == own.by_id
            _check(is_own, spec, reply, "message")


def _check(is_distinct: bool, spec: MessageSpec, frame: bytes, what: str) -> None:
    if not is_distinct:
        raise ConfigurationError(
            f"{spec.where}: another codec of this class reads {brief_repr(frame)} as its own {what}"
        )
