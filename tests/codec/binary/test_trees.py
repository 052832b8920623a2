"""Values that contain themselves: SECS-II items, nested elements, and how deep they may be."""

from __future__ import annotations

import sys
from random import Random
from typing import Annotated, Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec.base import Refusal, Request
from tcpcomm.codec.binary.types import U8, U16, Counted, InTag, Rest, Tagged
from tcpcomm.codec.limits import MAX_DEPTH
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.binary.secs import F4, I2, U1, U2, U4, A, B, Boolean, Item, L
from tests.codec.binary.wires import check, one, problem_of, written


@frozen
class Node:
    value: U8
    children: Annotated[list[Node], Counted(U8)]


@frozen
class Element:
    """ASN.1's kind of nesting: each element has its size, and its inner elements fill it."""

    kind: U8
    inner: Annotated[list[Annotated[Element, Counted(U8)]], Rest()]


def test_a_class_may_have_a_list_of_itself() -> None:
    check(Node, Node(1, [Node(2, []), Node(3, [Node(4, [])])]), "01 02 02 00 03 01 04 00")


def test_an_element_with_a_size_may_be_filled_by_elements() -> None:
    element = Element(1, [Element(2, []), Element(3, [Element(4, [])])])
    check(Annotated[Element, Counted(U8)], element, "07 01 01 02 03 03 01 04")


def test_the_items_of_an_online_message() -> None:
    """S1F13: a list of model and revision, as SEMI E5 has it."""
    check(Item, L([A("LK-300"), A("1.0")]), "01 02 41 06 4C4B2D333030 41 03 312E30")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (L([]), "01 00"),
        (B(b"\0\xff"), "21 02 00FF"),
        (Boolean([True, False]), "25 02 0100"),
        (I2([-1, 2]), "69 04 FFFF 0002"),
        (U1([7]), "A5 01 07"),
        (U2([7]), "A9 02 0007"),
        (U4([7, 8]), "B1 08 00000007 00000008"),
        (F4([1.5]), "91 04 3FC00000"),
        (A("A" * 256), "42 0100" + "41" * 256),
        (B(bytes(65536)), "23 010000" + "00" * 65536),
        (L([L([L([U1([1])])])]), "01 01 01 01 01 01 A5 01 01"),
        (L([U1([])] * 300), "02 012C" + "A500" * 300),
    ],
    ids=lambda item: repr(item)[:20],
)
def test_a_secs_item_has_the_bytes_of_the_standard(item: Any, expected: str) -> None:
    assert bytes.fromhex(expected) == bytes.fromhex(written(Item, item))
    assert Request("f", {"value": item}) == one(Item).read_at_equipment(b"\1" + bytes.fromhex(expected))


def test_a_length_with_more_bytes_than_it_needs_is_read() -> None:
    for frame in ("42 0002 4142", "43 000002 4142", "41 02 4142"):
        asked = one(Item).read_at_equipment(b"\1" + bytes.fromhex(frame))
        assert Request("f", {"value": A("AB")}) == asked


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "value: needs a tag, but the frame has no bytes left"),
        ("40", "value: has a length of 0 bytes, which is not 1 to 3"),
        ("FD 00", "value: has the tag 63, which is not one of 0, 8, 9, 16, 17, 24, 25, 26, 28, 32, 36, 40"),
        ("01 02 A5 01 07", "value.items[1]: needs a tag, but the frame has no bytes left"),
        (
            "01 02 A5 01 07 A9 01",
            "value.items[1].values: has a length of 1 bytes, which is not a multiple of 2",
        ),
        ("03 FFFFFF", "value.items: needs 16777215 bytes, but the frame has 0 left"),
        ("A9 01 07", "value.values: has a length of 1 bytes, which is not a multiple of 2"),
    ],
)
def test_a_wrong_secs_item_is_refused_with_its_place(body: str, problem: str) -> None:
    assert problem_of(Item, body).startswith(problem)


TREES = [one(kind) for kind in (Item, Node, Annotated[Element, Counted(U16)])]


@given(st.randoms(use_true_random=False))
def test_a_drawn_tree_arrives_as_it_was_sent(random: Random) -> None:
    for dialect in TREES:
        values = dialect.draw_values("f", random)
        assert Request("f", values) == dialect.read_at_equipment(dialect.request("f", values, 0))


def test_values_are_nested_64_deep_at_most() -> None:
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        item: Any = U1([])
        for _ in range(depth):
            item = L([item])
        body = b"\x01\x01" * depth + b"\xa5\0"
        asked = one(Item).read_at_equipment(b"\1" + body)
        if depth == MAX_DEPTH:
            assert Request("f", {"value": item}) == asked
            assert body == bytes.fromhex(written(Item, item))
        else:
            assert isinstance(asked, Refusal)
            assert str(asked.problem).endswith("is nested more than 64 deep")
            assert len(str(asked.problem)) < 1000
            with pytest.raises(CodecError, match="is nested more than 64 deep"):
                written(Item, item)


