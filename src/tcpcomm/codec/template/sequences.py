"""
The frames of one form of a reply: :class:`Sequence`; and the forms of a type: :func:`compile_forms`.

A sequence is a few frames with a template each, and perhaps a tail: as many frames as a count says, or all
frames up to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from random import Random
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.codec.annotations import bare_type, has_fields, type_text, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.problems import brief_repr, inside, without_b
from tcpcomm.codec.random_values import TRIES, draw_accepted
from tcpcomm.codec.reply_forms import Acknowledged, CountedLines, OneOf, Until
from tcpcomm.codec.template.ambiguity import common_text
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import COUNT, checked_list, compile_template, each_item
from tcpcomm.codec.template.fields.field_types import ValueFields, absent_value, item_of, value_fields
from tcpcomm.codec.template.fields.forms import template_form
from tcpcomm.codec.template.parser import CountPiece, ListPiece, ValuePiece, parse, value_names
from tcpcomm.codec.template.regex_tree import TextPattern
from tcpcomm.codec.value_forms import form_of
from tcpcomm.errors import CodecError, ConfigurationError

NOTHING_CARRIED: Final[Mapping[str, Any]] = MappingProxyType({})
"""The values that a reply carries of a request that is not known."""

_FORMS = (
    "write a template, a tuple of templates, CountedLines(head, each), Until(end, each), OneOf(form, ...), "
    "Acknowledged(first, then), or None"
)


@frozen
class Steps:
    """One form of a reply, as it is declared: the templates of its first frames, and its tail."""

    heads: tuple[str, ...]
    tail: CountedLines | Until | None = None
    id: str | None = None
    """The field that is the id of the request, or None if replies have no ids."""
    parameters: Mapping[str, Field] = field(factory=dict)
    """The parameters of the command, which a reply may repeat."""

    def repeated(self, result: Any) -> set[str]:
        """
        Return the parameters that the form repeats, if it stands for a type.

        A field with the name of a parameter belongs to the result, if the result needs it.
        """
        names = set(self.used)
        repeated = names & self.parameters.keys()
        if not repeated or bare_type(result) is type(None):
            return repeated
        if has_fields(result):
            return repeated - value_fields(result, ()).fields.keys()
        needed = 0 if item_of(result) is not MISSING and self.tail is not None else 1
        return repeated if len(names - repeated) == needed else set()

    @property
    def texts(self) -> tuple[str, ...]:
        """The frames, in order, for people."""
        if self.tail is None:
            return self.heads
        forms = self.tail.each.forms if isinstance(self.tail.each, OneOf) else (self.tail.each,)
        if isinstance(self.tail, CountedLines):
            return (*self.heads, f"{' or '.join(map(str, forms))} ({{#}} times)")
        return (*self.heads, f"{' or '.join(map(str, forms))} (any number of times)", self.tail.end)

    @property
    def name(self) -> str:
        """The form, for error messages."""
        return " ".join(map(repr, self.texts))

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the values in the templates, without the id, and without those of the items."""
        texts = (*self.heads, self.tail.end) if isinstance(self.tail, Until) else self.heads
        return tuple(name for text in texts for name in value_names(parse(text)) if name != self.id)


def steps_of(reply: Any, id: str | None, parameters: Mapping[str, Field]) -> tuple[str | None, list[Steps]]:
    """
    Return the acknowledgement of a declared reply, or None, and its forms.

    Args:
        reply: the reply.
        id: the field that is the id of the request, or None.
        parameters: the parameters of the command.

    Raises:
        ConfigurationError: the reply is not of a known form, or a frame lacks the id.
    """
    acknowledgement = None
    rest = reply
    if isinstance(reply, Acknowledged):
        acknowledgement = reply.acknowledgement
        rest = reply.reply[0] if len(reply.reply) == 1 else reply.reply
        if not isinstance(acknowledgement, str) or not reply.reply:
            raise ConfigurationError(
                "an acknowledged reply needs the first frame, and what follows, as in "
                'Acknowledged("1", "{x}")'
            )
    forms = _forms(rest)
    if not forms or not all(isinstance(text, str) for each in forms for text in each.heads):
        texts: list[Any] = [text for each in forms for text in each.heads]
        for each in texts:
            if isinstance(each, bytes):
                raise ConfigurationError(f"the reply must be text, {without_b(each)}")
        raise ConfigurationError(f"the reply cannot be {reply!r}: {_FORMS}")
    forms = [evolve(each, id=id, parameters=parameters) for each in forms]
    if id is not None:
        for each in forms:
            if each.tail is not None:
                raise ConfigurationError(
                    f"{type(each.tail).__name__} cannot be a reply with an id, because its items have none"
                )
        heads = [text for each in forms for text in each.heads]
        for text in heads if acknowledgement is None else (acknowledgement, *heads):
            check_id("the reply", text, id)
    return acknowledgement, forms


