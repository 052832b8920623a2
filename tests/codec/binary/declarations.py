"""Declarations of Binary that hypothesis draws, with every kind of layout in every place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum, IntEnum, IntFlag
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

import attrs
from attrs import frozen
from hypothesis import strategies as st

from tcpcomm.codec import Binary, Dialect, Field, MessageSpec
from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.binary.header import ID, OPCODE, STATUS, Length
from tcpcomm.codec.binary.types import (
    F32,
    F64,
    I32,
    U8,
    U16,
    U32,
    After,
    Aligned,
    Before,
    Bits,
    Counted,
    CountedBy,
    Derived,
    Encoded,
    EndedBy,
    Fixed,
    Float,
    HighestFirst,
    Int,
    Rest,
    Skip,
    Tagged,
    TaggedBy,
)
from tcpcomm.errors import Fault
from tests.codec.binary.foreign import ForeignBinary, plain
from tests.codec.binary.secs import Item
from tests.codec.binary.test_trees import Node
from tests.codec.cases import Case
from tests.codec.drawn import Drawn, Rebuilt

__all__ = ["DRAWN", "any_annotations"]


class Colour(Enum):
    RED = 1
    BLUE = 200


class Speed(IntEnum):
    SLOW = 0
    FAST = 1


class Door(IntFlag):
    LEFT = 1
    RIGHT = 4


@frozen
class Flags:
    ready: bool
    mode: Annotated[int, Bits(4)]
    speed: Annotated[Speed, Bits(2)]
    error: Annotated[bool, Bits(1)]


@frozen
class Wide:
    low: Annotated[int, Bits(11)]
    door: Annotated[Door, Bits(3)]


COUNTS: Final = (U8, U16, Annotated[int, Int(3)], Annotated[int, Int(2, order="little")], U32)
BIT_ITEMS: Final = (
    Annotated[bool, Bits(1)],
    Annotated[bool, Bits(4)],
    Annotated[int, Bits(3)],
    Annotated[int, Bits(4)],
    Annotated[int, Bits(12)],
    Annotated[Speed, Bits(2)],
)
counts = st.sampled_from(COUNTS)
silent = st.one_of(st.binary(min_size=1, max_size=2), st.integers(1, 3))
orders: st.SearchStrategy[Any] = st.sampled_from([None, "big", "little", "hex"])

numbers: st.SearchStrategy[Any] = st.one_of(
    st.builds(lambda *given: Annotated[int, Int(*given)], st.integers(1, 8), st.booleans(), orders),
    st.builds(lambda *given: Annotated[float, Float(*given)], st.sampled_from([4, 8]), orders),
    st.sampled_from(
        [
            bool,
            Annotated[bool, U16],
            Annotated[Colour, U8],
            Annotated[Colour, Int(2, order="little")],
            Annotated[Door, U16],
            Annotated[Literal[3, 7], U8],
            Annotated[Flags, U8],
            Annotated[Flags, U16, HighestFirst()],
            Annotated[Wide, U16],
            Annotated[Wide, Int(3, order="little"), HighestFirst()],
        ]
    ),
)


def list_of(item: Any) -> Any:
    """Return the annotation of a list."""
    kind: Any = list
    return kind[item]


def marked(kind: Any, *marks: Any) -> Any:
    """Return an annotation with these marks."""
    return Annotated[(kind, *marks)] if marks else kind


@st.composite
def texts(draw: st.DrawFn, *, open: bool) -> Any:
    """Draw an annotation of text or bytes, with one of all kinds of sizes."""
    is_text = draw(st.booleans())
    encoding = draw(st.sampled_from([None, "ascii", "utf-8", "cp949", "utf-16-le"])) if is_text else None
    marks: list[Any] = [] if encoding is None else [Encoded(encoding)]
    wide = 2 if encoding == "utf-16-le" else 1
    size = 2 * draw(st.integers(1, 6))
    pad = draw(st.sampled_from(["\0", " "])) if is_text else "\0"
    choices = [
        Fixed(size, pad),
        Fixed(size, pad, count=draw(counts)),
        Counted(draw(counts), adjust=draw(st.integers(0, 3))),
        Counted(U16, step=wide),
        EndedBy(b"\0" * wide),
        *([Rest()] if open else []),
    ]
    chosen = draw(st.sampled_from(choices))
    if isinstance(chosen, Counted | EndedBy) and draw(st.booleans()):
        marks.append(Aligned(draw(st.integers(2, 5))))
    return marked(str if is_text else bytes, chosen, *marks)


@st.composite
def lists(draw: st.DrawFn, *, depth: int, open: bool) -> Any:
    """Draw an annotation of a list."""
    if draw(st.integers(0, 3)) == 0:
        item = draw(st.sampled_from(BIT_ITEMS))
        marks = [HighestFirst()] if draw(st.booleans()) else []
    else:
        item, marks = draw(any_annotations(depth=depth - 1)), []
    choices: list[tuple[Any, ...]] = [
        (Fixed(draw(st.integers(1, 3))),),
        (Counted(draw(counts)),),
        (Counted(draw(counts), adjust=1), Counted(draw(counts), in_bytes=True)),
        (Counted(U16, in_bytes=True), Counted(draw(counts))),
        (Fixed(2), Counted(draw(counts), in_bytes=True)),
        (Counted(draw(counts)), Aligned(draw(st.integers(2, 5)))),
        (Counted(U16, in_bytes=True),),
    ]
    if open:
        choices.append((Rest(),))
    kind: Any = list_of(item)
    return marked(kind, *draw(st.sampled_from(choices)), *marks)


@st.composite
def unions(draw: st.DrawFn, *, depth: int, open: bool) -> Any:
    """Draw an annotation of a union with a tag before it."""
    kinds = draw(
        st.lists(st.sampled_from(["int", "float", "str", "None", "A", "B"]), min_size=1, unique=True)
    )
    alternatives = {kind: draw(alternative(kind, depth=depth, open=open)) for kind in kinds}
    tag = draw(st.sampled_from([U8, U16, Annotated[bytes, Fixed(2)], Annotated[Colour, U8]]))
    if tag is Annotated[Colour, U8]:
        kinds = kinds[:2]
    tags = [member(tag, number) for number in draw(st.permutations(range(1, 7)))]
    if tag == Annotated[Colour, U8]:
        tags = [Colour.RED, Colour.BLUE]
    found = {each: alternatives[kind] for each, kind in zip(tags, kinds, strict=False)}
    members = [alternatives[kind] for kind in kinds[: len(found)]]
    return Annotated[union_of(members), Tagged(tag, found)]


def member(tag: Any, number: int) -> Any:
    """Return a value of the type of a tag."""
    return bytes((64 + number, 0)) if tag == Annotated[bytes, Fixed(2)] else number


def union_of(members: list[Any]) -> Any:
    """Return the union of these types."""
    kinds = [bare_type(each) for each in members]
    return reduce(or_, kinds)


@st.composite
def alternative(draw: st.DrawFn, kind: str, *, depth: int, open: bool) -> Any:
    """Draw an annotation whose values have this type in Python."""
    match kind:
        case "int":
            return draw(st.sampled_from([U8, I32, U32]))
        case "float":
            return draw(st.sampled_from([F32, F64]))
        case "str":
            return Annotated[str, Counted(draw(counts))]
        case "None":
            return None
    return draw(classes(depth=depth - 1, open=open))


@st.composite
def records(draw: st.DrawFn, *, depth: int, open: bool, least: int = 0) -> list[Field]:
    """Draw fields side by side, some of which tell the lengths and types of others."""
    fields: list[Field] = []
    for index in range(draw(st.integers(least, 3))):
        kind = draw(st.integers(0, 7))
        name = f"f{index}"
        if kind == 0:
            fields += draw(counted_lists(name))
        elif kind == 1:
            fields += draw(chosen_values(name, depth=depth))
        else:
            fields.append(Field(name, draw(any_annotations(depth=depth - 1))))
    if open and draw(st.booleans()):
        last = draw(
            st.one_of(
                texts(open=True), lists(depth=depth - 1, open=True), numbers.map(lambda each: each | None)
            )
        )
        fields.append(Field("last", last))
    return fields


@st.composite
def counted_lists(draw: st.DrawFn, name: str) -> list[Field]:
    """Draw fields with a number that tells the length of one or two later ones."""
    several = [name, *([f"{name}b"] if draw(st.booleans()) else [])]
    count, items = f"{name}n", draw(st.sampled_from([U16, F32, Annotated[bool, U8]]))
    kind: Any = list_of(items)
    adjust = draw(st.integers(0, 2))
    mark = CountedBy(count, adjust=adjust)
    if draw(st.booleans()):
        fields = [Field(f"{name}x", Annotated[U8, Before(Derived(count, draw(counts)))])]
    else:
        fields = [Field(count, draw(counts))]
    return [*fields, *(Field(each, Annotated[kind, mark]) for each in several)]


@st.composite
def chosen_values(draw: st.DrawFn, name: str, *, depth: int) -> list[Field]:
    """Draw fields with a number that tells the type of a later one, or whether it is there."""
    tag = f"{name}t"
    is_derived = draw(st.booleans())
    kinds = ["int", "str", "None"] if is_derived else ["int", "int", "str", "None", "A"]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3, unique=is_derived))
    several = [draw(alternative(kind, depth=depth, open=False)) for kind in chosen]
    mask = draw(st.sampled_from([None, 0x0F]))
    mark = TaggedBy(tag, dict(enumerate(several)), mask=mask)
    field = Field(name, Annotated[union_of(several), mark])
    if is_derived:
        return [Field(f"{name}x", Annotated[U8, Before(Derived(tag, U8))]), field]
    return [Field(tag, draw(st.sampled_from([U8, U16]))), field]


_made: Final[dict[str, int]] = {}


@st.composite
def classes(draw: st.DrawFn, *, depth: int, open: bool) -> Any:
    """Draw an attrs class."""
    fields = draw(records(depth=depth, open=open, least=1))
    _made["classes"] = _made.get("classes", 0) + 1
    name = f"C{_made['classes']}"
    return attrs.make_class(name, {each.name: attrs.field(type=each.type) for each in fields}, frozen=True)


@st.composite
def any_annotations(draw: st.DrawFn, *, depth: int, open: bool = False) -> Any:
    """Draw an annotation of any kind. If it is ``open``, it may take the rest of the frame."""
    kinds: list[Any] = [numbers, texts(open=open)]
    if depth > 0:
        kinds += [
            lists(depth=depth, open=open),
            unions(depth=depth, open=open),
            classes(depth=depth, open=open),
            areas(depth=depth),
            st.sampled_from([Node, Item]),
        ]
    found = draw(st.one_of(kinds))
    if draw(st.integers(0, 5)) == 0:
        found = Annotated[found, Before(draw(silent))]
    if not open and draw(st.integers(0, 5)) == 0:
        found = Annotated[found, After(draw(silent))]
    return found


@st.composite
def areas(draw: st.DrawFn, *, depth: int) -> Any:
    """Draw an annotation of a class or a union with its size before it."""
    inner = draw(st.one_of(classes(depth=depth - 1, open=True), unions(depth=depth - 1, open=True)))
    aligned = [Aligned(4)] if draw(st.booleans()) else []
    return marked(inner, Counted(draw(counts), adjust=draw(st.integers(0, 2))), *aligned)


@st.composite
def results_of_requests(draw: st.DrawFn) -> Any:
    """Draw the annotation of a result whose size or type is a parameter of its command."""
    items = list_of(draw(st.sampled_from([U16, F32, BIT_ITEMS[0], Annotated[str, Counted(U8)]])))
    size = CountedBy("size", adjust=draw(st.integers(-1, 0)))
    marks = [Counted(U16, in_bytes=True)] if draw(st.booleans()) else []
    counted = marked(items, size, *marks)
    chosen = Annotated[
        int | str | None,
        TaggedBy("kind", {0: None, 1: U16}, other=Annotated[str, Counted(U8)]),
    ]
    fields = [Field("a", U8), Field("b", counted), Field("c", chosen)]
    cls = attrs.make_class(
        "Result", {each.name: attrs.field(type=each.type) for each in fields}, frozen=True
    )
    return draw(st.sampled_from([counted, chosen, cls]))


HEADS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"id": U16},
    {"id": U16, "head": (ID, b"\0\0", Length(U16), b"\x11", OPCODE)},
    {"status": U16, "head": (Skip(1), OPCODE, Length(U32, adjust=4), STATUS)},
    {"opcode": U16, "reply_bit": 0x100},
)


@st.composite
def declarations(draw: st.DrawFn) -> Case:
    """Draw a codec, a command and an event."""
    codec = Binary(byte_order=draw(st.sampled_from(["big", "little"])), **draw(st.sampled_from(HEADS)))
    parameters = [*draw(records(depth=2, open=False)), Field("size", U8), Field("kind", U8)]
    result = draw(st.one_of(st.none(), any_annotations(depth=2, open=True), results_of_requests()))
    if draw(st.booleans()):
        parameters = draw(records(depth=2, open=True))
        result = draw(st.one_of(st.none(), any_annotations(depth=2, open=True)))
    event = tuple(draw(records(depth=1, open=True)))
    specs = (
        MessageSpec("ask", "Device.ask", 0x10, parameters=tuple(parameters), result=result),
        MessageSpec("tell", "Device.tell", 0x11, parameters=event, is_event=True),
    )
    return Case("drawn", codec, specs, (Fault(3),))


MARKS: Final = (
    Fixed(4),
    Fixed(4, " "),
    Fixed(3, count=U8),
    Counted(U8),
    Counted(U8, in_bytes=True),
    Counted(U8, step=2),
    Counted(U8, adjust=-1),
    CountedBy("n"),
    CountedBy("n", in_bytes=True),
    CountedBy("d"),
    EndedBy(b"\0"),
    EndedBy(b"ab"),
    Rest(),
    Aligned(2),
    Encoded("cp949"),
    Encoded("utf-16-le"),
    HighestFirst(),
    Bits(3),
    Int(2),
    Float(4),
    Tagged(U8, {1: U8, 2: None}),
    TaggedBy("n", {1: U8, 2: None}),
    TaggedBy("d", {1: U8, 2: None}),
    Before(Derived("d", U8)),
    After(Derived("d", U8)),
    Before(b"ab"),
    After(2),
)
KINDS: Final[tuple[Any, ...]] = (
    int,
    bool,
    float,
    str,
    bytes,
    None,
    U8,
    int | None,
    list[U8],
    list[Annotated[str, Counted(U8)]],
    list[Annotated[bool, Bits(1)]],
    list[Annotated[int, Bits(3)]],
    list[Annotated[int | None, Tagged(U8, {1: U8, 2: None})]],
    list[Flags],
    Flags,
    Node,
    Item,
)


@st.composite
def wild(draw: st.DrawFn) -> Case:
    """Draw a command whose parameters have any marks."""
    marks = st.lists(st.sampled_from(MARKS), max_size=3)
    values = [marked(draw(st.sampled_from(KINDS)), *draw(marks)) for _ in range(draw(st.integers(1, 2)))]
    fields = [Field("n", U8), *(Field(f"v{index}", each) for index, each in enumerate(values))]
    result = draw(st.sampled_from([None, U8, values[0]]))
    spec = MessageSpec("ask", "Device.ask", 0x10, parameters=tuple(fields), result=result)
    return Case("wild", Binary(), (spec,), (Fault(3),))


class RebuiltBinary(Rebuilt):
    """Messages by the data of ``tcpcomm describe``."""

    def __init__(self, dialect: Dialect, spec: MessageSpec) -> None:
        layout = json.loads(json.dumps(dialect.layout(spec.name)))
        self._request, self._reply = layout["request"], layout.get("reply")
        self._status = dialect.rules().get("good status", 0)

    def request(self, values: dict[str, Any], id: int) -> bytes:
        return ForeignBinary(self._request).write(
            self.plain(values), self._numbers(id, 0, self._reply is not None)
        )

    def read_request(self, frame: bytes) -> Any:
        return ForeignBinary(self._request).read(frame)

    def reply(self, values: dict[str, Any], result: Any, id: int) -> list[bytes]:
        assert self._reply is not None
        asked = self.plain(values)
        value = plain(self._reply["body"], result, of=asked)
        return [ForeignBinary(self._reply, asked).write(value, self._numbers(id, self._status, False))]

    @staticmethod
    def _numbers(id: int, status: int, wants_reply: bool) -> dict[str, int]:
        return {"id": id, "status": status, "wants a reply": wants_reply}

    def plain(self, values: dict[str, Any]) -> Any:
        return plain(self._request["body"], values)


DRAWN: Final = Drawn("binary", declarations(), wild(), RebuiltBinary)
