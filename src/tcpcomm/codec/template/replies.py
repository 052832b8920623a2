"""
What a command's reply looks like: one frame, several, or as many as a count in them says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, MORE, Field, MessageSpec, More, ReplyReader, Request
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.template.codegen import read_whole, write_reply
from tcpcomm.codec.template.compiled import CompiledTemplate, joined
from tcpcomm.codec.template.compiler import COUNT, compile_line
from tcpcomm.codec.template.field_type import refused
from tcpcomm.codec.template.field_types import Whole, drawn, item_of, whole
from tcpcomm.codec.template.parser import Count, names, parse
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["CountedLines", "Reply"]

DRAWN_FRAMES: Final = 3


def _templates(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen
class CountedLines:
    """
    A reply of a head that says how many frames follow, and these frames.

    Args:
        head: the template of the first frame, or several templates for as many frames. One of them has the
            field ``{#}``, which is the number of frames that follow.
        each: the template of every frame that follows, one for each item of the result's list.
        at_most: how many frames a head may announce.

    The result is a list, or an attrs class with one attribute that is a list. Once the head is complete,
    the equipment has said yes: a frame that may be an item is one, even if it could be a fault.
    """

    head: tuple[str, ...] = field(converter=_templates)
    each: str
    at_most: int = field(default=10_000, kw_only=True)


def _texts(reply: Any) -> tuple[tuple[str, ...], CountedLines | None]:
    """The templates of a reply: those that stand alone, and what is counted after them."""
    steps = reply if isinstance(reply, tuple) else (reply,)
    *first, last = steps or (None,)
    counted = last if isinstance(last, CountedLines) else None
    texts = (*first, *counted.head) if counted is not None else steps
    if not texts or not all(isinstance(each, str) for each in texts):
        raise ConfigurationError(
            f"{reply!r} is no reply: it is a template, a tuple of templates, CountedLines(head, each), or None"
        )
    return texts, counted


@frozen
class _Repeated:
    """The frames of a reply that are as many as its head says."""

    name: str
    """Of the list, in the result's fields."""
    line: CompiledTemplate
    item: Whole
    at_most: int

    def draw(self, random: Random) -> list[Any]:
        return [drawn(self.item, self.line.draw, random) for _ in range(random.randint(0, DRAWN_FRAMES))]


class Reply:
    """
    The reply of one command, compiled.

    Args:
        form: the command.

    Raises:
        ConfigurationError: a template cannot be compiled, or does not fit the result.
    """

    def __init__(self, form: MessageSpec) -> None:
        texts, counted = _texts(form.reply)
        self.texts = (*texts, f"{counted.each} ({{#}} times)") if counted is not None else texts
        pieces = [parse(text) for text in texts]
        self.acknowledged = (
            isinstance(form.reply, tuple) and len(self.texts) > 1 and not any(names(pieces[0]))
        )
        self._repeated = None if counted is None else _repeated(counted, form.result, pieces)
        used = tuple(name for each in pieces for name in names(each))
        if counted is not None and self._repeated is not None and item_of(form.result) is not MISSING:
            used = (self._repeated.name,)
        self._whole = whole(form.result, used)
        fields = dict(self._whole.fields)
        if self._repeated is not None:
            del fields[self._repeated.name]
            fields[COUNT] = Field(COUNT, int)
        self.lines = tuple(compile_line(text, fields) for text in texts)
        counted_name = () if self._repeated is None else (self._repeated.name,)
        self._whole.check_used([*counted_name, *(name for line in self.lines for name in line.names)])
        self._single = len(self.lines) == 1 and self._repeated is None

    @property
    def all_lines(self) -> tuple[CompiledTemplate, ...]:
        """Every template that a frame of the reply may have."""
        return self.lines if self._repeated is None else (*self.lines, self._repeated.line)

    @property
    def acknowledgement(self) -> str | None:
        """What is sent at once."""
        return self.lines[0].write({}) if self.acknowledged else None

    def write(self, result: Any) -> list[str]:
        """
        The texts of all frames for a result.

        Raises:
            CodecError: it is not of the declared type, or cannot be written so.
        """
        values = self._whole.split(result)
        repeated = self._repeated
        if repeated is None:
            return [line.write(values) for line in self.lines]
        items = native(values[repeated.name])
        if not isinstance(items, list):
            raise CodecError(refused(items, "a list").reason, repeated.name)
        if len(items) > repeated.at_most:
            raise CodecError(f"{len(items)} items are more than {repeated.at_most}", repeated.name)
        texts = [line.write({**values, COUNT: len(items)}) for line in self.lines]
        for index, each in enumerate(items):
            try:
                texts.append(repeated.line.write(repeated.item.split(each)))
            except CodecError as error:
                path = joined(repeated.name, joined(f"[{index}]", error.path))
                raise CodecError(error.reason, path) from None
        return texts

    def writer(
        self, encoding: Encoding, careful: Callable[[Request, Any], list[bytes]]
    ) -> Callable[[Request, Any], list[bytes]]:
        """What makes the frames for a result, as ``careful`` does for any reply."""
        return write_reply(self.lines[0], self._whole, encoding, careful) if self._single else careful

    def draw(self, random: Random) -> Any:
        """A result that passes the wire unchanged."""

        def draw(random: Random) -> dict[str, Any]:
            values: dict[str, Any] = {}
            for line in self.lines:
                values.update(line.draw(random))
            if self._repeated is not None:
                values[self._repeated.name] = self._repeated.draw(random)
            return values

        return drawn(self._whole, draw, random)

    def answers(
        self, no: Callable[[str], Fault | None], *, faults_first: bool = False
    ) -> Callable[[], ReplyReader]:
        """
        What makes a reader for one reply.

        Args:
            no: reads a fault, or returns None.
            faults_first: whether a text may be both, a reply and a fault, and then is a fault.
        """
        if self._single:
            reader = _One(self.lines[0], self._whole, no, faults_first)
            return lambda: reader
        return lambda: _Several(self.lines, self._repeated, self._whole, no, faults_first)


def _repeated(counted: CountedLines, result: Any, heads: Sequence[Any]) -> _Repeated:
    """What is counted, and where it goes in the result."""
    counts = [each for pieces in heads for each in pieces if isinstance(each, Count)]
    if len(counts) != 1 or counts[0].name:
        raise ConfigurationError(
            "the head of a counted reply has the field {#} once: how many frames follow"
        )
    if counted.at_most < 1:
        raise ConfigurationError(
            f"at_most={counted.at_most}: a counted reply has at least one frame to follow"
        )
    of = item_of(result)
    name = "items"
    if of is MISSING:
        fields = whole(result, ("items",)).fields
        lists = [each for each in fields.values() if item_of(each.type) is not MISSING]
        if len(lists) != 1:
            raise ConfigurationError(
                f"a counted reply makes a list, or an attrs class with one list, not {type_text(result)}"
            )
        name, of = lists[0].name, item_of(lists[0].type)
    pieces = parse(counted.each)
    item = whole(of, tuple(names(pieces)))
    line = compile_line(counted.each, item.fields)
    item.check_used(line.names)
    return _Repeated(name, line, item, counted.at_most)


def _told(line: CompiledTemplate, text: str, no: Callable[[str], Fault | None]) -> Exception:
    """What to raise for a text that is not the reply: the fault that it is, or what is wrong with it."""
    return no(text) or line.problem(text)


class _One(ReplyReader):
    """Reads a reply of one frame. It has no state, so all requests share it."""

    def __init__(
        self, line: CompiledTemplate, made_of: Whole, no: Callable[[str], Fault | None], faults_first: bool
    ) -> None:
        self._line = line
        self._join = made_of.join
        self._no = no
        self._read = read_whole(line, made_of, self._read_carefully)
        if not faults_first:
            self.take = self._read  # type: ignore[assignment,method-assign] # nothing is looked for before

    def take(self, body: Any) -> Any:
        if fault := self._no(body):
            raise fault
        return self._read(body)

    def _read_carefully(self, text: str) -> Any:
        values = self._line.read(text)
        if values is None:
            raise _told(self._line, text, self._no)
        return self._join(values)


class _Several(ReplyReader):
    """Reads a reply of several frames: those of the head, and those that it announced."""

    def __init__(
        self,
        lines: Sequence[CompiledTemplate],
        repeated: _Repeated | None,
        made_of: Whole,
        no: Callable[[str], Fault | None],
        faults_first: bool,
    ) -> None:
        self._lines = lines
        self._repeated = repeated
        self._whole = made_of
        self._no = no
        self._faults_first = faults_first
        self._taken = 0
        self._values: dict[str, Any] = {}
        self._items: list[Any] = []

    def take(self, body: Any) -> Any:
        head = self._taken < len(self._lines)
        if head:
            line = self._lines[self._taken]
        else:
            assert self._repeated is not None
            line = self._repeated.line
        if self._faults_first and (fault := self._no(body)):
            raise fault
        values = line.read(body)
        if values is None:
            raise _told(line, body, self._no)
        self._taken += 1
        if head:
            self._values.update(values)
        elif self._repeated is not None:
            self._items.append(self._repeated.item.join(values))
        return self._result()

    def _result(self) -> Any | More:
        if self._taken < len(self._lines):
            return MORE
        values = self._values
        if self._repeated is not None:
            count = values[COUNT]
            if not 0 <= count <= self._repeated.at_most:
                raise CodecError(f"{count} frames are announced, and 0 to {self._repeated.at_most} may be")
            if len(self._items) < count:
                return MORE
            values = {name: value for name, value in values.items() if name != COUNT}
            values[self._repeated.name] = self._items
        return self._whole.join(values)
