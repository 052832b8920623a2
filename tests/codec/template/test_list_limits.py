"""A list has a largest number of items, which the error names, and a long frame takes little time."""

from __future__ import annotations

import pytest
from attrs import frozen

from tcpcomm.codec import Template
from tcpcomm.codec.base import Dialect, Field, MessageSpec, Refusal, Request
from tcpcomm.codec.limits import MAX_ITEMS
from tcpcomm.errors import CodecError, ConfigurationError


@frozen
class Point:
    x: float
    y: float


def bound(template: str, kind: object, **options: int) -> Dialect:
    spec = MessageSpec("take", "Device.take", template, "OK", (Field("items", kind),))
    return Template(**options).bind([spec])  # type: ignore[arg-type]


CASES = {
    "numbers": ("A,{items*,}", list[int], "1", ","),
    "numbers without a separator": ("A,{items*:02d}", list[int], "12", ""),
    "values of a class": ("A,{items*;:{x:.1f},{y:.1f}}", list[Point], "1.0,2.0", ";"),
    "lists": ("A,{items*;:{row*,}.}", list[list[int]], "1,2.", ";"),
    "a list before a text": ("A,{items*,};", list[int], "1", ","),
}


@pytest.mark.parametrize(("template", "kind", "item", "separator"), CASES.values(), ids=CASES)
def test_one_item_more_than_the_limit_is_refused(
    template: str, kind: object, item: str, separator: str
) -> None:
    dialect = bound(template, kind, max_items=3)
    end = template.partition("}")[2].lstrip("}.") if template.endswith(";") else ""
    for count in range(6):
        frame = ("A," + separator.join([item] * count) + end).encode()
        asked = dialect.read_at_equipment(frame)
        if count <= 3:
            assert isinstance(asked, Request)
            assert count == len(asked.values["items"])
            assert frame == dialect.request("take", asked.values, 0)
        else:
            assert isinstance(asked, Refusal)
            assert "items: the list has more than 3 items (max_items)" in str(asked.problem)


def test_a_list_that_is_too_long_is_not_sent() -> None:
    dialect = bound("A,{items*,}", list[int], max_items=3)
    with pytest.raises(CodecError, match=r"items: the list has 4 items, and may have 3 \(max_items\)"):
        dialect.request("take", {"items": [1, 2, 3, 4]}, 0)


def test_the_limit_must_be_positive() -> None:
    with pytest.raises(ConfigurationError, match="max_items must be a whole number of at least 1, not 0"):
        Template(max_items=0)


def test_a_list_of_a_mebibyte_is_refused_after_the_limit() -> None:
    frame = b"A,1" + b",1" * (512 * 1024)
    asked = bound("A,{items*,}", list[int]).read_at_equipment(frame)
    assert isinstance(asked, Refusal)
    assert f"the list has more than {MAX_ITEMS} items" in str(asked.problem)
    assert len(str(asked.problem)) < 200


def test_by_default_a_list_has_at_most_10000_items() -> None:
    dialect = bound("A,{items*,}", list[int])
    for count, kind in ((MAX_ITEMS, Request), (MAX_ITEMS + 1, Refusal)):
        assert isinstance(dialect.read_at_equipment(b"A," + b",".join([b"1"] * count)), kind)


def test_a_wrong_item_is_named_by_its_index() -> None:
    asked = bound("A,{items*,}", list[int]).read_at_equipment(b"A,1,2," + b"9" * 5000)
    assert isinstance(asked, Refusal)
    assert "items[2]" in str(asked.problem) or "items" in str(asked.problem)
