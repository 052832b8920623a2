"""Replies of commands by templates: an acknowledgement, and one or several forms of what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from copy import copy
from functools import partial
from random import Random
from typing import Any

from attrs import define, field

from tcpcomm.codec.base import MISSING, MORE, Field, MessageSpec, ReplyReader, Request
from tcpcomm.codec.codegen import Source
from tcpcomm.codec.encoding import Encoding, without_byte_order_mark
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.codegen import Written, read_value, reply_source, write_reply
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import COUNT, compile_template
from tcpcomm.codec.template.fields.forms import template_form
from tcpcomm.codec.template.sequences import (
    NOTHING_CARRIED,
    Sequence,
    compile_forms,
    draw_one,
    refuse_common_forms,
    steps_of,
    write_one,
)
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.framing.base import Framing


class Reply:
    """
    The reply of one command, compiled.

    Args:
        spec: the command.
        read_fault: returns the fault in a text, or None. It takes the values of the request too, which the
            fault may repeat.
        faults: the templates of the faults. One without a field wins over a reply that could be the same.
        faults_first: True if a text can be both a reply and a fault. It is then read as a fault.
        id: the field that is the id of the request, or None if replies have no ids.

    Raises:
        ConfigurationError: a template cannot be compiled, or does not fit the result.
    """

    def __init__(
        self,
        spec: MessageSpec,
        read_fault: Callable[..., Fault | None],
        faults: Several[CompiledTemplate],
        *,
        faults_first: bool,
        id: str | None = None,
    ) -> None:
        self.faults_first = faults_first
        parameters = {each.name: each for each in spec.parameters}
        self._id = id
        self._carriable = parameters if id is None else {**parameters, id: Field(id, int)}
        """The fields that an acknowledgement may have."""
        text, steps = steps_of(spec.reply, id, parameters)
        acknowledgement = None if text is None else _acknowledgement(text, self._carriable)
        forms = tuple(compile_forms(steps, spec.result))
        for each in forms:
            each.give_way(() if faults_first else faults)
        refuse_common_forms(forms)
        texts = _texts(text, forms)
        self._within: float | None = getattr(spec.reply, "within", None)
        if self._within is not None:
            texts = (f"{texts[0][:-1]}, within {self._within:g} s)", *texts[1:])
        self._set(read_fault, acknowledgement, forms, texts)
        is_single = acknowledgement is None and len(forms) == 1 and forms[0].is_single
        self._single_reader = _SingleReader(self, forms[0]) if is_single else None
        is_one_frame = acknowledgement is None and all(form.is_single for form in forms)
        self._several_reader = _OneFrameReader if is_one_frame else _SeveralReader
        if self._within is not None:
            self._several_reader = _HastyReader

    def _set(
        self,
        read_fault: Callable[..., Fault | None],
        acknowledgement: CompiledTemplate | None,
        forms: tuple[Sequence, ...],
        texts: tuple[str, ...],
    ) -> None:
        """Set what others ask of a reply. A reply without a frame has no forms."""
        self.read_fault = read_fault
        self.faults_repeat = False
        """True if faults have parameters of the request."""
        self.acknowledgement = acknowledgement
        """The template of the frame that is sent before the command is carried out, or None."""
        self.forms = forms
        self.carried_first = set(() if self.acknowledgement is None else self.acknowledgement.names)
        """The values of the request in the acknowledgement."""
        self.repeats = any(each.repeats for each in self.forms) or bool(self.carried_first - {self._id})
        """True if it has parameters of the request."""
        self.texts = texts
        """The templates of all frames, for people."""
        first = () if self.acknowledgement is None else (self.acknowledgement,)
        self.all_templates = (*first, *(each for form in self.forms for each in form.all_templates))
        """The templates of all frames that the reply can have."""
        self.first_templates = (*first, *(each for form in self.forms for each in form.templates))
        """The templates of the frames before items."""
        self.free_templates = [
            each
            for form in self.forms
            if form.items is not None and form.items.is_free
            for each in form.item_templates
        ]
        """The templates of items that are every frame that is nothing else."""
        counted = [
            each
            for form in self.forms
            if form.items is not None and form.end is None
            for each in form.item_templates
        ]
        self.not_faults = [each for each in self.all_templates if each not in counted]
        """The templates of the frames in whose place a fault can stand. Behind a count there is none."""

    def write(self, result: Any, carried: Mapping[str, Any] = NOTHING_CARRIED) -> list[str]:
        """
        Return the texts of all frames for a result, without the acknowledgement.

        Args:
            result: the result.
            carried: the values of the request, and its id.

        Raises:
            CodecError: the result does not fit.
        """
        return write_one(self.forms, result, carried)

    def write_acknowledgement(self, carried: Mapping[str, Any]) -> str | None:
        """Return the text that acknowledges a request with these values and id, or None."""
        if self.acknowledgement is None:
            return None
        values = self.acknowledgement.draw(Random(0))
        return self.acknowledgement.write(
            values | {name: carried[name] for name in self.carried_first if name in carried}
        )

    def writer(
        self, encoding: Encoding, careful: Callable[[Request, Any], list[bytes]]
    ) -> Callable[[Request, Any], list[bytes]]:
        """Return a function that makes the frames for a result, as ``careful`` does, but perhaps faster."""
        form = self.forms[0]
        if len(self.forms) > 1 or not form.is_single or form.carried:
            return careful
        return write_reply(form.templates[0], form.fields, encoding, careful)

    def source(self, source: Source, encoding: Encoding, sent: Framing) -> Written | None:
        """Return the source that writes a result, or None if only :meth:`write` can."""
        form = self.forms[0]
        if len(self.forms) > 1 or not form.is_single or form.carried:
            return None
        return reply_source(source, form.templates[0], form.fields, encoding, sent.ending)

    def draw(self, random: Random) -> Any:
        """Draw a result that can be sent without change."""
        return draw_one(self.forms, random, "the result")

    def reader(self, sent: Mapping[str, Any] = NOTHING_CARRIED) -> ReplyReader:
        """Return a reader for the reply to one request. It checks that parameters come back as sent."""
        if self._single_reader is not None and not (sent and (self.repeats or self.faults_repeat)):
            return self._single_reader
        if self.faults_repeat and sent:
            return self._comparing(sent).reader(sent)
        return self._several_reader(self, [_Progress(form, sent) for form in self.forms], sent)

    def _comparing(self, sent: Mapping[str, Any]) -> Reply:
        """Return the same reply with faults that must repeat these values."""
        found = copy(self)
        found.read_fault = partial(self.read_fault, sent=sent)
        found.faults_repeat, found.repeats = False, True
        return found

    @property
    def layout(self) -> dict[str, Any]:
        """The reply as plain data."""
        layout: dict[str, Any] = {}
        if self.acknowledgement is not None:
            text = self.acknowledgement.text
            layout["acknowledgement"] = template_form(
                text, self._carriable, of_request=self._carriable, id=self._id
            )
        if self._within is not None:
            layout["within"] = self._within
        return {**layout, "forms": [each.layout for each in self.forms]}

    def explain(self, text: str, templates: Several[CompiledTemplate]) -> CodecError:
        """Return the error of a text that fits no template. The nearest template explains it."""
        return max((each.explain(text) for each in templates), key=lambda found: found[0])[1]


def _acknowledgement(text: str, fields: Mapping[str, Field]) -> CompiledTemplate:
    template = compile_template(text, fields)
    if not template.literal:
        raise ConfigurationError("the acknowledgement must not be empty")
    return template


def _texts(acknowledgement: str | None, forms: Several[Sequence]) -> tuple[str, ...]:
    texts: list[str] = []
    if acknowledgement is not None:
        texts.append(f"{acknowledgement} (before the command is carried out)")
    for index, form in enumerate(forms):
        first, *others = form.steps.texts
        texts += [f"or: {first}" if index else first, *others]
    return tuple(texts)


class _SingleReader(ReplyReader):
    """Reads a reply of one frame. It has no state, so all requests share it."""

    is_one_frame = True

    def __init__(self, reply: Reply, form: Sequence) -> None:
        self._reply = reply
        self._form = form
        self._read: Callable[[str], Any] = self._read_carefully
        if not form.carried:
            self._read = read_value(form.templates[0], form.fields, self._read_carefully)
        self.whole = None if reply.faults_first else self._read

    def take(self, body: Any) -> Any:
        if self._reply.faults_first and (fault := self._reply.read_fault(body)):
            raise fault
        return self._read(body)

    def _read_carefully(self, text: str) -> Any:
        template = self._form.templates[0]
        values = template.read(text)
        if values is None:
            unmarked = without_byte_order_mark(text)
            if unmarked is not None:
                return self.take(unmarked)
            raise self._reply.read_fault(text) or template.explain(text)[1]
        return self._form.join(values)


@define
class _Progress:
    """The frames that were read of a reply, if it has one certain form."""

    form: Sequence
    sent: Mapping[str, Any]
    """The values of the request."""
    frames: int = 0
    values: dict[str, Any] = field(factory=dict)
    items: list[Any] = field(factory=list)
    is_complete: bool = False

    @property
    def expected(self) -> tuple[CompiledTemplate, ...]:
        """The templates that the next frame can have."""
        return self.form.at(self.frames)

    def take(self, text: str, read_fault: Callable[[str], Fault | None]) -> bool:
        """Read the next frame. Return False if it does not fit this form; raise the Fault in it."""
        form = self.form
        if self.frames < len(form.templates):
            template = form.templates[self.frames]
            values = template.read(text)
            if values is None:
                return False
            if self.sent:
                form.check_repeated(template, values, self.sent)
            self.frames += 1
            self.values.update(values)
        elif form.items is not None:
            if form.end is not None and (values := form.end.read(text)) is not None:
                if self.sent:
                    form.check_repeated(form.end, values, self.sent)
                self.values.update(values)
                self.is_complete = True
                return True
            if form.items.is_free and (fault := read_fault(text)):
                raise fault
            item = form.items.read(text)
            if item is MISSING:
                return False
            self.items.append(item)
            if len(self.items) > form.items.at_most:
                raise CodecError(f"there are more than {form.items.at_most} items")
        self._look_for_the_end()
        return True

    def _look_for_the_end(self) -> None:
        form = self.form
        if self.frames < len(form.templates) or form.end is not None:
            return
        if form.items is None:
            self.is_complete = True
            return
        count = self.values[COUNT]
        if not 0 <= count <= form.items.at_most:
            raise CodecError(f"the count is {count}, but it must be 0 to {form.items.at_most}")
        self.is_complete = len(self.items) == count

    def result(self) -> Any:
        values = {name: value for name, value in self.values.items() if name != COUNT}
        if self.form.items is not None:
            values[self.form.items.name] = self.items
        return self.form.join(values)


@define
class _SeveralReader(ReplyReader):
    """Reads a reply of several frames, or of several forms."""

    _reply: Reply
    _possible: list[_Progress]
    """The forms that fit the frames so far."""
    _sent: Mapping[str, Any]
    _has_begun: bool = False

    def take(self, body: Any) -> Any:
        reply = self._reply
        if reply.faults_first and (fault := reply.read_fault(body)):
            raise fault
        if reply.acknowledgement is not None and not self._has_begun:
            values = reply.acknowledgement.read(body)
            if values is None:
                raise reply.read_fault(body) or reply.acknowledgement.explain(body)[1]
            for name in reply.carried_first & self._sent.keys():
                if not reply.acknowledgement.writes_alike(name, values[name], self._sent[name]):
                    raise CodecError(
                        f"is {brief_repr(values[name])}, so this does not acknowledge "
                        f"{brief_repr(self._sent[name])}",
                        name,
                    )
            self._has_begun = True
            return MORE
        fitting = [each for each in self._possible if each.take(body, reply.read_fault)]
        if not fitting:
            expected = [template for each in self._possible for template in each.expected]
            raise reply.read_fault(body) or reply.explain(body, expected)
        self._possible = fitting  # after a frame that fits no form, they are as before: it may be another's
        complete = next((each for each in fitting if each.is_complete), None)
        return MORE if complete is None else complete.result()


class _OneFrameReader(_SeveralReader):
    """Reads a reply of one frame, which has several forms."""

    is_one_frame = True


class _HastyReader(_SeveralReader):
    """Reads a reply with an acknowledgement that must come soon."""

    is_hasty = True

    @property
    def is_acknowledged(self) -> bool:  # type: ignore[override]
        return self._has_begun
