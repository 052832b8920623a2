"""Replies of several frames and of several forms: acknowledgements, counts, ends, alternatives."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec import Acknowledged, CountedLines, Field, MessageSpec, OneOf, Template, Until
from tcpcomm.codec.base import MORE, Event, Notation, Request
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tests.codec.template.templates import bound, replied, results_of

NUMBERED: Any = Until(3, "{n:d}")  # type: ignore[arg-type]
GRBL = Template(fault="error:{code:d}")


@frozen
class Setting:
    number: int
    value: str


@frozen
class Offset:
    name: str
    x: float
    y: float


@frozen
class Message:
    text: str


@frozen
class Weight:
    grams: float
    stable: bool


@frozen
class Measured:
    x: float
    warning: str = ""


@frozen
class Checked:
    rows: list[int]
    total: int


def refused(reply: Any, result: Any, codec: Template | None = None) -> str:
    """Return the error of a declaration that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        bound("DO", reply, result, codec=codec)
    return str(caught.value)


# -- acknowledgements -----------------------------------------------------------------------------------


def test_all_lines_of_a_tuple_are_sent_when_the_command_has_succeeded() -> None:
    dialect = bound("GV A3", ("1", "{value:.3f}"), float, codec=Template(fault="-{code:d}"))
    request = Request("do", {})
    assert dialect.acknowledgement(request) is None
    assert [b"1", b"12.500"] == dialect.reply(request, 12.5)
    assert [MORE, 12.5] == results_of(dialect, b"1", b"12.500")


def test_an_acknowledgement_is_apart_from_the_reply() -> None:
    dialect = bound("TA", Acknowledged("TA", "{value:.3f}"), float)
    request = Request("do", {})
    assert b"TA" == dialect.acknowledgement(request)
    assert [b"12.500"] == dialect.reply(request, 12.5)
    assert [MORE, 12.5] == results_of(dialect, b"TA", b"12.500")
    assert Notation("TA", ("TA (before the command is carried out)", "{value:.3f}")) == dialect.notation(
        "do"
    )


@pytest.mark.parametrize("frames", [[b"NG,3,"], [b"TA", b"NG,3,"]], ids=["first", "behind it"])
def test_a_fault_comes_in_place_of_an_acknowledgement_or_after_it(frames: list[bytes]) -> None:
    dialect = bound("TA", Acknowledged("TA", "{value:.3f}"), float)
    with pytest.raises(Fault) as caught:
        results_of(dialect, *frames)
    assert 3 == caught.value.code


def test_an_acknowledgement_is_followed_by_every_form() -> None:
    dialect = bound(
        "GO", Acknowledged("ACK", OneOf("DONE {x:d}", CountedLines("{#}", "{line}"))), int | list[str]
    )
    assert [b"ACK", b"DONE 3"] == replied(dialect, 3)
    assert [b"ACK", b"2", b"a", b"b"] == replied(dialect, ["a", "b"])
    assert [MORE, 3] == results_of(dialect, b"ACK", b"DONE 3")
    assert [MORE, MORE, MORE, ["a", "b"]] == results_of(dialect, b"ACK", b"2", b"a", b"b")
    with pytest.raises(CodecError, match="expected 'ACK', not 'DONE 3'"):
        results_of(dialect, b"DONE 3")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Acknowledged("OK"), "an acknowledged reply needs the first frame, and what follows"),
        (Acknowledged("OK {x}", "{x}"), "has the field {x}, which is not declared"),
        (Acknowledged("", "{x}"), "the acknowledgement must not be empty"),
        (("A", Acknowledged("B", "{x}")), "the reply cannot be ('A', Acknowledged("),
    ],
)
def test_an_acknowledgement_that_cannot_work_is_refused(reply: Any, message: str) -> None:
    assert message in refused(reply, int)


# -- lines until an end ---------------------------------------------------------------------------------


def test_grbl_lists_its_settings_until_ok() -> None:
    dialect = bound("$$", Until("ok", "${number}={value}"), list[Setting], codec=GRBL)
    settings = [Setting(0, "10"), Setting(1, "25"), Setting(2, "0")]
    frames = [b"$0=10", b"$1=25", b"$2=0", b"ok"]
    assert frames == replied(dialect, settings)
    assert [MORE, MORE, MORE, settings] == results_of(dialect, *frames)
    assert [[]] == results_of(dialect, b"ok")
    assert Notation("$$", ("${number}={value} (any number of times)", "ok")) == dialect.notation("do")


