"""
Replies of commands by templates: one frame, several frames, or as many frames as a count in them says.
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
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.codec.template.codegen import read_value, write_reply
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import COUNT, compile_template
from tcpcomm.codec.template.field_types import ValueFields, item_of, value_fields
from tcpcomm.codec.template.parser import CountPiece, Piece, parse, value_names
from tcpcomm.errors import CodecError, ConfigurationError, Fault

DRAWN_FRAMES: Final = 3
"""The most frames of a drawn counted reply, without the head."""


def _templates(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen
class CountedLines:
    """
    A reply that consists of a head with a count, and as many frames as the count says.

    Args:
        head: the template of the first frame, or several templates for as many frames. One of them has the
            field ``{#}``, the number of frames that follow.
        each: the template of every frame that follows, one for each item of the result's list.
        at_most: the largest count that is accepted.

    The result is a list, or an attrs class with one attribute that is a list. After the head, the command
    has succeeded. So a frame that can be an item is read as an item, even if it could be a fault.
    """

    head: tuple[str, ...] = field(converter=_templates)
    each: str
    at_most: int = field(default=10_000, kw_only=True)


def _split_reply(reply: Any) -> tuple[tuple[str, ...], CountedLines | None]:
    """Return the templates of single frames of a reply, and its counted frames or None."""
    steps = reply if isinstance(reply, tuple) else (reply,)
    *first, last = steps or (None,)
    counted = last if isinstance(last, CountedLines) else None
    texts = (*first, *counted.head) if counted is not None else steps
    if not texts or not all(isinstance(each, str) for each in texts):
        raise ConfigurationError(
            f"the reply cannot be {reply!r}: write a template, a tuple of templates, "
            "CountedLines(head, each), or None"
        )
    return texts, counted


@frozen
class _CountedItems:
    """The counted frames of a reply, compiled."""

    name: str
    """The field of the result that is the list."""
    template: CompiledTemplate
    fields: ValueFields
    """The fields of one item."""
    at_most: int

    def draw(self, random: Random) -> list[Any]:
        return [
            draw_accepted(lambda: self.template.draw(random), self.fields.join, f"an item of {self.name}")
            for _ in range(random.randint(0, DRAWN_FRAMES))
        ]


class Reply:
    """
    The reply of one command, compiled.

    Args:
        spec: the command.

    Raises:
        ConfigurationError: a template cannot be compiled, or does not fit the result.
    """

    def __init__(self, spec: MessageSpec) -> None:
        texts, counted = _split_reply(spec.reply)
        self.texts = (*texts, f"{counted.each} ({{#}} times)") if counted is not None else texts
        pieces = [parse(text) for text in texts]
        self._has_acknowledgement = (
            isinstance(spec.reply, tuple) and len(self.texts) > 1 and not any(value_names(pieces[0]))
        )
        used = tuple(name for each in pieces for name in value_names(each))
        if used and spec.result in (None, type(None)):
            raise ConfigurationError(
                f"the reply has the field {{{used[0]}}}, but the command returns None: "
                "annotate its result, as in -> float"
            )
        self._counted = None if counted is None else _counted_items(counted, spec.result, pieces)
        if self._counted is not None and item_of(spec.result) is not MISSING:
            used = (self._counted.name,)
        self._fields = value_fields(spec.result, used)
        fields = dict(self._fields.fields)
        names = []
        if self._counted is not None:
            names.append(self._counted.name)
            del fields[self._counted.name]
            fields[COUNT] = Field(COUNT, int)
        self.templates = tuple(compile_template(text, fields) for text in texts)
        self._fields.check_used([*names, *(name for each in self.templates for name in each.names)])
        self._is_single = len(self.templates) == 1 and self._counted is None

    @property
    def all_templates(self) -> tuple[CompiledTemplate, ...]:
        """The templates of all frames that the reply can have."""
        return self.templates if self._counted is None else (*self.templates, self._counted.template)

    @property
    def acknowledgement(self) -> str | None:
        """The text that is sent before the command is done, or None."""
        return self.templates[0].write({}) if self._has_acknowledgement else None

    def write(self, result: Any) -> list[str]:
        """
        Return the texts of all frames for a result.

        Raises:
            CodecError: the result has the wrong type, or cannot be written in its format.
        """
        values = self._fields.split(result)
        counted = self._counted
        if counted is None:
            return [each.write(values) for each in self.templates]
        items = native(values[counted.name])
        if not isinstance(items, list):
            raise inside(counted.name, wrong("a list", items))
        if len(items) > counted.at_most:
            problem = f"has {len(items)} items, but only {counted.at_most} are allowed"
            raise CodecError(problem, counted.name)
        texts = [each.write({**values, COUNT: len(items)}) for each in self.templates]
        for index, each in enumerate(items):
            try:
                texts.append(counted.template.write(counted.fields.split(each)))
            except CodecError as error:
                raise inside(counted.name, inside(f"[{index}]", error)) from None
        return texts

    def writer(
        self, encoding: Encoding, careful: Callable[[Request, Any], list[bytes]]
    ) -> Callable[[Request, Any], list[bytes]]:
        """Return a function that makes the frames for a result, as ``careful`` does, but perhaps faster."""
        if not self._is_single:
            return careful
        return write_reply(self.templates[0], self._fields, encoding, careful)

    def draw(self, random: Random) -> Any:
        """Draw a result that can be sent without change."""

        def draw_fields() -> dict[str, Any]:
            values: dict[str, Any] = {}
            for each in self.templates:
                values.update(each.draw(random))
            if self._counted is not None:
                values[self._counted.name] = self._counted.draw(random)
            return values

        return draw_accepted(draw_fields, self._fields.join, "the result")

    def reader_factory(
        self, read_fault: Callable[[str], Fault | None], *, faults_first: bool = False
    ) -> Callable[[], ReplyReader]:
        """
        Return a function that makes a reader for one reply.

        Args:
            read_fault: returns the fault in a text, or None.
            faults_first: True if a text can be both a reply and a fault. It is then read as a fault.
        """
        if self._is_single:
            reader = _SingleReader(self.templates[0], self._fields, read_fault, faults_first)
            return lambda: reader
        return lambda: _SeveralReader(self.templates, self._counted, self._fields, read_fault, faults_first)


def _counted_items(counted: CountedLines, result: Any, heads: Sequence[tuple[Piece, ...]]) -> _CountedItems:
    counts = [each for pieces in heads for each in pieces if isinstance(each, CountPiece)]
    if len(counts) != 1 or counts[0].name:
        raise ConfigurationError(
            "the head of a counted reply must have the field {#} once: the number of frames that follow"
        )
    if counted.at_most < 1:
        raise ConfigurationError(f"at_most={counted.at_most} must be at least 1")
    item_type = item_of(result)
    name = "items"
    if item_type is MISSING:
        fields = value_fields(result, ("items",)).fields
        lists = [each for each in fields.values() if item_of(each.type) is not MISSING]
        if len(lists) != 1:
            raise ConfigurationError(
                f"a counted reply needs a list, or an attrs class with one list, not {type_text(result)}"
            )
        name, item_type = lists[0].name, item_of(lists[0].type)
    item_fields = value_fields(item_type, tuple(value_names(parse(counted.each))))
    template = compile_template(counted.each, item_fields.fields)
    item_fields.check_used(template.names)
    return _CountedItems(name, template, item_fields, counted.at_most)


class _SingleReader(ReplyReader):
    """Reads a reply of one frame. It has no state, so all requests share it."""

    def __init__(
        self,
        template: CompiledTemplate,
        fields: ValueFields,
        read_fault: Callable[[str], Fault | None],
        faults_first: bool,
    ) -> None:
        self._template = template
        self._join = fields.join
        self._read_fault = read_fault
        self._read = read_value(template, fields, self._read_carefully)
        if not faults_first:
            self.take = self._read  # type: ignore[assignment,method-assign] # saves a call

    def take(self, body: Any) -> Any:
        if fault := self._read_fault(body):
            raise fault
        return self._read(body)

    def _read_carefully(self, text: str) -> Any:
        values = self._template.read(text)
        if values is None:
            raise self._read_fault(text) or self._template.explain(text)[1]
        return self._join(values)


class _SeveralReader(ReplyReader):
    """Reads a reply of several frames: the head, and the frames that the head counts."""

    def __init__(
        self,
        templates: Sequence[CompiledTemplate],
        counted: _CountedItems | None,
        fields: ValueFields,
        read_fault: Callable[[str], Fault | None],
        faults_first: bool,
    ) -> None:
        self._templates = templates
        self._counted = counted
        self._fields = fields
        self._read_fault = read_fault
        self._faults_first = faults_first
        self._frames_read = 0
        self._values: dict[str, Any] = {}
        self._items: list[Any] = []

    def take(self, body: Any) -> Any:
        is_head = self._frames_read < len(self._templates)
        if is_head:
            template = self._templates[self._frames_read]
        else:
            assert self._counted is not None
            template = self._counted.template
        if self._faults_first and (fault := self._read_fault(body)):
            raise fault
        values = template.read(body)
        if values is None:
            raise self._read_fault(body) or template.explain(body)[1]
        self._frames_read += 1
        if is_head:
            self._values.update(values)
        elif self._counted is not None:
            self._items.append(self._counted.fields.join(values))
        return self._result()

    def _result(self) -> Any | More:
        if self._frames_read < len(self._templates):
            return MORE
        values = self._values
        if self._counted is not None:
            count = values[COUNT]
            if not 0 <= count <= self._counted.at_most:
                raise CodecError(f"the count is {count}, but it must be 0 to {self._counted.at_most}")
            if len(self._items) < count:
                return MORE
            values = {name: value for name, value in values.items() if name != COUNT}
            values[self._counted.name] = self._items
        return self._fields.join(values)