def check_id(what: str, text: str, id: str) -> None:
    """Raise ConfigurationError if a template lacks the field for the id, or may leave it out."""
    if not any(isinstance(piece, ValuePiece) and piece.name == id for piece in parse(text)):
        raise ConfigurationError(
            f"{what} {text!r} needs the field {{{id}}}, because Template(id={id!r}) finds the command of a "
            "reply by it"
        )


def _forms(reply: Any) -> list[Steps]:
    *first, last = reply if isinstance(reply, tuple) and reply else (reply,)
    heads = tuple(first)
    match last:
        case OneOf():
            return [Steps((*heads, *each.heads), each.tail) for form in last.forms for each in _forms(form)]
        case CountedLines():
            return [Steps((*heads, *last.head), last)]
        case Until():
            if not isinstance(last.end, str):
                raise ConfigurationError(f"the end of Until must be a template, not {last.end!r}")
            return [Steps(heads, last)]
    return [Steps((*heads, last))]


@frozen
class Items:
    """The tail of a sequence, compiled: frames that are the items of a list."""

    name: str
    """The field of the result that is the list."""
    forms: tuple[Sequence, ...]
    """The forms of one item. Each has one frame."""
    at_most: int
    end: CompiledTemplate | None
    """The template of the frame behind the items; None if a count says how many there are."""
    is_free: bool
    """True if an item is every frame that is nothing else."""

    def write(self, items: list[Any]) -> list[str]:
        if len(items) > self.at_most:
            raise CodecError(f"has {len(items)} items, but only {self.at_most} are allowed")
        return each_item(self._write_item, items)

    def _write_item(self, item: Any) -> str:
        (text,) = write_one(self.forms, item)
        if self.end is not None and self.is_free and self.end.matches(text):
            raise CodecError(f"{text!r} would be read as the end of the reply")
        return text

    def read(self, text: str) -> Any:
        """Return the item in a frame, or MISSING if the frame is not an item."""
        for form in self.forms:
            values = form.templates[0].read(text)
            if values is not None:
                return form.join(values)
        return MISSING

    def draw(self, random: Random) -> list[Any]:
        def draw_item() -> Any:
            return draw_one(self.forms, random, name)

        name = f"an item of {self.name}"
        return [draw_accepted(draw_item, self._sendable, name) for _ in range(random.randint(0, 3))]

    def _sendable(self, item: Any) -> Any:
        """Return an item that can be sent. Raises CodecError."""
        self._write_item(item)
        return item


