"""A list of values that are read one by one has a largest number of items."""

from __future__ import annotations

from typing import Annotated

import pytest
from attrs import frozen

from tcpcomm.codec import U8, U16, Binary, Counted
from tcpcomm.codec.base import Dialect, Field, MessageSpec, Refusal, Request
from tcpcomm.codec.limits import MAX_ITEMS
from tcpcomm.errors import CodecError


@frozen
class Pair:
    x: U8
    y: U8


def bound(kind: object) -> Dialect:
    items = Field("items", Annotated[kind, Counted(U16)])
    return Binary(max_items=3).bind([MessageSpec("take", "Device.take", 1, parameters=(items,))])


@pytest.mark.parametrize(
    ("kind", "item"),
    [(list[Pair], b"\1\2"), (list[Annotated[bytes, Counted(U8)]], b"\1x")],
    ids=["classes", "texts"],
)
def test_one_item_more_than_the_limit_is_refused(kind: object, item: bytes) -> None:
    dialect = bound(kind)
    for count in range(6):
        frame = b"\1" + count.to_bytes(2, "big") + item * count
        asked = dialect.read_at_equipment(frame)
        if count <= 3:
            assert isinstance(asked, Request)
            assert frame == dialect.request("take", asked.values, 0)
        else:
            assert isinstance(asked, Refusal)
            problem = f"items: the list has {count} items, and may have 3 (max_items)"
            assert problem == str(asked.problem)
            with pytest.raises(CodecError, match="items: the list has"):
                dialect.request("take", {"items": [Pair(1, 2) if kind == list[Pair] else b"x"] * count}, 0)


def test_numbers_are_limited_by_the_frame_only() -> None:
    asked = bound(list[U8]).read_at_equipment(b"\1\x10\0" + bytes(4096))
    assert isinstance(asked, Request)
    assert 4096 == len(asked.values["items"])


def test_by_default_a_list_has_at_most_10000_items() -> None:
    items = Field("items", Annotated[list[Pair], Counted(U16)])
    dialect = Binary().bind([MessageSpec("take", "Device.take", 1, parameters=(items,))])
    for count, kind in ((MAX_ITEMS, Request), (MAX_ITEMS + 1, Refusal)):
        frame = b"\1" + count.to_bytes(2, "big") + b"\1\2" * count
        assert isinstance(dialect.read_at_equipment(frame), kind)
