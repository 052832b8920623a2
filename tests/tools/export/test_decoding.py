"""Recorded bytes are decoded afresh by a declaration or a framing."""

from __future__ import annotations

from typing import Any

from tcpcomm import Equipment, MessageKind, command, declaration_of
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.export.decoding import decoded
from tcpcomm.tools.record.values import RecordedFault, RecordedFrame, RecordedMessage
from tests.tools.export.made import Talk


class Camera(Equipment):
    """A camera."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.1f}")
    async def locate(self, job: int) -> float:
        raise NotImplementedError


CAMERA = Speech.declared(declaration_of(Camera))


def messages(talk: Talk, speech: Speech = CAMERA) -> list[Any]:
    sessions = {talk.session.number: talk.session}
    kinds = RecordedMessage | RecordedFrame | RecordedFault
    return [
        each
        for each in decoded(talk.values, sessions, speech, from_beginning=True)
        if isinstance(each, kinds)
    ]


def test_a_declaration_names_commands_and_joins_replies() -> None:
    talk = Talk().chunk(b"TRG,3\r\nTRG,4\r\n").chunk(b"OK,1.5\r\nOK,2.5\r\n", sent=True)
    first, second, reply, other = messages(talk)
    assert [{"job": 3}, {"job": 4}] == [dict(first.values), dict(second.values)]
    assert (first.number, second.number) == (reply.answers, other.answers)
    assert (MessageKind.REPLY, {"result": 1.5}, True, 0.001) == (
        reply.kind,
        dict(reply.values),
        reply.sent,
        round(reply.seconds, 6),
    )


def test_the_recording_of_a_host_has_its_directions() -> None:
    talk = Talk(is_equipment=False).chunk(b"TRG,3\r\n", sent=True).chunk(b"OK,1.5\r\n")
    asked, reply = messages(talk)
    assert (True, MessageKind.COMMAND) == (asked.sent, asked.kind)
    assert (False, asked.number) == (reply.sent, reply.answers)


def test_what_was_decoded_before_is_replaced() -> None:
    talk = Talk().chunk(b"TRG,3\r\n").message(b"TRG,3", name="old")
    assert ["locate"] == [each.name for each in messages(talk)]


def test_bytes_that_do_not_fit_have_the_reason() -> None:
    (found,) = messages(Talk().chunk(b"HELLO\r\n"))
    assert (MessageKind.UNREADABLE, b"HELLO") == (found.kind, found.frame)
    assert found.problem


def test_a_framing_alone_cuts_frames_also_by_silence() -> None:
    talk = Talk().chunk(b"ab;cd").chunk(b"ef", sent=True).chunk(b";x").close()
    speech = Speech.framed(Delimited(b";"), gap=0.0005)
    frames = [each for each in messages(talk, speech) if isinstance(each, RecordedFrame)]
    assert [b"ab", b"cd", b"ef", b"", b"x"] == [each.frame for each in frames]


def test_a_half_frame_at_the_end_is_a_fault() -> None:
    kinds = [each.kind for each in messages(Talk().chunk(b"TRG,3").close())]
    assert ["half frame", "TruncatedFrame"] == kinds