class Sequence:
    """
    One form of a reply, compiled.

    Args:
        steps: the form.
        result: the type that it stands for.
        may_lack: True if attributes with a default may be in no template.

    Raises:
        ConfigurationError: a template cannot be compiled, or does not fit the type.
    """

    def __init__(self, steps: Steps, result: Any, *, may_lack: bool = False) -> None:
        self.steps = steps
        self._result = result
        repeated = steps.repeated(result)
        self.carried = {name: steps.parameters[name] for name in sorted(repeated)}
        """The fields that are not of the result: those of the request, and its id."""
        self.repeats = bool(repeated)
        """True if it has parameters of the request."""
        used = tuple(name for name in steps.used if name not in repeated)
        if used and bare_type(result) is type(None):
            raise ConfigurationError(
                f"the reply has the field {{{used[0]}}}, but the command returns None: "
                "annotate its result, as in -> float"
            )
        tail = steps.tail
        self.items = None if tail is None else _items(steps, tail, result)
        if self.items is not None and item_of(result) is not MISSING:
            used = (self.items.name,)
        self.fields: ValueFields = value_fields(result, used)
        fields = dict(self.fields.fields)
        if steps.id is not None:
            if steps.id in fields:
                raise ConfigurationError(
                    f"the result has the field {{{steps.id}}}, which is the id: give one another name"
                )
            self.carried[steps.id] = Field(steps.id, int)
        fields |= self.carried
        if self.items is not None:
            del fields[self.items.name]
            if self.items.end is None:
                fields[COUNT] = Field(COUNT, int)
        self._compiled_fields = fields
        self.templates = tuple(compile_template(text, fields) for text in steps.heads)
        """The templates of the frames before the tail."""
        self.end = None if self.items is None else self.items.end
        ends = () if self.end is None else (self.end,)
        framed = (*self.templates, *ends)
        used = tuple(name for each in framed for name in each.names if name not in self.carried)
        self._samples: dict[str, Any] = {}
        """Values of the carried fields, for a request that does not tell them."""
        for each in framed if self.carried else ():
            drawn = each.draw(Random(0))
            self._samples |= {name: drawn[name] for name in self.carried if name in drawn}
        if self.items is not None:
            used += (self.items.name,)
            self._check_items(self.items)
        self.lacking: dict[str, Callable[[], Any]] = {}
        """The attributes that no template has, with a function for the default of each."""
        if may_lack:
            self.lacking = {
                name: absent_value(each)
                for name, each in self.fields.fields.items()
                if name not in used and each.default is not MISSING
            }
        self.fields.check_used((*used, *self.lacking))

    def _check_items(self, items: Items) -> None:
        """Refuse an item that can be the end, unless it is read as one only if it is not the end."""
        if self.end is None or items.is_free:
            return
        for form in items.forms:
            form.give_way((self.end,))
            text = common_text(form.templates[0].pattern, self.end.pattern)
            if text is not None:
                raise ConfigurationError(
                    f"the end {self.end.text!r} and the item {form.templates[0].text!r} can both be the "
                    f"frame {text!r}: put a literal text in front of one of them that the other cannot "
                    "begin with"
                )

    def give_way(self, others: Iterable[CompiledTemplate], index: int | None = None) -> None:
        """Let frames win over frames of this form, or over the one with an index. See ``beside``."""
        self.templates = tuple(
            each.beside(others) if index in (None, at) else each for at, each in enumerate(self.templates)
        )
        if index is None and self.items is not None and self.end is not None:
            for each in self.items.forms:
                each.give_way(others)

    @property
    def is_single(self) -> bool:
        """True if it is one frame."""
        return self.items is None and len(self.templates) == 1

    @property
    def item_templates(self) -> tuple[CompiledTemplate, ...]:
        return () if self.items is None else tuple(each.templates[0] for each in self.items.forms)

    @property
    def all_templates(self) -> tuple[CompiledTemplate, ...]:
        """The templates of all its frames."""
        return (*self.templates, *self.item_templates, *(() if self.end is None else (self.end,)))

    def at(self, index: int) -> tuple[CompiledTemplate, ...]:
        """Return the templates that a frame can have; none behind its last frame."""
        return self.all_templates[index : index + 1] if index < len(self.templates) else self._behind

    @property
    def layout(self) -> dict[str, Any]:
        """The form as plain data, with the type that it stands for."""
        items = None
        if self.items is not None:
            items = {
                "of": None if item_of(self._result) is not MISSING else self.items.name,
                "forms": [each.layout for each in self.items.forms],
                "end": None if self.end is None else self._form(self.end.text),
                "at_most": self.items.at_most,
            }
        frames = [self._form(each) for each in self.steps.heads]
        for form, template in zip(frames, self.templates, strict=True):
            if template.special:
                form["except"] = sorted(template.special)
        return {"stands_for": form_of(self._result), "frames": frames, "items": items}

    def _form(self, text: str) -> dict[str, Any]:
        return template_form(text, self._compiled_fields, of_request=self.carried, id=self.steps.id)

    @property
    def _behind(self) -> tuple[CompiledTemplate, ...]:
        return self.all_templates[len(self.templates) :]

    def write(self, result: Any, carried: Mapping[str, Any] = NOTHING_CARRIED) -> list[str]:
        """
        Return the texts of all frames for a result.

        Args:
            result: the result.
            carried: the values of the request, and its id.

        Raises:
            CodecError: the result does not fit.
        """
        values = self.fields.split(result)
        if self.carried:
            told = {name: carried[name] for name in self.carried if name in carried}
            values = {**values, **self._samples, **told}
        for name, default in self.lacking.items():
            if values[name] != default():
                raise CodecError(f"{self.steps.name} cannot carry it", name)
        if self.items is None:
            return [each.write(values) for each in self.templates]
        try:
            items = checked_list(values[self.items.name])
            texts = self.items.write(items)
        except CodecError as error:
            raise inside(self.items.name, error) from None
        if self.end is not None:
            texts.append(self.end.write(values))
        return [*(each.write({**values, COUNT: len(items)}) for each in self.templates), *texts]

    def join(self, values: Mapping[str, Any]) -> Any:
        """Return the result of the values in the frames."""
        if self.carried:
            values = {name: value for name, value in values.items() if name not in self.carried}
        if self.lacking:
            values = {**values, **{name: default() for name, default in self.lacking.items()}}
        return self.fields.join(values)

    def check_repeated(
        self, template: CompiledTemplate, values: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> None:
        """
        Raise CodecError if a frame repeats other parameters than those that were sent.

        Args:
            template: the template of the frame.
            values: the values in the frame.
            sent: the values of the request.
        """
        for name, value in values.items():
            is_repeated = name in self.steps.parameters and name in self.carried and name in sent
            if is_repeated and not template.writes_alike(name, value, sent[name]):
                raise CodecError(
                    f"is {brief_repr(value)}, so this is not the reply to {brief_repr(sent[name])}", name
                )

    def draw(self, random: Random, name: str) -> Any:
        """Draw a result that can be sent without change."""

        def draw_fields() -> dict[str, Any]:
            values: dict[str, Any] = {}
            for each in (*self.templates, *(() if self.end is None else (self.end,))):
                values.update(each.draw(random))
            if self.items is not None:
                values[self.items.name] = self.items.draw(random)
            return values

        def sendable(values: dict[str, Any]) -> Any:
            result = self.join(values)
            if any(each.special for each in self.templates):
                self.write(result)
            return result

        return draw_accepted(draw_fields, sendable, name)


def _items(steps: Steps, tail: CountedLines | Until, result: Any) -> Items:
    if isinstance(tail, CountedLines):
        pieces = [each for text in steps.heads for each in parse(text)]
        counts = [each for each in pieces if isinstance(each, CountPiece) and not each.in_bytes]
        if len(counts) != 1 or counts[0].name:
            raise ConfigurationError(
                "the head of a counted reply must have the field {#} once: the number of frames that follow"
            )
    if tail.at_most < 1:
        raise ConfigurationError(f"at_most={tail.at_most} must be at least 1")
    item_type = item_of(result)
    name = "items"
    if item_type is MISSING:
        fields = value_fields(result, ("items",)).fields
        lists = [each for each in fields.values() if item_of(each.type) is not MISSING]
        if len(lists) != 1:
            kind = "counted reply" if isinstance(tail, CountedLines) else "reply with an end"
            raise ConfigurationError(
                f"a {kind} needs a list, or a class with one list, not {type_text(result)}"
            )
        name, item_type = lists[0].name, item_of(lists[0].type)
    texts = tail.each.forms if isinstance(tail.each, OneOf) else (tail.each,)
    if not texts or not all(isinstance(each, str) for each in texts):
        raise ConfigurationError(f"each item must be a template, or OneOf templates, not {tail.each!r}")
    forms = compile_forms([Steps((each,)) for each in texts], item_type)
    refuse_common_forms(forms)
    end = None
    if isinstance(tail, Until):
        repeated = {each: steps.parameters[each] for each in sorted(steps.repeated(result))}
        end = compile_template(tail.end, {**_any_fields(result, name), **repeated})
    is_free = end is not None and len(forms) == 1 and _is_free(forms[0].templates[0])
    return Items(name, tuple(forms), tail.at_most, end, is_free)


def _any_fields(result: Any, items: str) -> dict[str, Field]:
    """Return the fields that the end of a reply can have."""
    if item_of(result) is not MISSING:
        return {}
    return {name: each for name, each in value_fields(result, (items,)).fields.items() if name != items}


def _is_free(template: CompiledTemplate) -> bool:
    """Return True for a template of one text field and nothing else, such as ``{line}``."""
    return parse(template.text) == (ValuePiece(template.names[0]),) if template.names else False


def compile_forms(steps: list[Steps], result: Any) -> list[Sequence]:
    """
    Compile the forms of a type. If it is a union, each form stands for one of its members.

    Raises:
        ConfigurationError: a form cannot be compiled, or nobody can tell which member it stands for.
    """
    if len(steps) == 1:
        return [Sequence(steps[0], result)]
    members = union_members(result)
    if not members:
        return [Sequence(each, result, may_lack=True) for each in steps]
    plain = [evolve(each, parameters={}) for each in steps]
    try:
        return _forms_of_union(plain, steps, members, result)
    except ConfigurationError:
        if plain == steps:
            raise
        try:
            return _forms_of_union(steps, plain, members, result)
        except ConfigurationError:
            pass
        raise


def _forms_of_union(
    rather: list[Steps], otherwise: list[Steps], members: tuple[Any, ...], result: Any
) -> list[Sequence]:
    """Compile the forms of a union. A form that fits no member in one way is tried in the other way."""
    steps: list[Steps] = []
    candidates: list[tuple[int, ...]] = []
    for one, other in zip(rather, otherwise, strict=True):
        fitting = _fitting(one, members)
        steps.append(one if fitting else other)
        candidates.append(fitting or _fitting(other, members))
    if () in candidates:
        raise ConfigurationError(
            f"the form {steps[candidates.index(())].name} of the reply fits no member of "
            f"{type_text(result)}: a form must have the fields of one, and no others"
        )
    found: list[Sequence] = []
    for form, fitting in zip(steps, candidates, strict=True):
        alike = candidates.count(fitting)
        if len(fitting) > 1 and alike != len(fitting):
            names = ", ".join(type_text(members[each]) for each in fitting)
            raise ConfigurationError(
                f"the form {form.name} of the reply can stand for {names}: give one form for each of them, "
                "in this order"
            )
        turn = sum(candidates[index] == fitting for index in range(len(found)))
        found.append(Sequence(form, members[fitting[turn % len(fitting)]], may_lack=True))
    used = {each for fitting in candidates for each in fitting}
    for index, each in enumerate(members):
        if index not in used:
            raise ConfigurationError(f"the reply has no form for {type_text(each)}: add one to OneOf")
    return found


def _fitting(steps: Steps, members: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the positions of the members that a form fits, if it repeats as many parameters as it can."""
    repeated = {at: len(steps.repeated(each)) for at, each in enumerate(members) if _fits(steps, each)}
    return tuple(at for at, count in repeated.items() if count == max(repeated.values()))


def _fits(steps: Steps, member: Any) -> bool:
    """Return True if a form has the fields of a type."""
    own = tuple(name for name in steps.used if name not in steps.repeated(member))
    if bare_type(member) is type(None):
        return not own and steps.tail is None
    is_list = item_of(member) is not MISSING
    if is_list and steps.tail is not None:
        return not own
    pieces = [piece for text in steps.heads for piece in parse(text)]
    if is_list and not any(isinstance(piece, ListPiece) for piece in pieces):
        return False
    try:
        fields = value_fields(member, own).fields
    except ConfigurationError:
        return False
    lists = [name for name, each in fields.items() if item_of(each.type) is not MISSING]
    used = {*own, *lists} if steps.tail is not None else {*own}
    needed = {name for name, each in fields.items() if each.default is MISSING}
    return needed <= used <= fields.keys()


def refuse_common_forms(forms: Iterable[Sequence]) -> None:
    """Raise ConfigurationError if some frames can be two forms of one reply."""
    for one, other in combinations(forms, 2):
        index = 0
        while index < len(one.templates) and _patterns(one, index) == _patterns(other, index):
            index += 1
        if index and not (one.at(index) and other.at(index)):
            raise ConfigurationError(
                f"the forms {one.steps.name} and {other.steps.name} of the reply begin alike, and nobody "
                "knows if another frame follows"
            )
        heads = [form.templates[index : index + 1] for form in (one, other)]
        one.give_way(heads[1], index)
        other.give_way(heads[0], index)
        for first in one.at(index):
            for second in other.at(index):
                text = common_text(first.pattern, second.pattern)
                if text is not None:
                    raise ConfigurationError(
                        f"the forms {first.text!r} and {second.text!r} of the reply can both be the frame "
                        f"{text!r}; put a literal text in front of one of them that the other cannot begin "
                        "with"
                    )


def _patterns(form: Sequence, index: int) -> list[TextPattern]:
    return [each.pattern for each in form.at(index)]


def write_one(
    forms: tuple[Sequence, ...] | list[Sequence],
    value: Any,
    carried: Mapping[str, Any] = NOTHING_CARRIED,
) -> list[str]:
    """Return the texts of a value in the first form that can carry it; raise CodecError if none can."""
    problem: CodecError | None = None
    for form in forms:
        try:
            return form.write(value, carried)
        except CodecError as error:
            # The error of the form for the value's own type tells more than those of other types.
            if problem is None or (error.path and not problem.path):
                problem = error
    assert problem is not None
    raise problem


def draw_one(forms: tuple[Sequence, ...] | list[Sequence], random: Random, name: str) -> Any:
    """Draw a value of one of the forms. It can be sent without change."""
    if len(forms) == 1:
        return forms[0].draw(random, name)
    for _ in range(TRIES):
        form = random.choice(forms)
        value = form.draw(random, name)
        texts = form.write(value)
        if write_one(forms, value) == texts:  # not in another form, which may round it
            return value
    return forms[0].draw(random, name)
