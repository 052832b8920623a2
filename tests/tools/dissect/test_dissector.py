"""What observers are told of overheard bytes, also of those that fit nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import Equipment, command
from tcpcomm.codec import Silence, Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import BadChecksum, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Delimited, FixedSize, LengthPrefixed, Unframed, parse_framing
from tcpcomm.session.observer import MaskedBytes
from tcpcomm.testing import chunkings
from tcpcomm.tools.dissect.asked_commands import MOST_PENDING
from tcpcomm.tools.dissect.speech import Speech
from tests.conversation.test_conversation import Cell
from tests.equipment import test_forms as forms
from tests.equipment.declared import RpcCamera, VisionCamera
from tests.tools.dissect.listening import Heard

CAMERA = Speech.declared(declaration_of(VisionCamera))


def heard(kind: type[Equipment]) -> Heard:
    return Heard(Speech.declared(declaration_of(kind)))


# -- without a declaration ---------------------------------------------------------------------------------


def test_without_a_framing_each_chunk_is_a_frame() -> None:
    talk = Heard(Speech.raw())
    talk.host(b"start work")
    talk.equipment(b"OK", b"!")
    talk.dissector.end(to_host=True)
    talk.dissector.close("the equipment closed the connection")
    assert [
        ("opened",),
        ("ready",),
        ("received", b"start work"),
        ("frame_received", b"start work"),
        ("sent", b"OK"),
        ("frame_sent", b"OK"),
        ("sent", b"!"),
        ("frame_sent", b"!"),
        ("closed", "the equipment closed the connection"),
    ] == talk.observer.log
    assert (1, 2, False) == (
        talk.session.frames_received,
        talk.session.frames_sent,
        talk.session.is_open,
    )


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_frames_do_not_depend_on_the_chunks(frames: list[bytes], data: st.DataObject) -> None:
    framing = LengthPrefixed(2)
    talk = Heard(Speech.framed(framing))
    wire = b"".join(map(framing.encode, frames))
    talk.equipment(*data.draw(chunkings(wire)))
    assert frames == [entry[1] for entry in talk.observer.only("frame_sent")]
    assert wire == b"".join(entry[1] for entry in talk.observer.only("sent"))


def test_each_direction_has_its_framing() -> None:
    talk = Heard(Speech.framed(Delimited(b"\r"), FixedSize(3)))
    talk.host(b"a\rb\r")
    talk.equipment(b"123456")
    assert [("frame_received", b"a"), ("frame_received", b"b")] == talk.observer.only("frame_received")
    assert [("frame_sent", b"123"), ("frame_sent", b"456")] == talk.observer.only("frame_sent")


def test_a_half_frame_is_told_once_with_its_sender() -> None:
    talk = Heard(Speech.framed(Delimited(b"\r\n")))
    talk.host(b"TRG,1\n", b"TRG", b",2\r\n")
    talk.equipment(b"OK\r")
    assert [
        ("half_frame", "the host sent b'TRG,1\\n' so far"),
        ("half_frame", "the equipment sent b'OK\\r' so far", "sent"),
    ] == talk.observer.only("half_frame")


def test_a_frame_has_stalled_after_a_second_without_its_rest() -> None:
    talk = Heard(Speech.framed(Delimited(b"\r\n")))
    talk.host(b"TRG")
    talk.clock.advance(0.9)
    talk.host(b",2")
    talk.clock.advance(0.9)
    assert [] == talk.observer.only("frame_stalled")
    talk.clock.advance(0.2)
    talk.host(b"\r\nTRG,3\r\n")
    rest = "and then no b'\\r\\n': does it end its messages as we do?"
    assert [("frame_stalled", f"the host sent b'TRG,2', {rest}")] == talk.observer.only("frame_stalled")


def test_no_timer_is_left_when_an_overheard_connection_is_gone() -> None:
    talk = Heard(Speech.framed(Delimited(b"\r\n")))
    talk.host(b"TRG")
    talk.equipment(b"OK")
    talk.dissector.end(to_host=False)
    talk.dissector.close("closed")
    assert [] == talk.clock.getDelayedCalls()
    assert [] == talk.observer.only("frame_stalled")


def test_a_silence_ends_a_frame_where_the_language_has_a_gap() -> None:
    talk = Heard(Speech.framed(Unframed(join=True), gap=0.05))
    talk.host(b"TRG", b",1")
    talk.dissector.silence(to_host=True)
    assert [] == talk.observer.only("frame_received", "half_frame")
    talk.dissector.silence(to_host=False)
    assert [("frame_received", b"TRG,1")] == talk.observer.only("frame_received")


def test_a_wrong_checksum_is_told_and_the_next_frame_is_read() -> None:
    framing = parse_framing("stx-etx,bcc=xor")
    talk = Heard(Speech.framed(framing))
    wrong = bytearray(framing.encode(b"OK,1"))
    wrong[-1] ^= 1
    talk.equipment(bytes(wrong) + framing.encode(b"OK,2"))
    assert [("fault", BadChecksum, "sent"), ("frame_sent", b"OK,2")] == talk.observer.only(
        "fault", "frame_sent"
    )
    assert 1 == talk.session.faults


def test_a_broken_framing_is_told_and_the_bytes_behind_are_shown_as_they_come() -> None:
    talk = Heard(Speech.framed(LengthPrefixed(4, max_frame=100)))
    talk.host(b"GET / HTTP/1.1\r\n", b"Host: x\r\n\r\n")
    assert [("fault", FrameTooLong)] == talk.observer.only("fault")
    assert [("frame_received", b"Host: x\r\n\r\n")] == talk.observer.only("frame_received")


def test_the_end_within_a_frame_is_told() -> None:
    talk = Heard(Speech.framed(Delimited(b";")))
    talk.host(b"a;b")
    talk.dissector.end(to_host=False)
    assert [("fault", TruncatedFrame)] == talk.observer.only("fault")


def test_an_alteration_is_told_with_its_direction() -> None:
    talk = Heard(Speech.raw())
    talk.dissector.alter("dropped reply 3", to_host=True)
    talk.dissector.alter("dropped the request", to_host=False)
    assert [("altered", "dropped reply 3", "sent"), ("altered", "dropped the request")] == [
        *talk.observer.only("altered")
    ]


# -- with a declaration --------------------------------------------------------------------------------


def test_the_messages_of_a_conversation() -> None:
    talk = Heard(CAMERA)
    talk.host(b"TRG,1\r\nTR")
    talk.clock.advance(0.25)
    talk.equipment(b"ALM,7\r\nOK,1.000,2.000,3.000\r\n")
    talk.host(b"G,2\r\n")
    talk.equipment(b"NG,3,no part\r\n")
    assert [
        "< | command | locate | job=1",
        "> | event | alarm | code=7",
        "> | reply | locate | result=Position(x=1.0, y=2.0, angle=3.0) | to TRG,1",
        "< | command | locate | job=2",
        "> | fault | locate | code=3 reason=no part | to TRG,2",
    ] == talk.told
    assert 0.25 == talk.messages[2].seconds


def test_an_answer_that_does_not_fit_its_command_is_told_with_the_reason() -> None:
    talk = Heard(CAMERA)
    talk.host(b"TRG,1\r\n")
    talk.equipment(b"MAYBE\r\n", b"OK,1.000,2.000,3.000\r\n")
    first, second = talk.told[1:]
    assert first.startswith("> | unreadable | locate | to TRG,1 | the reply makes no sense: ")
    assert "> | unreadable | it answers no command: it is late, or nobody asked" == second


def test_a_frame_that_is_no_command_is_told_with_the_reason_and_gets_the_fault_that_answers_it() -> None:
    talk = Heard(CAMERA)
    talk.host(b"TRIGGER 1\r\n")
    talk.equipment(b"NG,2,what?\r\n")
    first, second = talk.told
    assert first.startswith("< | unreadable | ")
    assert "> | fault | code=2 reason=what? | to TRIGGER 1" == second


def test_a_command_that_nobody_answered_does_not_shift_the_answers_of_those_behind_it() -> None:
    talk = Heard(CAMERA)
    talk.host(b"TRG,1\r\n")
    talk.host(b"LAMP,ON\r\n")
    talk.equipment(b"LAMP OK\r\n")
    assert "> | reply | light | to LAMP,ON" == talk.told[-1]
    talk.host(b"TRG,2\r\n")
    talk.clock.advance(2.1)  # its timeout is over: the host has given it up
    talk.host(b"TRG,3\r\n")
    talk.equipment(b"OK,1.000,2.000,3.000\r\n")
    assert talk.told[-1].endswith("to TRG,3")


def test_a_command_without_a_reply_awaits_none() -> None:
    talk = Heard(CAMERA)
    talk.host(b"RESET\r\nTRG,1\r\n")
    talk.equipment(b"OK,1.000,2.000,3.000\r\n")
    assert talk.told[-1].endswith("to TRG,1")


class Quiet(Equipment):
    """Equipment whose command succeeds by silence."""

    framing = Delimited(b"\r")
    codec = Template(fault="E{code:d}")

    @command("SET {x}", reply=Silence(0.5))
    def set(self, x: int) -> None:
        """Set it."""

    @command("GET", reply="{x}")
    def get(self) -> int:
        """Get it."""
        raise NotImplementedError


def test_a_command_that_succeeds_by_silence_leaves_the_answer_to_the_next_one() -> None:
    talk = heard(Quiet)
    talk.host(b"SET 1\r")
    talk.clock.advance(0.1)
    talk.host(b"GET\r")
    talk.equipment(b"7\r")
    talk.host(b"SET 2\r")
    talk.equipment(b"E3\r")
    assert [
        "> | reply | get | result=7 | to GET",
        "< | command | set | x=2",
        "> | fault | set | code=3 reason= | to SET 2",
    ] == talk.told[2:]


def test_answers_with_ids_come_in_any_order_and_late_ones_are_told() -> None:
    talk = heard(RpcCamera)
    ask = b'{"jsonrpc":"2.0","method":"locate","params":{"job":%d},"id":%s}\n'
    answer = b'{"jsonrpc":"2.0","result":{"x":1.0,"y":2.0,"angle":3.0},"id":%s}\n'
    talk.host(ask % (1, b"5"), ask % (2, b'"abc"'))
    talk.equipment(answer % b'"abc"', answer % b"5", answer % b"5")
    answers = talk.messages[2:]
    assert [2, 1, None] == [each.answers.values["job"] if each.answers else None for each in answers]
    assert "it answers no command: it is late, or nobody asked" == answers[-1].problem


def test_both_sides_may_ask() -> None:
    talk = Heard(Speech.declared(declaration_of(VisionCamera), declaration_of(Cell)))
    talk.host(b"TRG,1\r\n")
    talk.equipment(b"WHERE\r\n")
    talk.host(b"AT,4\r\n", b"MOVED,2\r\n")
    talk.equipment(b"OK,1.000,2.000,3.000\r\n")
    assert [
        "< | command | locate | job=1",
        "> | command | where",
        "< | reply | where | result=4 | to WHERE",
        "< | event | moved | joint=2",
    ] == talk.told[:-1]
    assert talk.told[-1].startswith("> | reply | locate")


def test_a_flood_of_commands_without_answers_is_bounded() -> None:
    talk = Heard(CAMERA)
    talk.host(b"".join(b"TRG,%d\r\n" % number for number in range(MOST_PENDING + 5)))
    talk.equipment(b"OK,1.000,2.000,3.000\r\n")
    assert talk.told[-1].endswith("to TRG,5")


# -- logins ----------------------------------------------------------------------------------------------


def logged_in() -> Heard:
    talk = heard(forms.InSight)
    talk.equipment(b"Welcome to In-Sight\r\n", b"User: ")
    talk.host(b"admin\r\n")
    talk.equipment(b"Password: ")
    talk.host(b"open sesame\r\n")
    talk.equipment(b"User Logged In\r\n")
    return talk


def test_a_login_is_followed_and_its_credentials_are_masked() -> None:
    talk = logged_in()
    talk.host(b"GO\r\n")
    talk.equipment(b"1\r\n")
    assert ["> | login", "> | login", "< | login", "> | login", "< | login", "> | login"] == talk.told[:6]
    assert ["< | command | online", "> | reply | online | result=1 | to GO"] == talk.told[6:]
    received = [entry[1] for entry in talk.observer.only("received", "frame_received")]
    assert [b"*" * 7, b"*" * 5, b"*" * 13, b"*" * 11, b"GO\r\n", b"GO"] == received
    assert [True] * 4 + [False] * 2 == [isinstance(each, MaskedBytes) for each in received]


def test_a_login_that_does_not_fit_is_told_and_given_up() -> None:
    talk = heard(forms.InSight)
    talk.equipment(b"Welcome to In-Sight\r\n", b"Access denied\r\n")
    talk.host(b"GO\r\n")
    problem = "the login expects 'User: ', and b'Access denied' came"
    assert ["> | login", f"> | login | {problem}", "< | command | online"] == talk.told


def test_a_host_that_does_not_wait_for_the_greeting_is_told() -> None:
    talk = heard(forms.InSight)
    talk.host(b"GO\r\n")
    assert ["< | login | the host did not wait for 'Welcome to In-Sight'"] == talk.told
    assert b"**" == talk.messages[0].frame


def test_a_connection_that_is_heard_from_its_middle_has_no_login() -> None:
    talk = Heard(Speech.declared(declaration_of(forms.InSight)), from_beginning=False)
    talk.host(b"GO\r\n")
    assert ["< | command | online"] == talk.told


# -- random bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [VisionCamera, RpcCamera, forms.InSight, forms.Star], ids=lambda kind: kind.__name__
)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=30)), max_size=20))
def test_any_bytes_are_shown_and_raise_nothing(
    kind: type[Equipment], chunks: list[tuple[bool, bytes]]
) -> None:
    talk = heard(kind)
    for to_host, data in chunks:
        talk.dissector.feed(data, to_host=to_host)
    for to_host in (False, True):
        talk.dissector.end(to_host=to_host)
    shown = sum(len(entry[1]) for entry in talk.observer.only("received", "sent"))
    assert sum(len(data) for _, data in chunks) == shown
