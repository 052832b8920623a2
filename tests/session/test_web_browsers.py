"""A web page cannot command equipment: a session that begins like a web browser's ends at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import DelimitedProtocol
from tcpcomm.errors import UnexpectedBytes
from tcpcomm.framing import (
    AutoDetect,
    Cobs,
    Delimited,
    Enclosed,
    FixedSize,
    Framing,
    LengthPrefixed,
    Lines,
    Unframed,
)
from tcpcomm.framing.web_guard import HTTP, LONGEST_FIRST_LINE, TLS, problem_with
from tests.conftest import stable_id
from tests.session.stage import PEER, Fault, Logged, staged

COMMAND = b"NAME,web page"

FRAMINGS: list[Framing] = [
    AutoDetect(),
    Lines(),
    Delimited(b";"),
    Delimited((b"\r\n", b"\n")),
    Enclosed(),
    FixedSize(16),
    LengthPrefixed(2),
    LengthPrefixed(1),
    Unframed(),
    Cobs(),
]

REQUESTS = [
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:9999\r\nContent-Length: %d\r\n\r\n",
    b"POST /;NAME,web page; HTTP/1.1\r\nHost: 127.0.0.1:9999\r\nContent-Length: %d\r\n\r\n",
    b"post / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: %d\r\n\r\n",
    b"GET /%d HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nX: %d\r\n\r\n",
    b"BREW /%d HTTP/1.0\n\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%d",
    b"GET http://127.0.0.1:9999/%d HTTP/1.1\r\n\r\n",
    b"POST /" + b"a" * 70_000 + b";NAME,web page; HTTP/1.1\r\n%d\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%d",
    b"\x16\x03\x03\x02\x00\x01\x00\x01\xfc\x03\x03%d",
]


def body(framing: Framing) -> bytes:
    framing = Lines() if isinstance(framing, AutoDetect) else framing
    wrapped = framing.encode(COMMAND.ljust(16) if isinstance(framing, FixedSize) else COMMAND)
    return wrapped * 3 + b"\r\n"


@pytest.mark.parametrize("framing", FRAMINGS, ids=stable_id)
@pytest.mark.parametrize("request_head", REQUESTS, ids=lambda each: repr(each[:12]))
@pytest.mark.parametrize("cut", [None, 2, 4, 5, 6])
def test_no_command_of_a_web_page_is_carried_out(
    framing: Framing, request_head: bytes, cut: int | None
) -> None:
    data = request_head % 200 + body(framing)
    stage = staged(framing=framing, gap=0.05)
    session: Any = stage.session
    session.on_frame = lambda frame: session.sendFrame(frame[:16].ljust(16))
    stage.receive(data[:cut])
    if cut is not None:
        stage.receive(data[cut:])

    frames = [each for each in session.seen if isinstance(each, bytes)]
    assert frames in ([], [data[:cut]])  # without framing, the first piece is a message: a few letters
    assert Fault(UnexpectedBytes) in session.seen
    assert session.reason is not None


def test_the_log_says_how_to_allow_it(logged: Logged) -> None:
    stage = staged(DelimitedProtocol)
    stage.receive(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    line, _ = logged.lines()
    assert line.startswith(f"{PEER}: the peer sent an HTTP request, as a web browser does")
    assert "allow_http=True" in line


def test_it_can_be_allowed() -> None:
    stage = staged(framing=Lines(), allow_http=True)
    stage.receive(b"GET / HTTP/1.1\r\n")

    assert [b"GET / HTTP/1.1"] == stage.session.seen


@pytest.mark.parametrize(
    "messages",
    [
        [b"TRG,3;"],
        [b"GET;"],
        [b"GET", b" x;"],
        [b"GET /dev/1;\r\n"],
        [b"P", b"O", b"ST;"],
        [b"\x16;"],
        [b"\x16\x03\x01;"],
        [b"MEAS HTTP/1.1;"],
        [b"A;", b"POST / HTTP/1.1;"],
    ],
    ids=stable_id,
)
def test_messages_of_equipment_pass(messages: list[bytes]) -> None:
    stage = staged()
    for each in messages:
        stage.receive(each)

    assert b"".join(messages).replace(b"\r\n", b"").split(b";")[:-1] == stage.session.seen


def test_a_first_message_that_silence_ends_passes() -> None:
    stage = staged(framing=AutoDetect(), gap=0.05)
    stage.receive(b"POST")
    stage.wait(0.1)
    stage.receive(b"next\r\n")

    assert [b"POST", b"next\r\n"] == stage.session.seen


@given(st.binary(max_size=60), st.integers(1, 60))
def test_what_is_not_refused_arrives_unchanged(data: bytes, cut: int) -> None:
    stage = staged(framing=Lines())
    plain = staged(framing=Lines(), allow_http=True)
    for each in (stage, plain):
        each.receive(data[:cut])
        each.receive(data[cut:])

    if problem_with(data) is None:
        assert plain.session.seen == stage.session.seen


def outcome(chunks: list[bytes], framing: Framing) -> tuple[bool, list[object]]:
    """Return whether the session was refused, and the frames that it delivered."""
    stage = staged(framing=framing)
    for each in chunks:
        stage.receive(each)
    session = stage.session
    return Fault(UnexpectedBytes) in session.seen, [each for each in session.seen if type(each) is bytes]


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"GET *IDN\r\n", False),
        (b"get /pos\r\n", False),
        (b"GET /dev/1;NAME,x;\r\n", False),
        (b"GET http:x;\r\n", False),
        (b"MEAS HTTP/1.1;\r\n", False),
        (b"MOVE 1; HTTP/1.1\r\n", False),
        (b"GET * HTTP/x\r\n", False),
        (b"\x16\x03\x01;;;", False),
        (b"GET /pos HTTP/1.1\r\n", True),
        (b"POST /;NAME,web page; HTTP/1.1\r\n", True),
        (b"BREW /;NAME,web page; HTTP/1.1\r\n", True),
        (b"GET HTTPS://x/;NAME,web page; HTTP/1.1\r\n", True),
        (b"OPTIONS * HTTP/1.1\r\n", True),
        (b"CONNECT host:443 HTTP/1.1\r\n", True),
        (b"\x16\x03\x01;;\x01", True),
    ],
    ids=stable_id,
)
@pytest.mark.parametrize("framing", [Lines(), Delimited(b";")], ids=stable_id)
def test_the_verdict_is_the_same_however_the_stream_is_cut(
    data: bytes, refused: bool, framing: Framing
) -> None:
    cuts: list[list[bytes]] = [[data], [data[at : at + 1] for at in range(len(data))]]
    cuts += [[data[:at], data[at:]] for at in range(1, len(data))]
    outcomes = [outcome(each, framing) for each in cuts]

    assert {refused} == {each for each, _ in outcomes}
    if not refused:
        assert all(frames == outcomes[0][1] for _, frames in outcomes)
    elif data[:1] != b"\x16":
        assert all(not frames for _, frames in outcomes)


PIECES = st.sampled_from(
    [b"GET", b"brew", b" ", b"/", b"*", b"http", b"s", b":", b"//", b"HTTP", b"/1", b"x", b";", b"\r",
     b"\n", b"\x16", b"\x03", b"\x01", b"a" * 70, b"/" * (LONGEST_FIRST_LINE - 6)]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9).map(b"".join), st.lists(st.integers(1, 20), max_size=8))
def test_a_verdict_never_depends_on_the_cuts(data: bytes, sizes: list[int]) -> None:
    chunks, rest = [], data
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    whole, cut = (outcome(each, Delimited(b";")) for each in ([data], [*chunks, rest]))

    assert whole[0] == cut[0]
    assert whole[0] or whole[1] == cut[1]


def test_a_first_line_may_end_at_the_last_byte_of_the_limit() -> None:
    line = b"SET /".ljust(LONGEST_FIRST_LINE - 1, b"x")

    assert (False, [line]) == outcome([line, b"\n"], Lines())
    assert (True, []) == outcome([line, b"x\n"], Lines()) == outcome([line + b"x\n"], Lines())


@pytest.mark.parametrize(
    "ends", [lambda stage: stage.wait(0.1), lambda stage: stage.session.readConnectionLost()]
)
def test_what_is_held_back_is_refused_at_a_silence_and_at_the_end(ends: Any) -> None:
    stage = staged(framing=AutoDetect(), gap=0.05)
    stage.receive(b"POST /;NAME,web page;")
    ends(stage)

    assert Fault(UnexpectedBytes) in stage.session.seen
    assert not [each for each in stage.session.seen if isinstance(each, bytes)]


def test_a_command_that_could_be_a_request_waits_for_its_line_end(logged: Logged) -> None:
    stage = staged(framing=Delimited(b";"))
    stage.receive(b"GET /dev/1;")
    stage.wait(1000)

    assert stage.session.reason is not None
    assert "which could be that of an HTTP request: allow_http=True" in logged.lines()[0]


def test_the_problem_is_named() -> None:
    assert HTTP == problem_with(b"GET / HTTP/1.1\r\n")
    assert TLS == problem_with(b"\x16\x03\x01\x02\x00\x01")
    assert problem_with(b"GET \r\n") is None