@pytest.mark.parametrize("before", [[], [b"$0=10"], [b"$0=10", b"$1=25"]], ids=len)
def test_a_fault_ends_lines_at_any_place(before: list[bytes]) -> None:
    dialect = bound("$$", Until("ok", "${number}={value}"), list[Setting], codec=GRBL)
    with pytest.raises(Fault) as caught:
        results_of(dialect, *before, b"error:8")
    assert 8 == caught.value.code


def test_a_status_between_lines_is_an_event() -> None:
    status = MessageSpec(
        "status", "Grbl.status", "<{text}>", parameters=(Field("text", str),), is_event=True
    )
    settings = MessageSpec("do", "Grbl.do", "$$", Until("ok", "${number}={value}"), (), list[Setting])
    dialect = GRBL.bind([settings, status])
    assert (Event("status", {"text": "Idle|MPos:0,0"}),) == dialect.read_at_host(b"<Idle|MPos:0,0>")
    assert [MORE, [Setting(0, "10")]] == results_of(dialect, b"$0=10", b"ok")


def test_the_items_before_an_end_may_have_several_forms() -> None:
    each = OneOf("[[{name:<3}:{x:.3f},{y:.3f}]]", "[[MSG {text}]]")
    dialect = bound("$#", Until("ok", each), list[Offset | Message], codec=GRBL)
    found = [Offset("G54", 1.0, 2.5), Message("Pgm End")]
    assert [b"[G54:1.000,2.500]", b"[MSG Pgm End]", b"ok"] == replied(dialect, found)
    assert found == results_of(dialect, b"[G54:1.000,2.500]", b"[MSG Pgm End]", b"ok")[-1]


def test_a_head_and_an_end_may_have_fields_of_the_result() -> None:
    dialect = bound("SUM", ("BEGIN", Until("END {total:d}", "{row:d}")), Checked)
    assert [b"BEGIN", b"1", b"2", b"END 3"] == replied(dialect, Checked([1, 2], 3))
    assert Checked([1, 2], 3) == results_of(dialect, b"BEGIN", b"1", b"2", b"END 3")[-1]


def test_free_lines_are_what_is_neither_the_end_nor_a_fault() -> None:
    dialect = bound("LIST", Until(".", "{line}"), list[str])
    assert [MORE, MORE, ["a, b", ""]] == results_of(dialect, b"a, b", b"", b".")
    with pytest.raises(Fault):
        results_of(dialect, b"a", b"NG,3,")
    for line, what in ((".", "'.' would be read as the end"), ("NG,3,", "would be read as a fault")):
        with pytest.raises(CodecError, match=what):
            replied(dialect, ["a", line])


def test_a_reply_with_too_many_lines_is_refused_at_both_ends() -> None:
    dialect = bound("$$", Until("ok", "{n:d}", at_most=2), list[int])
    with pytest.raises(CodecError, match="has 3 items, but only 2 are allowed"):
        replied(dialect, [1, 2, 3])
    with pytest.raises(CodecError, match="there are more than 2 items"):
        results_of(dialect, b"1", b"2", b"3")


@pytest.mark.parametrize(
    ("reply", "result", "message"),
    [
        (Until("0", "{s}0"), list[str], "the end '0' and the item '{s}0' can both be the frame '0'"),
        (Until("ok", "{n:d}"), int, "a reply with an end needs a list, or a class with one list"),
        (NUMBERED, list[int], "the end of Until must be a template, not 3"),
        (Until("ok", "NG,{text},"), list[str], "and the fault 'NG,{code},{reason}' can both be the frame"),
        (Until("ok", OneOf("A{n:d}", "A{s}")), list[int | str], "can both be the frame 'A0'"),
        (Until("ok", CountedLines("{#}", "{n}")), list[int], "each item must be a template, or OneOf"),
        (Until("ok", "{n:d}", at_most=0), list[int], "at_most=0 must be at least 1"),
    ],
)
def test_lines_that_cannot_be_told_apart_are_refused(reply: Any, result: Any, message: str) -> None:
    assert message in refused(reply, result)


# -- one of several forms -------------------------------------------------------------------------------


