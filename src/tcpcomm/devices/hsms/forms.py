"""
The forms of parameters and results in SECS-II messages: :func:`form_of`, from an annotation.

``Value`` and ``Any`` take every item. ``list[int]`` is a list of numbers of any size, and an attrs class is
a list of its fields. ``U2`` writes a number in 2 bytes, and reads numbers of every size. ``Code`` is a code
in one byte, such as COMMACK.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

from attrs import frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, metadata_of, union_members
from tcpcomm.codec.problems import inside, wrong
from tcpcomm.devices.hsms.values import C2, F4, F8, I1, I2, I4, I8, U1, U2, U4, U8, J, draw
from tcpcomm.errors import CodecError, ConfigurationError


class InOneByte:
    """Mark a whole number that is an item ``B`` of one byte."""


Code: TypeAlias = Annotated[int, InOneByte()]
"""A code in one byte: an item ``B``. A ``U1`` is read, too, because some equipment sends that."""


@frozen
class SecsForm:
    """
    The form of one item.

    Attributes:
        write: returns the value of the item for a Python value. Raises CodecError if it does not fit.
        read: returns the Python value for the value of an item. Raises CodecError.
        draw: draws a Python value.
        text: the form as text.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    draw: Callable[[Random], Any]
    text: str


def form_of(annotation: Any) -> SecsForm:
    """
    Return the form of an annotation.

    Raises:
        ConfigurationError: SECS-II has no such item.
    """
    if any(isinstance(each, InOneByte) for each in metadata_of(annotation)):
        return SecsForm(_write_code, _read_code, lambda random: random.randrange(256), "B[1]")
    kind = bare_type(annotation)
    if kind is Any:
        return _ANY
    if kind in _LEAVES:
        return _LEAVES[kind]
    if members := union_members(kind):
        return _union([form_of(each) for each in members])
    if kind is list or get_origin(kind) is list:
        return _list(form_of(*get_args(kind)) if get_args(kind) else _ANY)
    if has_fields(kind):
        return _record(kind)
    raise ConfigurationError(
        f"SECS-II has no item for {annotation!r}: use Value, list, str, bytes, bool, int, float, U2, Code, "
        "or an attrs class"
    )


def list_of(names: list[str], forms: list[SecsForm]) -> SecsForm:
    """Return the form of a list with a value for each name, as a dictionary."""

    def each_of(values: list[Any], turn: Callable[[SecsForm, Any], Any]) -> list[Any]:
        parts = zip(names, forms, values, strict=True)
        return [_at(name, turn, form, value) for name, form, value in parts]

    def write(values: Any) -> list[Any]:
        return each_of([values[name] for name in names], lambda form, value: form.write(value))

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not list or len(value) != len(names):
            raise wrong(f"a list of {', '.join(names)}", value)
        return dict(zip(names, each_of(value, lambda form, each: form.read(each)), strict=True))

    def draw_all(random: Random) -> dict[str, Any]:
        return {name: form.draw(random) for name, form in zip(names, forms, strict=True)}

    text = " ".join(f"{name}:{form.text}" for name, form in zip(names, forms, strict=True))
    return SecsForm(write, read, draw_all, f"L({text})")


def _at(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except CodecError as problem:
        raise inside(name, problem) from None


def _record(kind: Any) -> SecsForm:
    fields = fields_of(kind)
    names = [each.name for each in fields]
    form = list_of(names, [form_of(each.type) for each in fields])

    def write(value: Any) -> Any:
        if not isinstance(value, kind):
            raise wrong(f"a {kind.__name__}", value)
        return form.write({name: getattr(value, name) for name in names})

    return SecsForm(
        write, lambda value: kind(**form.read(value)), lambda random: kind(**form.draw(random)), form.text
    )


def _list(item: SecsForm) -> SecsForm:
    def write(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong("a list", value)
        return [_at(f"[{index}]", item.write, each) for index, each in enumerate(value)]

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise wrong("a list", value)
        return [_at(f"[{index}]", item.read, each) for index, each in enumerate(value)]

    def drawn(random: Random) -> list[Any]:
        return [item.draw(random) for _ in range(random.randint(0, 3))]

    return SecsForm(write, read, drawn, f"L[{item.text}]")


def _union(members: list[SecsForm]) -> SecsForm:
    def one_of(turn: Callable[[SecsForm], Any]) -> Any:
        problems = []
        for member in members:
            try:
                return turn(member)
            except CodecError as problem:
                problems.append(str(problem))
        raise CodecError(", or ".join(problems))

    return SecsForm(
        lambda value: one_of(lambda member: member.write(value)),
        lambda value: one_of(lambda member: member.read(value)),
        lambda random: random.choice(members).draw(random),
        " | ".join(each.text for each in members),
    )


def _write_code(value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255:
        raise wrong("a code from 0 to 255", value)
    return bytes([value])


def _read_code(value: Any) -> int:
    if isinstance(value, bytes) and len(value) == 1:
        return value[0]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return int(value)
    raise wrong("a code in one byte", value)


def _leaf(kind: Any, words: str, drawn: Callable[[Random], Any], text: str) -> SecsForm:
    def take(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise wrong(words, value)
        return value

    return SecsForm(take, take, drawn, text)


def _number(kind: Any) -> SecsForm:
    plain = float if issubclass(kind, float) else int
    is_plain = kind in (U4, F8)

    def write(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, plain):
            raise wrong(f"a number for {kind.__name__}", value)
        return kind(value)

    def read(value: Any) -> Any:
        return plain(write(value)) if is_plain else write(value)

    def drawn(random: Random) -> Any:
        if plain is float:
            return read(random.uniform(-1e6, 1e6))
        return read(random.randint(kind.least, kind.most))

    return SecsForm(write, read, drawn, kind.__name__)


def _text(random: Random) -> str:
    return "".join(random.choices("ABCdef 019-", k=random.randint(0, 12)))


_ANY: Final = SecsForm(lambda value: value, lambda value: value, draw, "item")

_LEAVES: Final[dict[Any, SecsForm]] = {
    bool: _leaf(bool, "True or False", lambda random: random.random() < 0.5, "BOOLEAN"),
    int: _leaf(int, "a whole number", lambda random: random.randrange(2**32), "integer"),
    float: _leaf(float, "a floating-point number", lambda random: random.uniform(-1e6, 1e6), "float"),
    str: _leaf(str, "text", _text, "A"),
    bytes: _leaf(bytes, "bytes", lambda random: random.randbytes(random.randint(0, 8)), "B"),
    J: _leaf(J, "text in JIS-8", lambda random: J(_text(random)), "J"),
    C2: _leaf(C2, "text of 2-byte characters", lambda random: C2(b"\0\1" + random.randbytes(4)), "C2"),
    **{kind: _number(kind) for kind in (U1, U2, U4, U8, I1, I2, I4, I8, F4, F8)},
}
