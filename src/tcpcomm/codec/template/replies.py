"""Replies of commands by templates: one frame, several frames, or as many frames as a count says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from attrs import define, field, frozen

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import MISSING, MORE, Field, MessageSpec, ReplyReader, Request
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import inside
from tcpcomm.codec.random_values import draw_accepted
from tcpcomm.codec.template.codegen import read_value, write_reply
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import COUNT, checked_list, compile_template, each_item
from tcpcomm.codec.template.fields.field_types import ValueFields, item_of, value_fields
from tcpcomm.codec.template.parser import CountPiece, Piece, parse, value_names
from tcpcomm.errors import CodecError, ConfigurationError, Fault


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

    The result is a list, or a class with one attribute that is a list. After the head, the command
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

    def write(self, items: list[Any]) -> list[str]:
        if len(items) > self.at_most:
            raise CodecError(f"has {len(items)} items, but only {self.at_most} are allowed")
        return each_item(lambda item: self.template.write(self.fields.split(item)), items)

    def draw(self, random: Random) -> list[Any]:
        return [
            draw_accepted(lambda: self.template.draw(random), self.fields.join, f"an item of {self.name}")
            for _ in range(random.randint(0, 3))
        ]


class Reply:
    """
    The reply of one command, compiled.

    Args:
        spec: the command.
        read_fault: returns the fault in a text, or None.
        faults_first: True if a text can be both a reply and a fault. It is then read as a fault.

    Raises:
        ConfigurationError: a template cannot be compiled, or does not fit the result.
    """

    def __init__(
        self, spec: MessageSpec, read_fault: Callable[[str], Fault | None], *, faults_first: bool
    ) -> None:
        self.read_fault = read_fault
        self.faults_first = faults_first
        texts, counted = _split_reply(spec.reply)
        self.texts = (*texts, f"{counted.each} ({{#}} times)") if counted is not None else texts
        pieces = [parse(text) for text in texts]
        used = tuple(name for each in pieces for name in value_names(each))
        if used and spec.result in (None, type(None)):
            raise ConfigurationError(
                f"the reply has the field {{{used[0]}}}, but the command returns None: "
                "annotate its result, as in -> float"
            )
        self.counted = None if counted is None else _counted_items(counted, spec.result, pieces)
        if self.counted is not None and item_of(spec.result) is not MISSING:
            used = (self.counted.name,)
        self.fields = value_fields(spec.result, used)
        fields = dict(self.fields.fields)
        if self.counted is not None:
            del fields[self.counted.name]
            fields[COUNT] = Field(COUNT, int)
        self.templates = tuple(compile_template(text, fields) for text in texts)
        self.all_templates = self.templates
        """The templates of all frames that the reply can have."""
        used = tuple(name for each in self.templates for name in each.names)
        if self.counted is not None:
            self.all_templates += (self.counted.template,)
            used += (self.counted.name,)
        self.fields.check_used(used)
        self._is_single = len(self.all_templates) == 1
        self.acknowledgement: str | None = None
        """The text that is sent before the command is done, or None."""
        if isinstance(spec.reply, tuple) and not self._is_single and not self.templates[0].writers:
            self.acknowledgement = self.templates[0].write({})
        self._single_reader = _SingleReader(self) if self._is_single else None

    def write(self, result: Any) -> list[str]:
        """Return the texts of all frames for a result; raise CodecError if it does not fit."""
        values = self.fields.split(result)
        if self.counted is None:
            return [each.write(values) for each in self.templates]
        try:
            items = checked_list(values[self.counted.name])
            item_texts = self.counted.write(items)
        except CodecError as error:
            raise inside(self.counted.name, error) from None
        return [*(each.write({**values, COUNT: len(items)}) for each in self.templates), *item_texts]

    def writer(
        self, encoding: Encoding, careful: Callable[[Request, Any], list[bytes]]
    ) -> Callable[[Request, Any], list[bytes]]:
        """Return a function that makes the frames for a result, as ``careful`` does, but perhaps faster."""
        if not self._is_single:
            return careful
        return write_reply(self.templates[0], self.fields, encoding, careful)

    def draw(self, random: Random) -> Any:
        """Draw a result that can be sent without change."""

        def draw_fields() -> dict[str, Any]:
            values: dict[str, Any] = {}
            for each in self.templates:
                values.update(each.draw(random))
            if self.counted is not None:
                values[self.counted.name] = self.counted.draw(random)
            return values

        return draw_accepted(draw_fields, self.fields.join, "the result")

    def reader(self) -> ReplyReader:
        """Return a reader for the reply to one request."""
        return self._single_reader or _SeveralReader(self)


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
                f"a counted reply needs a list, or a class with one list, not {type_text(result)}"
            )
        name, item_type = lists[0].name, item_of(lists[0].type)
    item_fields = value_fields(item_type, tuple(value_names(parse(counted.each))))
    template = compile_template(counted.each, item_fields.fields)
    item_fields.check_used(template.names)
    return _CountedItems(name, template, item_fields, counted.at_most)


class _SingleReader(ReplyReader):
    """Reads a reply of one frame. It has no state, so all requests share it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._read = read_value(reply.templates[0], reply.fields, self._read_carefully)

    def take(self, body: Any) -> Any:
        if self._reply.faults_first and (fault := self._reply.read_fault(body)):
            raise fault
        return self._read(body)

    def _read_carefully(self, text: str) -> Any:
        template = self._reply.templates[0]
        values = template.read(text)
        if values is None:
            raise self._reply.read_fault(text) or template.explain(text)[1]
        return self._reply.fields.join(values)


@define
class _SeveralReader(ReplyReader):
    """Reads a reply of several frames: the head, and the frames that the head counts."""

    _reply: Reply
    _frames_read: int = 0
    _values: dict[str, Any] = field(factory=dict)
    _items: list[Any] = field(factory=list)

    def take(self, body: Any) -> Any:
        reply = self._reply
        is_head = self._frames_read < len(reply.templates)
        template = reply.templates[self._frames_read] if is_head else reply.all_templates[-1]
        if reply.faults_first and (fault := reply.read_fault(body)):
            raise fault
        values = template.read(body)
        if values is None:
            raise reply.read_fault(body) or template.explain(body)[1]
        self._frames_read += 1
        if is_head:
            self._values.update(values)
        elif reply.counted is not None:
            self._items.append(reply.counted.fields.join(values))
        return self._result()

    def _result(self) -> Any:
        reply, values = self._reply, self._values
        if self._frames_read < len(reply.templates):
            return MORE
        if reply.counted is not None:
            count = values[COUNT]
            if not 0 <= count <= reply.counted.at_most:
                raise CodecError(f"the count is {count}, but it must be 0 to {reply.counted.at_most}")
            if len(self._items) < count:
                return MORE
            values = {name: value for name, value in values.items() if name != COUNT}
            values[reply.counted.name] = self._items
        return reply.fields.join(values)