def test_a_form_stands_for_the_type_that_has_its_fields() -> None:
    reply = OneOf("S {stable:S|D} {grams:10.2f} g", "S E", "S C {text}")
    dialect = bound("SI", reply, Weight | None | Message, codec=Template(fault="ES"))
    for value, frame in (
        (Weight(100.0, True), b"S S     100.00 g"),
        (Weight(2.5, False), b"S D       2.50 g"),
        (None, b"S E"),
        (Message("door"), b"S C door"),
    ):
        assert [frame] == replied(dialect, value)
        assert [value] == results_of(dialect, frame)
    with pytest.raises(Fault):
        results_of(dialect, b"ES")
    assert ("S {stable:S|D} {grams:10.2f} g", "or: S E", "or: S C {text}") == dialect.notation("do").replies


def test_forms_with_the_same_fields_stand_for_types_in_their_order() -> None:
    dialect = bound("SI", OneOf("N {x}", "T {x}"), float | str)
    assert [b"N 1.5"] == replied(dialect, 1.5)
    assert [b"T a"] == replied(dialect, "a")
    assert [1.5] == results_of(dialect, b"N 1.5")
    assert ["7"] == results_of(dialect, b"T 7")


def test_several_forms_of_one_type_are_all_read_and_the_first_that_fits_is_sent() -> None:
    dialect = bound("M", OneOf("OK,{x:.1f}", "WARN,{x:.1f},{warning}"), Measured)
    assert [b"OK,1.5"] == replied(dialect, Measured(1.5))
    assert [b"WARN,1.5,hot"] == replied(dialect, Measured(1.5, "hot"))
    assert [Measured(1.5)] == results_of(dialect, b"OK,1.5")
    assert [Measured(1.5, "hot")] == results_of(dialect, b"WARN,1.5,hot")
    assert [2.0] == results_of(bound("SI", OneOf("S S {g} g", "S D {g} g"), float), b"S D 2.0 g")


def test_the_first_frame_that_differs_tells_the_form() -> None:
    dialect = bound("GET", OneOf(("1", "N {x:d}"), ("1", "T {s}"), "0"), int | str | None)
    assert [MORE, 7] == results_of(dialect, b"1", b"N 7")
    assert [MORE, "a"] == results_of(dialect, b"1", b"T a")
    assert [None] == results_of(dialect, b"0")
    assert [b"1", b"T a"] == replied(dialect, "a")


def test_a_frame_that_fits_no_form_is_explained_by_the_nearest() -> None:
    dialect = bound("SI", OneOf("S S {grams} g", "S E"), float | None)
    with pytest.raises(CodecError, match="grams: 'x g' does not begin with a number"):
        results_of(dialect, b"S S x g")
    with pytest.raises(CodecError, match="must be a number"):
        replied(dialect, "much")


@pytest.mark.parametrize(
    ("reply", "result", "message"),
    [
        (OneOf(), int, "the reply cannot be OneOf(forms=())"),
        (
            OneOf("A {x}", "A {y}"),
            float | str,
            "the forms 'A {x}' and 'A {y}' of the reply can both be the frame 'A 0'",
        ),
        (OneOf("A {x}", "B"), float | str, "the form 'B' of the reply fits no member of float | str"),
        (OneOf("A {x}", "B {x}", "C {x}"), float | str, "can stand for float, str: give one form for each"),
        (OneOf("A {x},{y}", "B"), float | None, "the form 'A {x},{y}' of the reply fits no member"),
        (OneOf("A {x}", "B {x}"), float | None, "the reply has no form for None: add one to OneOf"),
        (OneOf("A {x}", "NG,{x},"), str, "can both be the frame"),
        (OneOf(("1", "{x}"), "1"), float | None, "begin alike, and nobody knows if another frame follows"),
        (OneOf("A {x}", "B"), Measured, "Measured.x is in no template"),
    ],
)
def test_forms_that_cannot_be_told_apart_are_refused(reply: Any, result: Any, message: str) -> None:
    assert message in refused(reply, result)


# -- all of them ----------------------------------------------------------------------------------------

LINES = st.sampled_from(["A {x:.2f}", "B {n:d}", "C {s}", "D", "E {x:.1f};{n:d}"])
TYPES = {"A {x:.2f}": float, "B {n:d}": int, "C {s}": str, "D": None, "E {x:.1f};{n:d}": "Both"}


@frozen
class Both:
    x: float
    n: int


