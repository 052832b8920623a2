"""
What holds for every codec: the laws that the conversation above them relies on.

The cases are in the modules ``cases*`` in the folders beside this one, a module for each kind of codec.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.codec.cases import Case, Opaque, all_cases, frames_to_host, reader, replied

CASES = all_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
randoms = st.randoms(use_true_random=False)
few = settings(max_examples=30)
"""Examples for each case and law: there are many cases."""

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
"""Frames that no equipment sends, and that a bad codec stumbles over."""


def asked(dialect: Dialect, form: MessageSpec, values: dict[str, Any], id: int = 7) -> Request:
    """A request, sent and read."""
    (request,) = dialect.read_at_equipment(dialect.request(form.name, values, id)).requests
    assert isinstance(request, Request), request
    return request


def outcome(dialect: Dialect, form: MessageSpec, frames: list[bytes]) -> Any:
    """The result that a host reads from the frames of a reply, which the last one completes."""
    answers = reader(dialect, form)
    taken: list[Any] = []
    for frame in frames:
        for answer in dialect.read_at_host(frame):
            assert isinstance(answer, Answer)
            taken.append(answers.take(answer.body))
    assert [MORE] * (len(taken) - 1) == taken[:-1]
    return taken[-1]


def fault_of(dialect: Dialect, form: MessageSpec, frame: bytes) -> Fault:
    """The fault that a host reads from a frame."""
    with pytest.raises(Fault) as caught:
        outcome(dialect, form, [frame])
    return caught.value


def told(fault: Fault) -> tuple[int | str, str, Any]:
    return fault.code, fault.reason, fault.data


@each_case
@few
@given(random=randoms, id=st.integers(0, 2**64))
def test_a_request_arrives_as_it_was_sent(case: Case, random: Random, id: int) -> None:
    dialect = case.dialect
    id %= dialect.largest_id + 1
    for form in case.commands:
        values = dialect.draw_values(form.name, random)
        request = asked(dialect, form, values, id)
        assert (form.name, values) == (request.name, request.values)
        assert [*map(type, values.values())] == [type(request.values[name]) for name in values]
        assert request.wants_reply == (dialect.answers(form.name) is not None)
        if dialect.by_id and request.wants_reply:
            assert id == request.id


@each_case
@few
@given(random=randoms, id=st.integers(0, 2**64))
def test_a_reply_arrives_as_it_was_given(case: Case, random: Random, id: int) -> None:
    dialect = case.dialect
    id %= dialect.largest_id + 1
    for form in case.answered:
        request = asked(dialect, form, dialect.draw_values(form.name, random), id)
        result = dialect.draw_result(form.name, random)
        frames = replied(dialect, request, result)
        arrived = outcome(dialect, form, frames)
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
    for form in case.answered:
        request = asked(dialect, form, dialect.draw_values(form.name, random))
        for fault in case.faults:
            frame = dialect.fault(request, fault)
            assert told(fault) == told(fault_of(dialect, form, frame))
            if dialect.by_id:
                assert [7] == [answer.id for answer in answers_in(dialect, frame)]


@each_case
@few
@given(random=randoms)
def test_an_event_arrives_as_it_was_emitted(case: Case, random: Random) -> None:
    dialect = case.dialect
    for form in case.events:
        values = dialect.draw_values(form.name, random)
        assert [Event(form.name, values)] == [*dialect.read_at_host(dialect.event(form.name, values))]


@each_case
@pytest.mark.parametrize("trouble", ProtocolErrorKind)
def test_a_host_is_told_of_every_trouble(case: Case, trouble: ProtocolErrorKind) -> None:
    dialect = case.dialect
    for form in case.answered:
        request = asked(dialect, form, dialect.draw_values(form.name, Random(1)))
        fault = dialect.trouble(trouble, "what is wrong")
        assert fault.code == fault_of(dialect, form, dialect.fault(request, fault)).code


@each_case
@few
@given(data=st.data(), random=randoms)
def test_a_damaged_request_is_a_request_or_refused_and_can_be_answered(
    case: Case, data: st.DataObject, random: Random
) -> None:
    dialect = case.dialect
    form = random.choice(case.commands)
    frame = dialect.request(form.name, dialect.draw_values(form.name, random), 7)
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
def test_arbitrary_bytes_are_read_or_refused_at_both_ends(case: Case, frame: bytes) -> None:
    dialect = case.dialect
    check_at_equipment(case, dialect, frame)
    check_at_host(case, dialect, frame)


def check_at_equipment(case: Case, dialect: Dialect, frame: bytes) -> None:
    """A frame gives requests with all their parameters, or refusals that can be answered."""
    names = {form.name: [field.name for field in form.parameters] for form in case.commands}
    for each in dialect.read_at_equipment(frame).requests:
        if isinstance(each, Request):
            assert names[each.name] == [*each.values]
        else:
            assert isinstance(each, Refusal)
            assert isinstance(each.problem, CodecError)
            assert len(str(each.problem)) < 1000  # it is logged, and told to the peer
            fault = dialect.trouble(each.trouble, str(each.problem))
            if each.wants_reply:
                dialect.read_at_host(dialect.fault(each, fault))


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
    """A frame gives events with all their values, and answers that each command reads or refuses."""
    names = {form.name: [field.name for field in form.parameters] for form in case.events}
    try:
        found = dialect.read_at_host(frame)
    except CodecError:
        return
    for each in found:
        if isinstance(each, Event):
            assert names[each.name] == [*each.values]
            continue
        for form in case.answered:
            try:
                reader(dialect, form).take(each.body)
            except (CodecError, Fault):
                continue


@each_case
def test_a_value_of_a_wrong_type_is_refused_with_its_name(case: Case) -> None:
    dialect = case.dialect
    for form in case.forms:
        values = dialect.draw_values(form.name, Random(2))
        for field in form.parameters:
            with pytest.raises(CodecError) as caught:
                send(dialect, form, {**values, field.name: Opaque()})
            assert caught.value.path.startswith(field.name)


@each_case
def test_a_missing_value_and_an_unknown_one_are_refused_with_their_names(case: Case) -> None:
    dialect = case.dialect
    for form in case.forms:
        values = dialect.draw_values(form.name, Random(3))
        for field in form.parameters:
            with pytest.raises(CodecError) as caught:
                send(dialect, form, {name: value for name, value in values.items() if name != field.name})
            assert field.name == caught.value.path
        with pytest.raises(CodecError) as caught:
            send(dialect, form, {**values, "nonsense": 1})
        assert "nonsense" == caught.value.path


def send(dialect: Dialect, form: MessageSpec, values: dict[str, Any]) -> bytes:
    return dialect.event(form.name, values) if form.is_event else dialect.request(form.name, values, 7)


@each_case
def test_a_result_of_a_wrong_type_is_refused(case: Case) -> None:
    dialect = case.dialect
    for form in case.answered:
        request = asked(dialect, form, dialect.draw_values(form.name, Random(4)))
        with pytest.raises(CodecError):
            dialect.reply(request, Opaque())


@each_case
def test_one_dialect_reads_the_replies_of_several_requests_at_once(case: Case) -> None:
    dialect = case.dialect
    random = Random(5)
    for form in case.answered:
        results = [dialect.draw_result(form.name, random) for _ in range(2)]
        request = asked(dialect, form, dialect.draw_values(form.name, random))
        bodies = [
            [
                answer.body
                for frame in replied(dialect, request, result)
                for answer in answers_in(dialect, frame)
            ]
            for result in results
        ]
        readers = [reader(dialect, form) for _ in results]
        arrived: list[Any] = [None, None]
        for turn in range(max(map(len, bodies))):
            for which in range(2):
                if turn < len(bodies[which]):
                    arrived[which] = readers[which].take(bodies[which][turn])
        assert results == arrived


@each_case
def test_the_same_seed_draws_the_same_values(case: Case) -> None:
    dialect, again = case.dialect, case.codec.bind(case.forms)
    for form in case.forms:
        first, second = Random(6), Random(6)
        for _ in range(5):
            assert dialect.draw_values(form.name, first) == again.draw_values(form.name, second)
        if not form.is_event:
            assert dialect.draw_result(form.name, first) == again.draw_result(form.name, second)


@each_case
def test_every_command_and_event_has_a_notation(case: Case) -> None:
    dialect = case.dialect
    for form in case.forms:
        notation = dialect.notation(form.name)
        assert notation.request
        assert all(notation.replies)
        assert bool(notation.replies) == (not form.is_event and dialect.answers(form.name) is not None)
    assert dialect.fault_notation()


@each_case
def test_a_parameter_of_an_unknown_type_is_refused_with_class_method_and_parameter(case: Case) -> None:
    for form in case.forms:
        for field in form.parameters:
            parameters = tuple(
                evolve(each, type=Opaque) if each == field else each for each in form.parameters
            )
            with pytest.raises(ConfigurationError) as caught:
                case.codec.bind([evolve(form, parameters=parameters)])
            assert str(caught.value).startswith(form.where)
            assert field.name in str(caught.value)


@each_case
def test_a_result_of_an_unknown_type_is_refused_with_class_and_method(case: Case) -> None:
    for form in case.answered:
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([evolve(form, result=Opaque)])
        assert str(caught.value).startswith(form.where)


@each_case
def test_what_stands_for_a_command_on_the_wire_must_be_something_that_the_codec_knows(case: Case) -> None:
    for form in case.forms:
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([evolve(form, wire=Opaque())])
        assert str(caught.value).startswith(form.where)


@each_case
def test_two_commands_that_look_alike_on_the_wire_are_refused(case: Case) -> None:
    for form in case.commands:
        name = form.name if form.wire is MISSING else "twin"  # where the name makes the word, that is alike
        twin = evolve(form, name=name, where="Device.twin")
        with pytest.raises(ConfigurationError) as caught:
            case.codec.bind([form, twin])
        assert str(caught.value).startswith(twin.where)
