"""A row is JSON whatever it carries, and the history keeps its limits."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.monitor.rows import (
    COLUMNS,
    SHOWN_BYTES,
    SHOWN_CHARACTERS,
    SHOWN_ITEMS,
    Row,
    RowHistory,
    plain,
    row_values,
    rows_json,
)


class Mode(Enum):
    AUTO = "auto"


@frozen
class Position:
    x: float
    mode: Mode


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no text")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=40) | st.dictionaries(scalars, inner, max_size=40)
)
rows = st.builds(
    Row,
    number=st.integers(1, 2**53),
    source=st.just("1"),
    session=st.none() | st.integers(1, 1000),
    time=st.floats(0, 4e9),
    sent=st.none() | st.booleans(),
    kind=st.just("frame"),
    name=st.text(),
    values=st.none() | st.dictionaries(st.text(), values, max_size=5),
    frame=st.binary(max_size=2 * SHOWN_BYTES),
    size=st.integers(0, 10**9),
    answers=st.none() | st.integers(1, 2**53),
    took=st.none() | st.floats(0, 1000),
    text=st.text(),
)


@given(rows)
def test_every_row_is_json_that_a_browser_reads(row: Row) -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"a browser does not read {constant}")

    (shown,) = json.loads(rows_json([row]), parse_constant=refuse)
    assert len(COLUMNS) == len(shown)
    assert [row.number, row.session] == shown[:2]
    assert row.frame[:SHOWN_BYTES].hex() == shown[COLUMNS.index("hex")]
    assert "\n" not in rows_json([row])


@given(rows)
def test_a_page_gets_the_values_that_are_shown_elsewhere(row: Row) -> None:
    place = COLUMNS.index("time")
    (shown,), expected = json.loads(rows_json([row])), json.loads(json.dumps(row_values(row)))
    assert pytest.approx(expected.pop(place), abs=1e-6) == shown.pop(place)
    assert expected == shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (b"\x0a\x1b", "0a1b"),
        (Mode.AUTO, "auto"),
        (Position(1.5, Mode.AUTO), {"x": 1.5, "mode": "auto"}),
        (Decimal("1.50"), "1.50"),
        (datetime.date(2026, 11, 29), "2026-11-29"),
        (np.float32(1.5), 1.5),
        (np.array([[1, 2], [3, 4]]), [1, 2, 3, 4]),
        (np.zeros(1000), [0.0] * SHOWN_ITEMS + ["… 1000 in all"]),
        (list(range(1000)), [*range(SHOWN_ITEMS), "… 1000 in all"]),
        ("x" * 1000, "x" * SHOWN_CHARACTERS + "…"),
        (Rude(), "(Rude)"),
    ],
    ids=[
        "nan",
        "inf",
        "exact",
        "too large",
        "bytes",
        "enum",
        "class",
        "decimal",
        "date",
        "numpy number",
        "numpy array",
        "long array",
        "long list",
        "long text",
        "no text",
    ],
)
def test_a_value_is_shown_in_types_that_json_has(value: Any, expected: Any) -> None:
    assert expected == plain(value)


def test_a_value_within_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert "…" in json.dumps(plain(value), ensure_ascii=False)


@given(st.lists(st.integers(0, 3000), min_size=1), st.integers(1, 20), st.integers(1, 20_000))
def test_a_history_keeps_the_newest_rows_within_its_limits(
    sizes: list[int], most_rows: int, most_bytes: int
) -> None:
    history = RowHistory(most_rows, most_bytes)
    for number, size in enumerate(sizes, 1):
        history.add(Row(number, "1", 1, 0.0, True, "frame", frame=bytes(size)))
    kept = list(history)
    assert len(sizes) == kept[-1].number
    assert [each.number for each in kept] == list(range(kept[0].number, len(sizes) + 1))
    assert len(kept) <= most_rows
    assert history.weight == sum(each.weight for each in kept)
    assert history.weight <= most_bytes or len(kept) == 1
