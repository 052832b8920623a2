"""
The laws that every codec must keep, because the conversation relies on them.

The cases are in the modules ``cases*`` in the folders of the codecs.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tcpcomm.codec import Binary
from tcpcomm.codec.base import (
    MISSING,
    MORE,
    Answer,
    Dialect,
    Event,
    MessageSpec,
    ProtocolErrorKind,
    Refusal,
    Request,
)
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.testing import mutations
from tests.codec.binary.cases import Mixed
from tests.codec.cases import Case, Opaque, all_cases, frames_to_host, reader, replied

CASES = all_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
randoms = st.randoms(use_true_random=False)
few = settings(max_examples=30)
"""The examples for each case and law: few, because there are many cases."""

HOSTILE = (
    b"",
    b"\0",
    b" ",
    b"\r\n",
    b"\xff" * 40,
    b"\xef\xbb\xbf",
    b"1" * 10_000,
    b"-" * 100,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"," * 1000,
    b"\x80" * 3,
    "작업 시작".encode("utf-16"),
    bytes(range(256)),
)
"""Frames that no equipment sends, and that a bad codec fails on."""


def written_and_read(dialect: Dialect, spec: MessageSpec, values: dict[str, Any], id: int = 7) -> Request:
    """Return a request that was written and read."""
    (request,) = dialect.read_at_equipment(dialect.request(spec.name, values, id)).requests
    assert isinstance(request, Request), request
    return request


def outcome(dialect: Dialect, spec: MessageSpec, frames: list[bytes]) -> Any:
    """Return the result that a host reads from the frames of a reply. The last frame must complete it."""
    answers = reader(dialect, spec)
    results: list[Any] = []
    for frame in frames:
        for answer in dialect.read_at_host(frame):
            assert isinstance(answer, Answer)
            results.append(answers.take(answer.body))
    assert [MORE] * (len(results) - 1) == results[:-1]
    return results[-1]


def fault_of(dialect: Dialect, spec: MessageSpec, frame: bytes) -> Fault:
    """Return the fault that a host reads from a frame."""
    with pytest.raises(Fault) as caught:
        outcome(dialect, spec, [frame])
    return caught.value


def facts_of(fault: Fault) -> tuple[int | str, str, Any]:
    return fault.code, fault.reason, fault.data


@each_case
@few
@given(random=randoms, id=st.integers(0, 2**64))
def test_a_request_arrives_as_it_was_sent(case: Case, random: Random, id: int) -> None:
    dialect = case.dialect
    id %= dialect.largest_id + 1
    for spec in case.commands:
        values = dialect.draw_values(spec.name, random)
        request = written_and_read(dialect, spec, values, id)
        assert (spec.name, values) == (request.name, request.values)
        assert [*map(type, values.values())] == [type(request.values[name]) for name in values]
        assert request.wants_reply == (dialect.reply_reader(spec.name) is not None)
        if dialect.by_id and request.wants_reply:
            assert id == request.id


@each_case
@few
@given(random=randoms, id=st.integers(0, 2**64))
def test_a_reply_arrives_as_it_was_given(case: Case, random: Random, id: int) -> None:
    dialect = case.dialect
    id %= dialect.largest_id + 1
    for spec in case.answered:
        request = written_and_read(dialect, spec, dialect.draw_values(spec.name, random), id)
        result = dialect.draw_result(spec.name, random)
        frames = replied(dialect, request, result)
        arrived = outcome(dialect, spec, frames)
        assert (type(result), result) == (type(arrived), arrived)
        if dialect.by_id:
            assert {id} == {answer.id for frame in frames for answer in answers_in(dialect, frame)}


def answers_in(dialect: Dialect, frame: bytes) -> list[Answer]:
    return [each for each in dialect.read_at_host(frame) if isinstance(each, Answer)]


@each_case
@few
@given(random=randoms)
def test_a_fault_arrives_as_it_was_raised(case: Case, random: Random) -> None:
    dialect = case.dialect
    for spec in case.answered:
        request = written_and_read(dialect, spec, dialect.draw_values(spec.name, random))
        for fault in case.faults:
            frame = dialect.fault(request, fault)
            assert facts_of(fault) == facts_of(fault_of(dialect, spec, frame))
            if dialect.by_id:
                assert [7] == [answer.id for answer in answers_in(dialect, frame)]


@each_case
@few
@given(random=randoms)
def test_an_event_arrives_as_it_was_emitted(case: Case, random: Random) -> None:
    dialect = case.dialect
    for spec in case.events:
        values = dialect.draw_values(spec.name, random)
        assert [Event(spec.name, values)] == [*dialect.read_at_host(dialect.event(spec.name, values))]


@each_case
@pytest.mark.parametrize("kind", ProtocolErrorKind)
def test_every_protocol_error_reaches_the_host(case: Case, kind: ProtocolErrorKind) -> None:
    dialect = case.dialect
    for spec in case.answered:
        request = written_and_read(dialect, spec, dialect.draw_values(spec.name, Random(1)))
        fault = dialect.fault_for(kind, "what is wrong")
        assert fault.code == fault_of(dialect, spec, dialect.fault(request, fault)).code


@each_case
@few
@given(data=st.data(), random=randoms)
def test_a_damaged_request_is_a_request_or_refused_and_can_be_answered(
    case: Case, data: st.DataObject, random: Random
) -> None:
    dialect = case.dialect
    spec = random.choice(case.commands)
    frame = dialect.request(spec.name, dialect.draw_values(spec.name, random), 7)
    check_at_equipment(case, dialect, data.draw(mutations(frame)))


@each_case
@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: repr(frame[:8]))
def test_a_hostile_frame_is_refused_at_both_ends(case: Case, frame: bytes) -> None:
    dialect = case.dialect
    check_at_equipment(case, dialect, frame)
    check_at_host(case, dialect, frame)


@each_case
def test_a_frame_made_to_hurt_this_codec_is_refused_at_both_ends(case: Case) -> None:
    dialect = case.dialect
    for frame in case.hostile:
        assert all(isinstance(each, Refusal) for each in dialect.read_at_equipment(frame).requests)
        check_at_equipment(case, dialect, frame)
        check_at_host(case, dialect, frame)


@each_case
@few
@given(frame=st.binary(max_size=40))
@example(frame=b"\x00\x13")
def test_arbitrary_bytes_are_read_or_refused_at_both_ends(case: Case, frame: bytes) -> None:
    dialect = case.dialect
    check_at_equipment(case, dialect, frame)
    check_at_host(case, dialect, frame)


def check_at_equipment(case: Case, dialect: Dialect, frame: bytes) -> None:
    """Check that a frame gives requests with all their parameters, or refusals that can be answered."""
    names = {spec.name: [field.name for field in spec.parameters] for spec in case.commands}
    for each in dialect.read_at_equipment(frame).requests:
        if isinstance(each, Request):
            assert names[each.name] == [*each.values]
        else:
            assert isinstance(each, Refusal)
            assert isinstance(each.problem, CodecError)
            assert len(str(each.problem)) < 1000  # it is logged, and sent to the peer
            fault = dialect.fault_for(each.error_kind, str(each.problem))
            if each.wants_reply:
                check_fault(case, dialect, each, dialect.fault(each, fault))


def check_fault(case: Case, dialect: Dialect, refusal: Refusal, frame: bytes) -> None:
    """Check that a host reads a fault, unless it repeats a header that this declaration does not know."""
    try:
        dialect.read_at_host(frame)
    except CodecError:
        assert isinstance(case.codec, Binary | Mixed)
        assert refusal.error_kind is ProtocolErrorKind.UNREADABLE


@each_case
@few
@given(data=st.data(), random=randoms)
def test_a_damaged_frame_of_the_equipment_only_ever_raises_codec_errors(
    case: Case, data: st.DataObject, random: Random
) -> None:
    dialect = case.dialect
    frame = random.choice(frames_to_host(dialect, case, random))
    check_at_host(case, dialect, data.draw(mutations(frame)))


def check_at_host(case: Case, dialect: Dialect, frame: bytes) -> None:
    """Check that a frame gives events with all their values, and answers that commands read or refuse."""
    names = {spec.name: [field.name for field in spec.parameters] for spec in case.events}
    try:
        found = dialect.read_at_host(frame)
    except CodecError:
        return
    for each in found:
        if isinstance(each, Event):
            assert names[each.name] == [*each.values]
            continue
        for spec in case.answered:
            try:
                reader(dialect, spec).take(each.body)
            except (CodecError, Fault):
                continue


@each_case
def test_a_value_of_a_wrong_type_is_refused_with_its_name(case: Case) -> None:
    dialect = case.dialect
    for spec in case.specs:
        values = dialect.draw_values(spec.name, Random(2))
        for field in spec.parameters:
            with pytest.raises(CodecError) as caught:
                send(dialect, spec, {**values, field.name: Opaque()})
            assert caught.value.path.startswith(field.name)


@each_case
def test_a_missing_value_and_an_unknown_one_are_refused_with_their_names(case: Case) -> None:
    dialect = case.dialect
    for spec in case.specs:
        values = dialect.draw_values(spec.name, Random(3))
        for field in spec.parameters:
            with pytest.raises(CodecError) as caught:
                send(dialect, spec, {name: value for name, value in values.items() if name != field.name})
            assert field.name == caught.value.path
        with pytest.raises(CodecError) as caught:
            send(dialect, spec, {**values, "nonsense": 1})
        assert "nonsense" == caught.value.path


def send(dialect: Dialect, spec: MessageSpec, values: dict[str, Any]) -> bytes:
    return dialect.event(spec.name, values) if spec.is_event else dialect.request(spec.name, values, 7)


@each_case
def test_a_result_of_a_wrong_type_is_refused(case: Case) -> None:
    dialect = case.dialect
    for spec in case.answered:
        request = written_and_read(dialect, spec, dialect.draw_values(spec.name, Random(4)))
        with pytest.raises(CodecError):
            dialect.reply(request, Opaque())


@each_case
def test_one_dialect_reads_the_replies_of_several_requests_at_once(case: Case) -> None:
    dialect = case.dialect
    random = Random(5)
    for spec in case.answered:
        results = [dialect.draw_result(spec.name, random) for _ in range(2)]
        request = written_and_read(dialect, spec, dialect.draw_values(spec.name, random))
        bodies = [
            [
                answer.body
                for frame in replied(dialect, request, result)
                for answer in answers_in(dialect, frame)
            ]
            for result in results
        ]
        readers = [reader(dialect, spec) for _ in results]
        arrived: list[Any] = [None, None]
        for turn in range(max(map(len, bodies))):
            for which in range(2):
                if turn < len(bodies[which]):
                    arrived[which] = readers[which].take(bodies[which][turn])
        assert results == arrived


@each_case
def test_the_same_seed_draws_the_same_values(case: Case) -> None:
    dialect, again = case.dialect, case.codec.bind(case.specs)
    for spec in case.specs:
        first, second = Random(6), Random(6)
        for _ in range(5):
            assert dialect.draw_values(spec.name, first) == again.draw_values(spec.name, second)
        if not spec.is_event:
            assert dialect.draw_result(spec.name, first) == again.draw_result(spec.name, second)


@each_case
def test_every_command_and_event_has_a_notation(case: Case) -> None:
    dialect = case.dialect
    for spec in case.specs:
        notation = dialect.notation(spec.name)
        assert notation.request
        assert all(notation.replies)
        assert bool(notation.replies) == (not spec.is_event and dialect.reply_reader(spec.name) is not None)
    assert dialect.fault_notation()


@each_case
def test_a_parameter_of_an_unknown_type_is_refused_with_class_method_and_parameter(case: Case) -> None:
    for spec in case.specs:
        for field in spec.parameters:
            parameters = tuple(
                evolve(each, type=Opaque) if each == field else each for each in spec.parameters
            )
            with pytest.raises(ConfigurationError) as caught:
                case.codec.bind([evolve(spec, parameters=parameters)])
            assert str(caught.value).startswith(spec.where)
            assert field.name in str(caught.value)


@each_case
def test_a_result_of_an_unknown_type_is_refused_with_class_and_method(case: Case) -> None:
    for spec in case.answered:
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([evolve(spec, result=Opaque)])
        assert str(caught.value).startswith(spec.where)


@each_case
def test_a_wire_form_that_the_codec_does_not_know_is_refused(case: Case) -> None:
    for spec in case.specs:
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([evolve(spec, wire=Opaque())])
        assert str(caught.value).startswith(spec.where)


@each_case
def test_two_commands_that_look_alike_on_the_wire_are_refused(case: Case) -> None:
    for spec in case.commands:
        name = spec.name if spec.wire is MISSING else "twin"  # if the name gives the word, the same name
        twin = evolve(spec, name=name, where="Device.twin")
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([spec, twin])
        assert str(caught.value).startswith(twin.where)
