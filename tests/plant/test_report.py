"""Reports as JSON, and back from the messages that carry them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.plant.message import BINARY, TEXT, OutboxMessage
from tcpcomm.plant.report import KINDS, POLL, Report

REPORT = Report(link="camera-1", kind=POLL, name="locate", at=1.5, values={"result": 7}, seconds=0.25)


def carried(content: Any, content_type: str = "application/json") -> OutboxMessage:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return OutboxMessage(id="a-1", number=1, body=body, content_type=content_type, posted_at=0.0)


def test_a_report_is_an_object_with_the_time_in_utc() -> None:
    expected = {
        "link": "camera-1",
        "kind": "poll",
        "name": "locate",
        "at": "1970-01-01T00:00:01.500000Z",
        "values": {"result": 7},
        "seconds": 0.25,
    }
    assert expected == REPORT.content()


def test_what_is_empty_is_left_out() -> None:
    report = Report(link="camera-1", kind="state", name="down", at=0.0)

    assert {"link", "kind", "name", "at"} == set(report.content())


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=8,
)
reports = st.builds(
    Report,
    link=st.text(),
    kind=st.sampled_from(KINDS),
    name=st.text(),
    at=st.integers(0, 2**31 * 1000).map(lambda each: each / 1000),
    values=st.dictionaries(st.text(), json_values),
    seconds=st.none() | st.integers(0, 10**9).map(lambda each: each / 1000),
    problem=st.text(),
)


@given(reports)
def test_a_report_comes_back_from_its_message(report: Report) -> None:
    found = Report.of(carried(report.content()))

    assert found is not None
    assert abs(found.at - report.at) < 2e-6
    assert evolve(report, at=0.0) == evolve(found, at=0.0)


def test_a_time_without_a_zone_is_utc() -> None:
    found = Report.of(carried({**REPORT.content(), "at": "1970-01-01T00:00:01.5"}))

    assert REPORT == found


@pytest.mark.parametrize(
    "content",
    [
        b"no JSON",
        b"\xff",
        [1],
        7,
        {},
        {"kind": "poll"},
        {**REPORT.content(), "kind": "other"},
        {**REPORT.content(), "at": 5},
        {**REPORT.content(), "at": "yesterday"},
        {**REPORT.content(), "at": "0001-01-01T00:00:00+23:59"},
        {**REPORT.content(), "more": 1},
        {**REPORT.content(), "link": 5},
        {**REPORT.content(), "name": None},
        {**REPORT.content(), "values": [1]},
        {**REPORT.content(), "seconds": "long"},
        {**REPORT.content(), "seconds": True},
    ],
    ids=str,
)
def test_what_a_program_posted_itself_is_no_report(content: Any) -> None:
    assert Report.of(carried(content)) is None


@pytest.mark.parametrize("content_type", [TEXT, BINARY])
def test_a_text_and_bytes_are_no_report(content_type: str) -> None:
    assert Report.of(carried(REPORT.content(), content_type)) is None


@given(json_values)
def test_no_json_value_raises(value: Any) -> None:
    Report.of(carried(value))
