"""
Laws for declarations that hypothesis draws, and not only values.

What one end writes the other reads. What could be read in two ways is refused. A codec that is made from
the JSON of ``tcpcomm describe`` alone writes and reads the same bytes.
"""

from __future__ import annotations

from os import environ
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpcomm.codec.base import MORE, Answer, Dialect, Event, MessageSpec, Refusal, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.testing import mutations
from tests.codec.cases import Case, reader
from tests.codec.drawn import Drawn, all_drawn

each_codec = pytest.mark.parametrize("drawn", all_drawn(), ids=lambda drawn: drawn.name)
EXAMPLES = int(environ.get("TCPCOMM_DECLARATIONS", "15"))
randoms = st.randoms(use_true_random=False)
some = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ID = 7


def frame_of(dialect: Dialect, spec: MessageSpec, values: dict[str, object]) -> bytes:
    return dialect.event(spec.name, values) if spec.is_event else dialect.request(spec.name, values, ID)


def check_arrives(dialect: Dialect, spec: MessageSpec, random: Random) -> bytes:
    """Check that values of a command or an event arrive as they were sent, and return their frame."""
    values = dialect.draw_values(spec.name, random)
    frame = frame_of(dialect, spec, values)
    if spec.is_event:
        assert [Event(spec.name, values)] == [*dialect.read_at_host(frame)]
        return frame
    asked = dialect.read_at_equipment(frame)
    assert isinstance(asked, Request), asked
    assert (spec.name, values) == (asked.name, asked.values)
    result = dialect.draw_reply(asked, random)
    answers = dialect.reader_for(spec.name, values)
    assert answers is not None
    read = []
    for reply in answered(dialect, asked, result):
        (answer,) = dialect.read_at_host(reply)
        assert isinstance(answer, Answer)
        read.append(answers.take(answer.body))
    assert [MORE] * (len(read) - 1) == read[:-1]
    assert read[-1:] in ([], [result])
    return frame


def answered(dialect: Dialect, request: Request, result: Any) -> list[bytes]:
    """Return all frames that answer a request, with the acknowledgement."""
    begun = dialect.acknowledgement(request)
    return [*([] if begun is None else [begun]), *dialect.reply(request, result)]


def check_damaged(dialect: Dialect, spec: MessageSpec, frame: bytes) -> None:
    """Check that any frame is read, or refused with a CodecError."""
    if not spec.is_event:
        asked = dialect.read_at_equipment(frame).requests
        assert all(isinstance(each, Request | Refusal) for each in asked)
    try:
        found = dialect.read_at_host(frame)
        if not spec.is_event:
            for each in found:
                if isinstance(each, Answer):
                    reader(dialect, spec).take(each.body)
    except (CodecError, Fault):
        pass


@each_codec
@some
@given(data=st.data(), random=randoms)
def test_what_one_end_writes_the_other_reads(drawn: Drawn, data: st.DataObject, random: Random) -> None:
    case = data.draw(drawn.declarations)
    for spec in case.specs:
        frame = check_arrives(case.dialect, spec, random)
        for size in range(len(frame)):
            check_damaged(case.dialect, spec, frame[:size])
        check_damaged(case.dialect, spec, data.draw(mutations(frame)))


@pytest.mark.parametrize(
    "drawn", [each for each in all_drawn() if each.rebuild is not None], ids=lambda drawn: drawn.name
)
@some
@given(data=st.data(), random=randoms)
def test_a_codec_that_knows_only_the_json_writes_and_reads_the_same_bytes(
    drawn: Drawn, data: st.DataObject, random: Random
) -> None:
    assert drawn.rebuild is not None
    case = data.draw(drawn.declarations)
    for spec in case.specs:
        rebuilt = drawn.rebuild(case.dialect, spec)
        values = case.dialect.draw_values(spec.name, random)
        frame = frame_of(case.dialect, spec, values)
        assert frame == rebuilt.request(values, ID)
        if rebuilt.reads:
            assert rebuilt.plain(values) == rebuilt.read_request(frame)
        if not spec.is_event:
            asked = case.dialect.read_at_equipment(frame).requests[0]
            assert isinstance(asked, Request)
            result = case.dialect.draw_reply(asked, random)
            assert answered(case.dialect, asked, result) == rebuilt.reply(values, result, ID)
            for fault in case.faults:
                expected = rebuilt.fault(fault, ID)
                assert expected in (None, case.dialect.fault(asked, fault))


@each_codec
@some
@given(data=st.data(), random=randoms)
def test_what_could_be_read_in_two_ways_is_refused(
    drawn: Drawn, data: st.DataObject, random: Random
) -> None:
    """Any combination of marks is refused with the place, or values arrive as they were sent."""
    case: Case = data.draw(drawn.wild)
    try:
        dialect = case.dialect
    except ConfigurationError as error:
        problem = str(error)
    else:
        problem = ""
    if problem:
        assert problem.startswith("Device.ask: ")
        return
    for spec in case.specs:
        check_damaged(dialect, spec, data.draw(mutations(check_arrives(dialect, spec, random))))