@st.composite
def declared_replies(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a reply of any form, and its result."""
    count = draw(st.integers(1, 4))
    lines = draw(st.lists(LINES, min_size=count, max_size=count, unique=True))
    members: Any = None
    for index, line in enumerate(lines):
        kind = Both if TYPES[line] == "Both" else TYPES[line]
        members = (kind if kind is not None else type(None)) if index == 0 else members | kind
    form: Any = OneOf(*lines) if len(lines) > 1 else lines[0]
    tail = draw(st.sampled_from(["one", "until", "counted"]))
    if tail != "one":
        if members is type(None):
            form, members = "B {n:d}", int
        form = Until("ok", form) if tail == "until" else CountedLines("{#:d}", form)
        members = list[members]
    if draw(st.booleans()):
        form = ("1", form)
    if draw(st.booleans()):
        form = Acknowledged("ACK", *form) if isinstance(form, tuple) else Acknowledged("ACK", form)
    return form, members


@given(declared=declared_replies(), random=st.randoms(use_true_random=False))
def test_what_the_equipment_writes_the_host_reads(declared: tuple[Any, Any], random: Random) -> None:
    reply, result = declared
    dialect = bound("DO", reply, result)
    value = dialect.draw_result("do", random)
    frames = replied(dialect, value)
    read = results_of(dialect, *frames)
    assert [MORE] * (len(frames) - 1) == read[:-1]
    assert (type(value), value) == (type(read[-1]), read[-1])


def from_layout(layout: dict[str, Any]) -> Any:
    """Return the declared reply that plain data describe."""

    def one(form: dict[str, Any]) -> Any:
        frames, items = [each["template"] for each in form["frames"]], form["items"]
        if items is None:
            return tuple(frames)
        each = OneOf(*(one(item)[0] for item in items["forms"]))
        if items["end"] is None:
            return CountedLines(frames, each, at_most=items["at_most"])
        return (*frames, Until(items["end"]["template"], each, at_most=items["at_most"]))

    reply = OneOf(*map(one, layout["forms"]))
    if "acknowledgement" not in layout:
        return reply
    return Acknowledged(layout["acknowledgement"]["template"], reply)


@given(declared=declared_replies(), random=st.randoms(use_true_random=False))
def test_a_reply_can_be_declared_again_from_its_layout(declared: tuple[Any, Any], random: Random) -> None:
    """A partner who writes a program from the manual sends the same bytes."""
    reply, result = declared
    dialect = bound("DO", reply, result)
    layout = dialect.layout("do")
    assert layout is not None
    again = bound("DO", from_layout(layout["reply"]), result)
    value = dialect.draw_result("do", random)
    assert replied(dialect, value) == replied(again, value)


@given(
    forms=st.lists(
        st.sampled_from(["{x}", "A{x}", "A {x:d}", "A", "A {s},{x:d}", "{s}", "B", "1", "{x:02d}"]),
        min_size=2,
        max_size=4,
    ),
    fault=st.sampled_from(["E{code:d}", "{code:d}", "A{code}", "{code},{reason}"]),
    random=st.randoms(use_true_random=False),
)
def test_no_accepted_reply_has_a_frame_that_is_two_forms_or_a_fault(
    forms: list[str], fault: str, random: Random
) -> None:
    """Declarations are drawn, not only values: what is not refused is never read as something else."""

    @frozen
    class Sent:
        s: str = ""
        x: int = 0

    try:
        dialect = bound("DO", OneOf(*forms), Sent, codec=Template(fault=fault))
    except ConfigurationError:
        return
    for number in range(5):
        sent = Sent(random.choice(["", "a", "A", "1"]), random.choice([0, 1, number, -3]))
        try:
            (frame,) = replied(dialect, sent)
        except CodecError:
            continue
        assert [sent] == results_of(dialect, frame)


@pytest.mark.parametrize("head", [2, b"OK {#}", None])
def test_the_head_of_counted_lines_must_be_a_template(head: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"needs a template first, as in 'OK \{#\}', not "):
        CountedLines(head, "{name}")


def test_no_drawn_line_is_the_end_of_its_reply() -> None:
    spec = MessageSpec("do", "Device.do", "DO", Until(".", "{line}"), result=list[str])
    dialect = Template().bind([spec])
    for seed in range(2000):
        assert dialect.reply(Request("do", {}), dialect.draw_result("do", Random(seed)))


def test_a_reader_that_refused_frames_reads_the_next_one() -> None:
    reader = bound("ASK", reply=Until("END", "{n:d}"), result=list[int]).reply_reader("do")
    assert reader is not None
    assert MORE is reader.take("1")
    for _ in range(2):
        with pytest.raises(CodecError, match="other"):
            reader.take("other")
    assert [1] == reader.take("END")
