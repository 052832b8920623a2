"""
Commands in two phases, in templates: :class:`PhasedDialect`.

The first request, and the frame that answers it, are compiled as a command of their own. The second request
and its reply have a dialect of their own, because only the first request tells what the second one means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import define, evolve, frozen

from tcpcomm.codec.base import (
    MORE,
    Asked,
    EndedFrame,
    Field,
    LiteralText,
    MessageSpec,
    Notation,
    PhasedReader,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
    TwoRequests,
)
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import missing, unknown
from tcpcomm.codec.reply_forms import Acknowledged, Silence, TwoPhases
from tcpcomm.codec.template.dialect import TextDialect
from tcpcomm.codec.template.faults import Faults
from tcpcomm.codec.template.parser import parse, value_names
from tcpcomm.errors import CodecError, ConfigurationError, Fault

_SIZE: Final = "_size"
"""The field of a first request that is the size of the second one: ``{#}`` in the declaration."""


@frozen
class _Phased:
    """A command in two phases."""

    spec: MessageSpec
    first: MessageSpec
    """The first request and its answer, as a command."""
    second: TextDialect | None
    """Knows the second request and the reply; None if there is no second request."""
    end: bytes | None

    @property
    def where(self) -> str:
        return self.spec.where

    def with_end(self, frame: bytes) -> bytes:
        return frame if self.end is None else EndedFrame(frame, self.end)

    def size_of(self, frame: bytes) -> int:
        return len(frame) + len(self.end or b"")


class PhasedDialect(TextDialect):
    """
    Templates, with commands that are asked in two phases.

    Raises:
        ConfigurationError: as for :class:`TextDialect`.
    """

    def __init__(self, specs: Sequence[MessageSpec], encoding: Encoding, faults: Faults) -> None:
        self._phased: dict[str, _Phased] = {}
        firsts = []
        events = [spec for spec in specs if spec.is_event]
        for spec in specs:
            if not isinstance(spec.wire, TwoPhases):
                firsts.append(spec)
                continue
            try:
                self._phased[spec.name] = phased = _compile(spec, spec.wire, events, encoding, faults)
            except ConfigurationError as error:
                place = "" if str(error).startswith(spec.where) else f"{spec.where}: "
                raise ConfigurationError(f"{place}{error}") from None
            firsts.append(phased.first)
        super().__init__(firsts, encoding, faults)
        self._by_first = {
            each.first.name: each for each in self._phased.values() if each.second is not None
        }
        self.first_requests = {
            name: super(PhasedDialect, self).reply(Request(name, {}), None)[0] for name in self._by_first
        }

    def _second(self, name: str) -> TextDialect | None:
        """Return the dialect of the second request of a command, or None if it has none."""
        phased = self._phased.get(name)
        return None if phased is None else phased.second

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        two = self.two_requests(name, values)
        return super().request(name, values, id) if two is None else two.first

    def two_requests(self, name: str, values: Mapping[str, Any]) -> TwoRequests | None:
        second = self._second(name)
        if second is None:
            return None
        phased = self._phased[name]
        declared = [each.name for each in phased.spec.parameters]
        if wrong := values.keys() ^ set(declared):
            raise (missing if min(wrong) in declared else unknown)(min(wrong))
        in_first = {each.name for each in phased.first.parameters}
        frame = second.request(name, {key: each for key, each in values.items() if key not in in_first}, 0)
        sizes = {_SIZE: phased.size_of(frame)} if _SIZE in in_first else {}
        first = {key: each for key, each in values.items() if key in in_first}
        opened, then = super().reply_reader(phased.first.name), second.reply_reader(name)
        assert opened is not None
        assert then is not None
        return TwoRequests(
            super().request(phased.first.name, {**first, **sizes}, 0),
            phased.with_end(frame),
            _PhasedReader(opened, then),
        )

    def reply_reader(self, name: str) -> ReplyReader | None:
        second = self._second(name)
        return super().reply_reader(name) if second is None else second.reply_reader(name)

    # -- the equipment's side ---------------------------------------------------------------------------

    def session_reader(self) -> Callable[[bytes], Asked]:
        return _SessionReader(self, self._by_first).read

    def acknowledgement(self, request: Request) -> bytes | None:
        return None if self._second(request.name) is not None else super().acknowledgement(request)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self.replier(request.name)(request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        phased = self._phased.get(name)
        if phased is None:
            return super().replier(name)
        replier = super().replier(name) if phased.second is None else phased.second.replier(name)
        return lambda request, result: [phased.with_end(each) for each in replier(request, result)]

    def can_fail(self, name: str) -> bool:
        second = self._second(name)
        return super().can_fail(name) if second is None else second.can_fail(name)

    def fault_codes(self, name: str) -> Sequence[int | str]:
        second = self._second(name)
        return super().fault_codes(name) if second is None else second.fault_codes(name)

    def faults_of(self, name: str | None) -> Faults:
        phased = self._phased.get(name or "")
        return super().faults_of(name if phased is None else phased.first.name)

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        phased = self._phased.get(request.name or "")
        if phased is None:
            return super().fault(request, fault)
        name = phased.first.name  # a fault may hold the word of the first request
        return phased.with_end(super().fault(Request(name, {}), fault))

    def literal_texts(self) -> Iterator[LiteralText]:
        yield from super().literal_texts()
        for phased in self._phased.values():
            if phased.second is not None:
                found = phased.second.literal_texts()
                yield from (each for each in found if each.where == phased.where)

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        second = self._second(name)
        if second is None:
            return super().draw_values(name, random)
        values = {**super().draw_values(self._phased[name].first.name, random)}
        values.pop(_SIZE, None)
        return values | second.draw_values(name, random)

    def draw_result(self, name: str, random: Random) -> Any:
        second = self._second(name)
        return super().draw_result(name, random) if second is None else second.draw_result(name, random)

    def notation(self, name: str) -> Notation:
        phased = self._phased.get(name)
        if phased is None:
            return super().notation(name)
        wire: TwoPhases = phased.spec.wire
        end = "" if phased.end is None else repr(phased.end)[2:-1]
        if phased.second is None:
            first, *others = super().notation(name).replies
            return Notation(wire.first, (first, *(each + end for each in others)))
        found = phased.second.notation(name)
        asked = f"{found.request}{end} (from the host)"
        replies = (wire.opened, asked, *(each + end for each in found.replies))
        return Notation(wire.first, replies, found.faults)

    def layout(self, name: str) -> dict[str, Any] | None:
        phased = self._phased.get(name)
        if phased is None:
            return super().layout(name)
        found = super().layout(name) if phased.second is None else phased.second.layout(name)
        first = super().layout(phased.first.name)
        assert found is not None
        assert first is not None
        end = {} if phased.end is None else {"end": phased.end.hex(" ").upper()}
        if phased.second is None:
            return {**found, **end}
        (opened,) = first["reply"]["forms"][0]["frames"]
        phases = {"request": _with_size(first["request"]), "opened": opened, "second": found["request"]}
        return {**found, **phases, "command": first["command"], **end}


def _with_size(form: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a first request with a count in place of the field that is a size."""
    parts = [
        {"count": "second request", **({"format": each["format"]} if "format" in each else {})}
        if each.get("field") == _SIZE
        else each
        for each in form["parts"]
    ]
    return {"template": form["template"].replace(f"{{{_SIZE}", "{#"), "parts": parts}


def _compile(
    spec: MessageSpec, wire: TwoPhases, events: Sequence[MessageSpec], encoding: Encoding, faults: Faults
) -> _Phased:
    if spec.reply is None or isinstance(spec.reply, Silence | Acknowledged):
        raise ConfigurationError(
            f"its reply cannot be {spec.reply!r}: write what the equipment answers in the second phase"
        )
    end = None if wire.end is None else encoding.encode(wire.end)
    if wire.second is None:
        text = wire.first.replace("{#}", "0")
        first = evolve(spec, wire=text, reply=Acknowledged(wire.opened, spec.reply))
        return _Phased(spec, first, None, end)
    text = wire.first.replace("{#", f"{{{_SIZE}")
    in_first = [*value_names(parse(text))]
    parameters = [each for each in spec.parameters if each.name in in_first]
    if _SIZE in in_first:
        parameters.append(Field(_SIZE, int))
    first = MessageSpec(
        f"{spec.name}, first request", spec.where, text, wire.opened, tuple(parameters), faults=spec.faults
    )
    others = tuple(each for each in spec.parameters if each.name not in in_first)
    second = evolve(spec, wire=wire.second, parameters=others)
    # With the events, because the reply of the second phase must be none of them.
    return _Phased(spec, first, TextDialect([second, *events], encoding, faults), end)


@define
class _PhasedReader(PhasedReader):
    """Reads the answer to the first request, and then the reply to the second one."""

    opened: ReplyReader
    then: ReplyReader
    wants_second: bool = False
    """True if the first request was answered, and the second one must be sent."""
    is_second: bool = False

    def take(self, body: Any) -> Any:
        if self.is_second:
            return self.then.take(body)
        if self.wants_second:
            raise CodecError("it came before the second request was sent")
        self.opened.take(body)
        self.wants_second = True
        return MORE

    def second_is_sent(self) -> None:
        self.wants_second, self.is_second = False, True


class _SessionReader:
    """Reads the frames of one session: the one behind a first request is the second one."""

    def __init__(self, dialect: PhasedDialect, by_first: Mapping[str, _Phased]) -> None:
        self._dialect = dialect
        self._by_first = by_first
        self._first: Request | None = None
        """The first request whose second one is awaited, or None."""

    def read(self, frame: bytes) -> Asked:
        first, self._first = self._first, None
        asked = self._dialect.read_at_equipment(frame)
        if first is not None:
            second = self._read_second(first, frame)
            # A host that gave up its first request asks anew.
            if isinstance(second, Request) or not isinstance(asked, Request):
                return second
        if isinstance(asked, Request) and asked.name in self._by_first:
            self._first = asked
        return asked

    def _read_second(self, first: Request, frame: bytes) -> Request | Refusal:
        phased = self._by_first[first.name]
        name = phased.spec.name
        assert phased.second is not None
        found = phased.second.read_at_equipment(frame)
        if not isinstance(found, Request):
            assert isinstance(found, Refusal)
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, found.problem, name)
        values = {**first.values, **found.values}
        size, came = values.pop(_SIZE, None), phased.size_of(frame)
        if size is not None and size != came:
            problem = CodecError(f"the first request announced {size} bytes, and {came} came")
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, problem, name)
        return Request(name, values)
