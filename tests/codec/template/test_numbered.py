"""Templates with the id of a request in them, and codes that mean success."""

from __future__ import annotations

from random import Random
from typing import Any, Literal

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec import Acknowledged, Field, MessageSpec, OneOf, Template, Until
from tcpcomm.codec.base import MORE, Answer, Dialect, Event, ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.template.ambiguity import common_text
from tcpcomm.codec.template.regex_tree import DIGIT, Except, Run, Seq, chars, literal
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.cases import reader


@frozen
class Version:
    text: str
    year: int


STAR = Template(fault="{command}{id:04d}er{code:02d}/{reason:<2}", ok=0, id="id")
PARK = MessageSpec("park", "Star.park", "C0ASid{id:04d}", "C0ASid{id:04d}er00/00")
VERSION = MessageSpec(
    "version", "Star.version", "C0RFid{id:04d}", "C0RFid{id:04d}er00/00rf{text} {year:04d}", (), Version
)
MOVE = MessageSpec(
    "move", "Star.move", "C0XPid{id:04d}xp{x:05d}", "C0XPid{id:04d}er00/00", (Field("x", int),)
)
EVENT = MessageSpec(
    "door", "Star.door", "C0SIdo{open:1|0}", parameters=(Field("open", bool),), is_event=True
)


@pytest.fixture
def star() -> Dialect:
    """A liquid handler: each reply repeats the id of its command, and has two numbers of an error."""
    return STAR.bind((PARK, VERSION, MOVE, EVENT))


def answer(dialect: Dialect, frame: bytes) -> Answer:
    (found,) = dialect.read_at_host(frame)
    assert isinstance(found, Answer)
    return found


def test_a_command_carries_its_id(star: Dialect) -> None:
    assert star.by_id
    assert 9999 == star.largest_id
    assert b"C0ASid0001" == star.request("park", {}, 1)
    assert b"C0XPid0012xp00345" == star.request("move", {"x": 345}, 12)
    (request,) = star.read_at_equipment(b"C0XPid0012xp00345").requests
    assert Request("move", {"x": 345}, 12) == request


def test_replies_are_found_by_their_id_in_any_order(star: Dialect) -> None:
    late, early = answer(star, b"C0ASid0001er00/00"), answer(star, b"C0RFid0002er00/00rf7.6S 2017")
    assert (1, 2) == (late.id, early.id)
    assert Version("7.6S", 2017) == reader(star, VERSION).take(early.body)
    assert reader(star, PARK).take(late.body) is None
    assert [b"C0ASid0001er00/00"] == star.reply(Request("park", {}, 1), None)
    assert [b"C0RFid0002er00/00rf7.6S 2017"] == star.replier("version")(
        Request("version", {}, 2), Version("7.6S", 2017)
    )


def test_a_fault_has_the_id_of_its_command(star: Dialect) -> None:
    found = answer(star, b"C0ASid0001er04/06")
    assert 1 == found.id
    with pytest.raises(Fault) as caught:
        reader(star, PARK).take(found.body)
    assert (4, "06") == (caught.value.code, caught.value.reason)
    assert b"C0ASid0001er04/06" == star.fault(Request("park", {}, 1), Fault(4, "06"))


def test_the_code_of_success_is_not_a_fault(star: Dialect) -> None:
    with pytest.raises(CodecError, match="0 means success: give the fault another code"):
        star.fault(Request("park", {}, 1), Fault(0))
    with pytest.raises(CodecError, match="expected '0', not '1'"):
        reader(star, PARK).take("C0ASid0001er00/01")


def test_a_damaged_reply_still_tells_its_id(star: Dialect) -> None:
    found = answer(star, b"C0ASid0007er?")
    assert 7 == found.id
    with pytest.raises(CodecError):
        reader(star, PARK).take(found.body)
    with pytest.raises(CodecError, match="id: a reply with one id is expected"):
        star.read_at_host(b"C0ASid00")


def test_an_event_has_no_id(star: Dialect) -> None:
    assert (Event("door", {"open": True}),) == tuple(star.read_at_host(b"C0SIdo1"))