def test_a_hostile_depth_is_refused_and_the_next_frame_is_read() -> None:
    dialect = one(Item)
    frame = b"\1" + b"\x01\x01" * 100_000
    assert isinstance(dialect.read_at_equipment(frame), Refusal)
    assert isinstance(dialect.read_at_equipment(b"\1\xa5\0"), Request)


def test_a_value_that_contains_itself_in_python_is_refused() -> None:
    circle: list[Any] = []
    circle.append(L(circle))
    with pytest.raises(CodecError, match="is nested more than 64 deep"):
        written(Item, L(circle))


def test_the_deepest_value_leaves_most_of_the_stack_of_python() -> None:
    item: Any = U1([])
    for _ in range(MAX_DEPTH):
        item = L([item])
    dialect = one(Item)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(_stack()) + 480)
    try:
        frame = dialect.request("f", {"value": item}, 0)
        assert Request("f", {"value": item}) == dialect.read_at_equipment(frame)
    finally:
        sys.setrecursionlimit(limit)


def _stack() -> list[Any]:
    frame, found = sys._getframe(), []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back  # type: ignore[assignment]
    return found


@frozen
class Endless:
    inner: Endless


@frozen
class Pair:
    first: U8
    second: Annotated[list[Other], Counted(U8)]


@frozen
class Other:
    pair: Pair


@frozen
class Chain:
    value: U8
    next: Chain | None


ALONE = "tag 1: a field that InTag counts must be the only one of its class"
NO_TAG = "InTag needs a tag before it"


@frozen
class TwoLengths:
    first: Annotated[str, Counted(InTag())]
    second: Annotated[str, Counted(InTag())]


@frozen
class LateLength:
    first: U8
    second: Annotated[str, Counted(InTag())]


def test_two_classes_may_contain_each_other() -> None:
    check(Pair, Pair(1, [Other(Pair(2, []))]), "01 01 02 00")


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (Endless, "Endless contains itself, so its bytes would never end"),
        (Chain, "Chain contains itself and takes the rest of the frame"),
        (Annotated[TwoLengths, Tagged(U8, {1: TwoLengths}, size_bits=2)], ALONE),
        (Annotated[LateLength, Tagged(U8, {1: LateLength}, size_bits=2)], ALONE),
        (Annotated[int, Tagged(U8, {1: U8}, size_bits=2)], "tag 1 must have Counted(InTag())"),
        (Annotated[A, Tagged(U8, {64: A}, size_bits=2)], "the tag 64 must be a number from 0 to 63"),
        (Annotated[A, Tagged(U16, {1: A}, size_bits=2)], "a tag with size_bits has one byte"),
        (Annotated[A, Tagged(U8, {1: A})], NO_TAG),
        (Annotated[list[A], Counted(U8)], NO_TAG),
        (Annotated[A, Counted(U8)], NO_TAG),
        (A | None, NO_TAG),
        (A, NO_TAG),
    ],
)
def test_what_would_have_no_end_is_refused(annotation: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        one(annotation)
    assert problem in str(caught.value)


@frozen
class Step1:
    inner: Annotated[Step2, Counted(U16)]


@frozen
class Step2:
    inner: Annotated[Step3, Counted(U16)]


@frozen
class Step3:
    inner: Annotated[Step4, Counted(U16)]


@frozen
class Step4:
    inner: Annotated[Step5, Counted(U16)]


@frozen
class Step5:
    inner: Annotated[Step6, Counted(U16)]


@frozen
class Step6:
    inner: Annotated[Step7, Counted(U16)]


@frozen
class Step7:
    inner: Annotated[Step1 | None, Tagged(U8, {0: None, 1: Step1})]


def test_a_tree_with_many_classes_in_each_level_is_refused_before_python_gives_up() -> None:
    """A tree of fewer levels than are allowed ended in a RecursionError at both ends."""
    tree, content = None, b"\0"
    for _ in range(MAX_DEPTH - 1):
        tree = Step1(Step2(Step3(Step4(Step5(Step6(Step7(tree)))))))
        for _ in range(6):
            content = len(content).to_bytes(2, "big") + content
        content = b"\1" + content
    refused = one(Step1).read_at_equipment(content)
    assert isinstance(refused, Refusal)
    assert str(refused.problem).endswith(": is nested too deeply")
    with pytest.raises(CodecError, match="is nested too deeply"):
        written(Step1, tree)
