"""The lines of the frame log, exactly."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from attrs import define

from tcpcomm import ConfigurationError, FrameLog, FrameProtocol, LinkState, MessageKind, ObservedMessage
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.session.frame_log import LONGEST_LINE, MOST_REASONS, frame_log
from tests.session.stage import PEER, TOO_LONG, Logged, Spy, Stage, staged

AT = datetime(2026, 11, 28, 6, 46, 24, 123456).timestamp()
LOCATE = ObservedMessage(
    kind=MessageKind.COMMAND, sent=False, frame=b"TRG,3", name="locate", values={"job": 3}
)


@define
class Declared:
    """A session with a declared conversation."""

    peer: str = "192.168.0.10:50432"
    is_declared: bool = True


def written(**options: Any) -> tuple[FrameLog, list[str]]:
    """Return a frame log, and the list to which it writes its lines without their time."""
    lines: list[str] = []

    def write(line: str) -> None:
        lines.append(line.removeprefix("06:46:24.123456  "))

    return FrameLog(write, clock=lambda: AT, **options), lines


def shown(peer: str, mark: str, hexadecimal: str, text: str) -> str:
    """Return a line about a frame without its time."""
    return f"{peer:<21}  {mark}  {hexadecimal:<47}  {text}"


def on_stage(protocol: Any = Spy, **options: Any) -> tuple[Stage, list[str]]:
    log, lines = written()
    return staged(protocol, observers=[log], **options), lines


def test_a_line_has_time_peer_direction_hex_and_text() -> None:
    lines: list[str] = []
    stage = staged(observers=[FrameLog(lines.append, clock=lambda: AT)])
    stage.session.on_frame = lambda frame: stage.session.sendFrame(b"OK,1.5")
    stage.receive(b"TRG,3;")
    assert [
        "06:46:24.123456  192.168.0.10:50432     --  opened",
        "06:46:24.123456  192.168.0.10:50432     --  ready",
        "06:46:24.123456  " + shown(PEER, "<-", "54 52 47 2c 33", "|TRG,3|"),
        "06:46:24.123456  " + shown(PEER, "->", "4f 4b 2c 31 2e 35", "|OK,1.5|"),
    ] == lines
    assert {17 + 23 + 4 + 49} == {line.index("|") for line in lines[2:]}


def test_the_end_is_a_line_with_its_reason() -> None:
    stage, lines = on_stage()
    stage.session.close("the shift is over")
    stage.settle()
    assert "192.168.0.10:50432     --  closed: the shift is over" == lines[-1]


def test_a_proven_peer_is_named() -> None:
    log, lines = written()
    session = FrameProtocol()
    session.peer, session.identity = "10.0.0.5:1", "robot-1"
    log.ready(session)
    assert ["10.0.0.5:1             --  ready as robot-1"] == lines


def test_bytes_that_are_not_text_are_escaped() -> None:
    stage, lines = on_stage(framing=LengthPrefixed(1))
    stage.session.sendFrame(b"\x02A\r\n\xff")
    assert shown(PEER, "->", "02 41 0d 0a ff", r"|\x02A\x0d\x0a\xff|") == lines[-1]


def test_text_in_another_encoding_is_shown_as_text() -> None:
    log, lines = written(encoding="utf-8")
    log.frame_sent(FrameProtocol(), "작업".encode())
    assert [shown("no peer yet", "->", "ec 9e 91 ec 97 85", "|작업|")] == lines


def test_a_long_frame_is_cut() -> None:
    log, lines = written(shown=4)
    log.frame_sent(FrameProtocol(), b"abcdefgh" * 8160)
    assert [shown("no peer yet", "->", "61 62 63 64", "|abcd| … 65,280 bytes in all")] == lines


def test_by_default_256_bytes_are_shown() -> None:
    log, lines = written()
    log.frame_sent(FrameProtocol(), b"x" * 256)
    log.frame_sent(FrameProtocol(), b"x" * 257)
    assert lines[0].endswith(f"|{'x' * 256}|")
    assert lines[1].endswith(f"|{'x' * 256}| … 257 bytes in all")


def test_a_line_is_cut_after_4000_characters_however_much_of_a_frame_is_wanted() -> None:
    log, lines = written(shown=100_000)
    log.frame_sent(FrameProtocol(), b"x" * 100_000)
    assert LONGEST_LINE <= len(lines[0]) < LONGEST_LINE + 100
    assert lines[0].endswith(" characters in all")


@pytest.mark.parametrize("way", ["sendFrame", "sendFrames", "send_framed"])
def test_a_large_frame_is_one_line_that_is_cut(way: str) -> None:
    frame = b"x" * LARGE
    stage, lines = on_stage(framing=LengthPrefixed(4))
    {
        "sendFrame": lambda: stage.session.sendFrame(frame),
        "sendFrames": lambda: stage.session.sendFrames([frame]),
        "send_framed": lambda: stage.session.send_framed(LengthPrefixed(4).encode_large(frame), [frame]),
    }[way]()
    assert [f"|{'x' * 256}| … 65,536 bytes in all"] == [line.split("  ")[-1] for line in lines[2:]]


def test_large_frames_of_one_call_are_one_line_each() -> None:
    frames = [b"a" * LARGE, b"b", b"c" * LARGE]
    stage, lines = on_stage(framing=LengthPrefixed(4))
    stage.session.sendFrames(frames)
    stage.session.send_framed((LengthPrefixed(4).encode_many(frames),), frames)
    assert ["a", "b", "c"] * 2 == [line.split("|")[1][0] for line in lines[2:]]


def test_later_lines_are_aligned_to_the_longest_peer() -> None:
    log, lines = written()
    session = FrameProtocol()
    for session.peer in ("10.0.0.5:1", "[2001:db8::1234:5678]:50432", "10.0.0.5:1"):
        log.opened(session)
    assert [
        "10.0.0.5:1             --  opened",
        "[2001:db8::1234:5678]:50432  --  opened",
        "10.0.0.5:1                   --  opened",
    ] == lines


def test_half_a_frame_is_shown_after_a_second_with_what_is_missing() -> None:
    stage, lines = on_stage()
    stage.receive(b"OK,1\r")
    stage.wait(0.9)
    assert lines[-1].endswith("--  ready")
    stage.wait(0.2)
    assert lines[-1] == (
        r"192.168.0.10:50432     <-  half a frame: the peer sent b'OK,1\r', and then no b';': "
        "does it end its messages as we do?"
    )


def test_half_a_frame_of_a_secret_shows_none_of_its_bytes() -> None:
    stage, lines = on_stage()
    stage.session.keeps_secret = True
    stage.receive(b"OK")
    stage.wait(1.1)
    assert lines[-1].endswith("<-  half a frame: a secret")


def test_a_frame_in_two_chunks_is_one_line() -> None:
    stage, lines = on_stage()
    stage.receive(b"MS,0,+01")
    stage.wait(0.002)
    stage.receive(b"7.34;")
    stage.wait(5.0)
    assert ["--  opened"[:9], "--  ready", "<-  4d 53"] == [line[23:32] for line in lines]


def test_an_answer_to_a_command_without_a_name_says_so() -> None:
    log, lines = written()
    asked = ObservedMessage(kind=MessageKind.UNREADABLE, sent=False, frame=b"HELLO")
    fault = ObservedMessage(
        kind=MessageKind.FAULT, sent=True, frame=b"NG", answers=asked, values={"code": 92, "data": None}
    )
    log.message(Declared(), fault)
    assert "fault     code=92 answers it" in lines[-1]


def test_a_fault_is_shown_with_its_details() -> None:
    stage, lines = on_stage()
    stage.receive(TOO_LONG + b";")
    assert lines[-1].startswith("192.168.0.10:50432     !!  ")
    assert "(frame at byte 0 of the stream)" in lines[-1]


def test_a_fault_of_a_secret_shows_none_of_its_bytes() -> None:
    stage, lines = on_stage(framing=Delimited(b";", max_frame=4))
    stage.session.keeps_secret = True
    stage.receive(b"password;")
    assert not [line for line in lines if "pass" in line]


def test_a_message_is_shown_with_its_name_and_values() -> None:
    log, lines = written()
    log.message(Declared(), LOCATE)
    assert [
        f"192.168.0.10:50432     <-  {'command   locate(job=3)':<40}  {'54 52 47 2c 33':<47}  |TRG,3|"
    ] == lines


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (MessageKind.REPLY, {"result": 1.5}, "reply     result=1.5 answers locate(job=3) after 1.234 ms"),
        (MessageKind.REPLY, {}, "reply     answers locate(job=3) after 1.234 ms"),
        (
            MessageKind.FAULT,
            {"code": 3, "reason": "no part"},
            "fault     code=3, reason='no part' answers locate(job=3) after 1.234 ms",
        ),
    ],
)
def test_an_answer_shows_its_command_and_its_time(
    kind: MessageKind, values: dict[str, Any], expected: str
) -> None:
    log, lines = written()
    answer = ObservedMessage(
        kind=kind, sent=True, frame=b"OK", values=values, answers=LOCATE, seconds=0.001234
    )
    log.message(Declared(), answer)
    assert [f"192.168.0.10:50432     ->  {expected:<40}  {'4f 4b':<47}  |OK|"] == lines


def test_a_problem_is_shown() -> None:
    log, lines = written()
    problem = "there is no command '?'"
    log.message(
        Declared(), ObservedMessage(kind=MessageKind.UNREADABLE, sent=False, frame=b"?", problem=problem)
    )
    assert [
        f"192.168.0.10:50432     <-  {'unreadable ! there is no command ' + repr('?'):<40}  {'3f':<47}  |?|"
    ] == lines


def test_frames_of_a_declared_session_are_only_shown_as_messages() -> None:
    log, lines = written()
    log.frame_received(Declared(), b"TRG,3")
    log.frame_sent(Declared(), b"OK")
    assert [] == lines


def test_heartbeats_of_a_declared_session_are_messages() -> None:
    from tcpcomm import Heartbeat

    class DeclaredSpy(Spy):
        is_declared = True

    stage, lines = on_stage(DeclaredSpy, heartbeat=Heartbeat(b"PING", b"PONG"))
    stage.receive(b"PING;")
    assert [
        f"192.168.0.10:50432     <-  {'heartbeat':<40}  {'50 49 4e 47':<47}  |PING|",
        f"192.168.0.10:50432     ->  {'heartbeat':<40}  {'50 4f 4e 47':<47}  |PONG|",
    ] == lines[-2:]


def test_the_attempts_of_an_outage_are_lines_once_for_each_reason() -> None:
    class AnyLink:
        name: str = "link"

    log, lines = written()
    for _ in range(2):
        for _ in range(100):
            log.link_state(AnyLink(), LinkState.CONNECTING, "dialling")
            log.link_state(AnyLink(), LinkState.DOWN, "refused")
        log.link_state(AnyLink(), LinkState.DOWN, "no route")
        log.link_state(AnyLink(), LinkState.READY, "the peer is proven")
    told = ["connecting: dialling", "down: refused", "down: no route", "ready: the peer is proven"]
    assert told * 2 == [line.partition("--  link ")[2] for line in lines]


def test_an_outage_with_ever_new_reasons_has_so_many_lines_at_most() -> None:
    class AnyLink:
        name: str = "link"

    log, lines = written()
    for number in range(1000):
        log.link_state(AnyLink(), LinkState.DOWN, f"no heartbeat for {number} s")
    assert MOST_REASONS == len(lines)


def test_link_states_are_lines_too() -> None:
    @define
    class AnyLink:
        name: str = "link to tcp:10.0.0.5:9999"

    log, lines = written()
    log.link_state(AnyLink(), LinkState.CONNECTING, "")
    log.link_state(AnyLink(), LinkState.DOWN, "refused")
    assert [
        "link to tcp:10.0.0.5:9999  --  link connecting",
        "link to tcp:10.0.0.5:9999  --  link down: refused",
    ] == lines


def test_by_default_lines_go_to_twisted_s_log(logged: Logged) -> None:
    staged(observers=frame_log(True))
    assert [line[17:] for line in logged.lines()] == [
        "192.168.0.10:50432     --  opened",
        "192.168.0.10:50432     --  ready",
    ]


def test_a_file_and_a_function_get_each_line() -> None:
    file, lines = io.StringIO(), list[str]()
    function: Callable[[str], object] = lines.append
    for observer in (*frame_log(file), *frame_log(function)):
        observer.opened(FrameProtocol())
    assert file.getvalue().endswith("  no peer yet            --  opened\n")
    assert lines[0].endswith("  no peer yet            --  opened")


@pytest.mark.parametrize("log", [None, False])
def test_without_a_log_there_is_no_observer(log: Any) -> None:
    assert [] == frame_log(log)


def test_another_kind_of_log_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="an open text file or a function of a line, not 'debug'"):
        frame_log("debug")  # type: ignore[arg-type]


def test_a_tool_may_name_the_directions_and_add_lines() -> None:
    lines: list[str] = []
    log = FrameLog(lines.append, clock=lambda: AT, marks=("to us", "from us"))
    session = FrameProtocol()
    session.peer = "10.0.0.5:1"
    log.frame_received(session, b"A")
    log.note("10.0.0.5:1", "2 frames in one chunk", sent=False)
    log.note("10.0.0.5:1", "nothing more")
    log.altered(session, "dropped", sent=True)
    assert ["to us    41", "to us    2 frames", "--       nothing more", "~~       from us dropped"] == [
        line[40:][:size] for line, size in zip(lines, (11, 17, 22, 24), strict=True)
    ]