def test_a_refused_command_is_answered_with_its_id(star: Dialect) -> None:
    (refusal,) = star.read_at_equipment(b"C0XPid0012xp?").requests
    assert isinstance(refusal, Refusal)
    assert b"C0XPid0012er93/" == star.fault(refusal, Fault(93)).rstrip()
    (unknown,) = star.read_at_equipment(b"C0ZZid0012").requests
    assert isinstance(unknown, Refusal)
    fault = star.fault_for(ProtocolErrorKind.UNKNOWN_COMMAND, "?")
    assert b"C0ZZid00120000er92/? " == star.fault(unknown, fault)


def test_every_frame_of_a_reply_has_the_id() -> None:
    spec = MessageSpec(
        "go", "R.go", "#{n} GO", Acknowledged("#{n} TAKEN", ("#{n} A {x:d}"), "#{n} B"), (), int
    )
    dialect = Template(fault="#{n} NO {code:d}", id="n").bind([spec])
    request = Request("go", {}, 5)
    assert b"#5 TAKEN" == dialect.acknowledgement(request)
    assert [b"#5 A 3", b"#5 B"] == dialect.reply(request, 3)
    answers = reader(dialect, spec)
    found = [answers.take(answer(dialect, frame).body) for frame in (b"#5 TAKEN", b"#5 A 3", b"#5 B")]
    assert [MORE, MORE, 3] == found
    assert 2**31 - 1 == dialect.largest_id


def test_an_id_may_stand_at_the_end_and_in_hexadecimal() -> None:
    spec = MessageSpec(
        "go",
        "R.go",
        "GO,{x:d}@{n:02X}",
        OneOf("OK,{x:d}@{n:02X}", "BUSY@{n:02X}"),
        (Field("x", int),),
        int | None,
    )
    dialect = Template(fault="NO,{code:d}@{n:02X}", id="n").bind([spec])
    assert b"GO,3@0A" == dialect.request("go", {"x": 3}, 10)
    assert 255 == dialect.largest_id
    assert (10, 3) == (answer(dialect, b"OK,3@0A").id, reader(dialect, spec).take("OK,3@0A"))
    assert (11, None) == (answer(dialect, b"BUSY@0B").id, reader(dialect, spec).take("BUSY@0B"))
    assert 12 == answer(dialect, b"NO,3@0C").id


@given(id=st.integers(1, 9999), x=st.integers(0, 99999), random=st.randoms(use_true_random=False))
def test_what_one_end_writes_the_other_reads(id: int, x: int, random: Random) -> None:
    dialect = STAR.bind((PARK, VERSION, MOVE))
    (request,) = dialect.read_at_equipment(dialect.request("move", {"x": x}, id)).requests
    assert Request("move", {"x": x}, id) == request
    result = dialect.draw_result("version", random)
    (frame,) = dialect.reply(Request("version", {}, id), result)
    found = answer(dialect, frame)
    assert (id, result) == (found.id, reader(dialect, VERSION).take(found.body))


@pytest.mark.parametrize(
    ("wire", "reply", "fault", "message"),
    [
        ("GO", "OK{n}", "NO{n}", "the command 'GO' needs the field {n}, because Template(id='n') finds"),
        ("GO{n}", "OK", "NO{n}", "the reply 'OK' needs the field {n}"),
        ("GO{n}", "OK{n}", "NO", "the template of faults: the fault 'NO' needs the field {n}"),
        ("GO{n}", Until("ok{n}", "{line}"), "NO{n}", "Until cannot be a reply with an id"),
        ("GO{n}", "OK[{n}]", "NO{n}", "the reply 'OK[{n}]' needs the field {n}"),
    ],
)
def test_a_template_without_the_id_is_refused(wire: str, reply: Any, fault: str, message: str) -> None:
    result = list[str] if isinstance(reply, Until) else None
    with pytest.raises(ConfigurationError) as caught:
        Template(fault=fault, id="n").bind([MessageSpec("go", "R.go", wire, reply, (), result)])
    assert message in str(caught.value)


def test_a_parameter_or_a_result_with_the_name_of_the_id_is_refused() -> None:
    codec = Template(fault="NO{n}", id="n")
    with pytest.raises(ConfigurationError, match="the parameter 'n' has the name of the id"):
        codec.bind([MessageSpec("go", "R.go", "GO{n}", "OK{n}", (Field("n", int),))])
    line = MessageSpec("line", "R.line", "{text}", parameters=(Field("text", str),), is_event=True)
    with pytest.raises(ConfigurationError, match="an event that is any text cannot stand beside replies"):
        codec.bind([line])


# -- codes of success -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "ok", "reply", "good", "bad"),
    [
        ("{code:d}", 0, "0", "0", {"1": 1, "-3": -3, "10": 10}),
        ("{code:03d}[ {reason}]", 0, "000", "000", {"001": 1, "100 x": 100}),
        ("E{code:02X}", 1, "E01", "E01", {"E10": 16, "E00": 0}),
        ("{code}", "OK", "OK", "OK", {"NO": "NO", "OKAY": "OKAY", "O": "O"}),
    ],
)
def test_a_status_may_be_a_reply_or_a_fault(
    fault: str, ok: int | str, reply: str, good: str, bad: dict[str, int | str]
) -> None:
    spec = MessageSpec("go", "R.go", "GO", reply)
    with pytest.raises(ConfigurationError, match="can both be the frame"):
        Template(fault=fault).bind([spec])
    dialect = Template(fault=fault, ok=ok).bind([spec])
    assert reader(dialect, spec).take(good) is None
    for text, code in bad.items():
        with pytest.raises(Fault) as caught:
            reader(dialect, spec).take(text)
        assert code == caught.value.code
    with pytest.raises(CodecError):
        dialect.fault(Request("go", {}), Fault(ok))


@frozen
class Measured:
    status: Literal[0, 4]
    x: float


def test_several_codes_may_mean_success_and_be_read() -> None:
    spec = MessageSpec("go", "R.go", "GO", "{status},{x:.1f}", (), Measured)
    dialect = Template(fault="{code:d},{reason}", ok=(0, 4)).bind([spec])
    assert Measured(0, 1.5) == reader(dialect, spec).take("0,1.5")
    assert Measured(4, 1.5) == reader(dialect, spec).take("4,1.5")
    assert [b"4,1.5"] == dialect.reply(Request("go", {}), Measured(4, 1.5))
    with pytest.raises(Fault) as caught:
        reader(dialect, spec).take("5,1.5")
    assert (5, "1.5") == (caught.value.code, caught.value.reason)
    with pytest.raises(CodecError, match="4 means success"):
        dialect.fault(Request("go", {}), Fault(4))


@pytest.mark.parametrize("ok", [1.5, (0, 1.5), (True,), range(2000), ("",)], ids=repr)
def test_codes_of_success_that_are_no_codes_are_refused(ok: Any) -> None:
    with pytest.raises(ConfigurationError, match="ok must be a code, or at most 1000 codes"):
        Template(ok=ok)


def test_what_is_not_the_code_of_success_is_still_ambiguous() -> None:
    with pytest.raises(ConfigurationError, match="can both be the frame '1'"):
        Template(fault="{code:d}", ok=0).bind([MessageSpec("go", "R.go", "GO", "{x:d}", (), int)])


@given(refused=st.text("01", max_size=3), text=st.text("01", max_size=4), fewest=st.integers(0, 2))
def test_the_difference_of_two_patterns_is_exact(refused: str, text: str, fewest: int) -> None:
    zeros = Run(chars("0"), 0, None)
    for other, is_refused in (
        (literal(refused), text == refused),
        (
            Seq((zeros, literal(refused))),
            text.endswith(refused) and set(text[: len(text) - len(refused)]) <= {"0"},
        ),
    ):
        pattern = Seq((literal("<"), Except(Run(DIGIT, fewest, 4), other), literal(">")))
        is_in = fewest <= len(text) <= 4 and not is_refused
        assert is_in == (common_text(pattern, literal(f"<{text}>")) is not None)
