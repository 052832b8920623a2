"""Dumps of many programs are read: their bytes, directions, times and gaps."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import FramingError
from tcpcomm.session.frame_log import FrameLog
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.sources import dump_source
from tcpcomm.tools.guess.sources import source as source_module
from tcpcomm.tools.guess.sources.dumps import blocks, marked, socat, yaml_stream
from tcpcomm.tools.guess.sources.opening import source_of
from tcpcomm.tools.guess.sources.source import Source, UnreadableCapture
from tcpcomm.tools.tap.tap import tap_log
from tests.tools.guess.sources.made_packets import LINKS, Talk
from tests.tools.record.sessions import Session, command

SAID = [(0, b"TRG,3\r\n"), (1, b"OK,1.5\r\n")]


def source(text: str | bytes) -> Source:
    return source_of(io.BytesIO(text.encode() if isinstance(text, str) else text), None)


def captures(text: str | bytes) -> list[Capture]:
    found = source(text)
    return [found.capture(each) for each in found.streams()]


def captured(text: str | bytes) -> Capture:
    (capture,) = captures(text)
    return capture


def said(capture: Capture) -> list[tuple[int, bytes]]:
    return [(each.side, each.data) for each in capture.chunks]


def times(capture: Capture) -> list[float | None]:
    return [each.at for each in capture.chunks]


FORMS: dict[str, str | bytes] = {
    "arrows": "> 54 52 47 2c 33 0d 0a\n< 4f 4b 2c 31 2e 35 0d 0a\n",
    "arrows and colons": "> 54:52:47:2C:33:0D:0A\n< 4F:4B:2C:31:2E:35:0D:0A\n",
    "digits alone": ">> 5452472c330d0a\n<< 4f4b2c312e350d0a\n",
    "0x": "> 0x54 0x52 0x47 0x2C 0x33 0x0D 0x0A\n< 0x4F, 0x4B, 0x2C, 0x31, 0x2E, 0x35, 0x0D, 0x0A\n",
    "hex and text": "> 54 52 47 2c 33 0d 0a   TRG,3..\n< 4f 4b 2c 31 2e 35 0d 0a  |OK,1.5..|\n",
    "continued": "> 54 52 47\n  2c 33 0d 0a\n< 4f 4b 2c 31\n  2e 35 0d 0a\n",
    "comments": "# a press\n\n> 54 52 47 2c 33 0d 0a\n// it answers\n< 4f 4b 2c 31 2e 35 0d 0a\n",
    "names of control characters": "> TRG,3<CR><LF>\n< OK,1.5<CR><LF>\n",
    "braces": "> TRG,3{0D}{0A}\n< OK,1.5{0D}{0A}\n",
    "dollars": "TX: TRG,3$0D$0A\nRX: OK,1.5$0D$0A\n",
    "decimal": "TX: TRG,3#013#010\nRX: OK,1.5#013#010\n",
    "control pictures": "> TRG,3␍␊\n< OK,1.5␍␊\n",
    "backslashes": "> TRG,3\\r\\n\n< OK,1.5\\x0d\\x0a\n",
    "quotes": '> "TRG,3\\r\\n"\n< "OK,1.5\\r\\n"\n',
    "python": "send: b'TRG,3\\r\\n'\nrecv: b'OK,1.5\\r\\n'\n",
    "pymodbus": "SEND: 0x54 0x52 0x47 0x2c 0x33 0xd 0xa\nRECV: 0x4f 0x4b 0x2c 0x31 0x2e 0x35 0xd 0xa\n",
    "docklight": "07.05.2024 10:14:16.123 [TX] - 54 52 47 2C 33 0D 0A \n"
    "07.05.2024 10:14:16.140 [RX] - 4F 4B 2C 31 2E 35 0D 0A \n",
    "docklight text": "07.05.2024 10:14:16.123 [TX] - TRG,3<CR><LF>\n"
    "07.05.2024 10:14:16.140 [RX] - OK,1.5<CR><LF>",
    "yat": "(10:14:16.123) >> TRG,3<CR><LF>\n(10:14:16.140) << OK,1.5<CR><LF>\n",
    "socat": "> 2024/05/07 10:14:16.123000  length=7 from=0 to=6\n 54 52 47 2c 33 0d 0a\n--\n"
    "< 2024/05/07 10:14:16.140000  length=8 from=0 to=7\n 4f 4b 2c 31 2e 35 0d 0a          OK,1.5..\n--\n",
    "follow": "00000000  54 52 47 2c 33 0d 0a                              TRG,3..\n"
    "    00000000  4f 4b 2c 31 2e 35 0d 0a                          OK,1.5..\n",
    "follow raw": "5452472c330d0a\n    4f4b2c312e350d0a\n",
    "c arrays": "char peer0_0[] = { /* Packet 4 */\n0x54, 0x52, 0x47, 0x2c, 0x33, \n0x0d, 0x0a };\n"
    "char peer1_0[] = { /* Packet 5 */\n0x4f, 0x4b, 0x2c, 0x31, 0x2e, 0x35, 0x0d, 0x0a };\n",
    "yaml": "peers:\n  - peer: 0\n    host: 10.0.0.7\n    port: 50432\n  - peer: 1\n    host: 10.0.0.9\n"
    "    port: 8501\npackets:\n  - packet: 4\n    peer: 0\n    index: 0\n    timestamp: 1.004000000\n"
    "    data: !!binary |\n      VFJHLDMNCg==\n  - packet: 5\n    peer: 1\n    index: 0\n"
    "    timestamp: 1.005000000\n    data: !!binary |\n      T0ssMS41DQo=\n",
    "utf-16": ("> 54 52 47 2c 33 0d 0a\r\n< 4f 4b 2c 31 2e 35 0d 0a\r\n".encode("utf-16")),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read(name: str) -> None:
    assert SAID == said(captured(FORMS[name]))


@pytest.mark.parametrize("name", ["arrows", "follow", "yaml", "socat", "c arrays"])
def test_a_form_that_shows_all_needs_no_note(name: str) -> None:
    assert () == captured(FORMS[name]).notes


@pytest.mark.parametrize(
    "before",
    [
        "07:30:0{}.250 ",
        "[07:30:0{}.25] ",
        "0{}.250000 ",
        "2026-11-29T07:30:0{},25Z ",
        "2026-11-29 07:30:0{}: ",
        "29.11.2026 07:30:0{}.25 - ",
    ],
    ids=["clock", "brackets", "seconds", "iso", "date", "german"],
)
@pytest.mark.parametrize("marks", [("> ", "< "), ("-> ", "<- "), ("TX: ", "RX: "), ("[TX] - ", "[RX] - ")])
def test_times_are_read(before: str, marks: tuple[str, str]) -> None:
    capture = captured("".join(f"{before.format(each)}{marks[each - 1]}4{each}\n" for each in (1, 2)))
    assert [(0, b"A"), (1, b"B")] == said(capture)
    first, second = times(capture)
    assert first is not None
    assert second is not None
    assert 1.0 == pytest.approx(second - first)


def test_a_dump_over_midnight_goes_on() -> None:
    first, second = times(captured("23:59:59.5 > 41\n00:00:00.5 < 42\n"))
    assert first is not None
    assert second is not None
    assert 1.0 == pytest.approx(second - first)


def test_an_arrow_that_points_shows_the_opener_only_by_who_speaks_first() -> None:
    assert [(0, b"A"), (1, b"B")] == said(captured("RX: 41\nTX: 42\n"))
    assert [(0, b"A"), (1, b"B")] == said(captured("<- 41\n-> 42\n"))
    assert [(1, b"A"), (0, b"B")] == said(captured("< 41\n> 42\n"))


def test_lines_that_are_not_understood_are_told_with_their_numbers() -> None:
    capture = captured("> 41\nhello\n< 42\n" + "> 43\nnext\n" * 5)
    assert [(0, b"A"), (1, b"B")] == said(capture)[:2]
    assert capture.notes == (
        "line 2 is not understood: hello",
        "line 5 is not understood: next",
        "line 7 is not understood: next",
        "3 more lines are not understood",
    )


def test_text_without_line_ends_says_so() -> None:
    capture = captured("> TRG,3\n< OK,1.5\n")
    assert [(0, b"TRG,3"), (1, b"OK,1.5")] == said(capture)
    assert "without its line ends" in capture.notes[0]


def test_a_form_without_directions_says_so() -> None:
    for text in ("54 52 47\n4f 4b\n", "0000   54 52 47   TRG\n\n0000   4f 4b   OK\n"):
        capture = captured(text)
        assert [(0, b"TRG"), (0, b"OK")] == said(capture)
        assert ("it shows no directions, so all bytes are taken for those of one side",) == capture.notes


def test_hercules_text_in_one_window_is_read() -> None:
    capture = captured("{02}AB{03}C\n{02}AB{03}D\n")
    assert [(0, b"\x02AB\x03C"), (0, b"\x02AB\x03D")] == said(capture)
    assert capture.notes[0] == "the bytes are read as text with escapes such as {0D}{0A}"


def test_a_text_without_any_form_is_the_text_of_one_side() -> None:
    capture = captured("OK,1.5\r\nOK,1.75\r\n")
    assert [(0, b"OK,1.5\r\nOK,1.75\r\n")] == said(capture)
    assert "the bytes of one side" in capture.notes[0]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is empty"),
        (b"\x00\x01\x02\x03" * 50, "its form is not known"),
        (b"\x1f\x8b\x08\x00", "unpack it first, as with gunzip"),
        (b"PK\x03\x04", "a ZIP file"),
        (b"GMBU", "save it as pcapng"),
        (b"SQLite format 3\0", "name its file"),
        (b"> \n< \n", "it holds no bytes"),
    ],
    ids=["empty", "unknown", "gzip", "zip", "network monitor", "recording", "no bytes"],
)
def test_a_file_that_cannot_be_read_says_what_to_do(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableCapture, match=problem):
        captures(data)


def test_bytes_that_are_said_to_be_raw_are_taken_as_they_are() -> None:
    file = io.BytesIO(b"\x00\x01\x02\x03" * 50)
    found = source_of(file, None, is_raw=True)
    assert [(0, file.getvalue())] == said(found.capture(found.streams()[0]))


def test_a_long_dump_is_sampled_and_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (dump_source, source_module):
        monkeypatch.setattr(module, "MOST_SAMPLED", 10)
    capture = captured("> 41 41 41\n" * 10 + "hello\n")
    assert ([3] * 3, ("a sample: the first 9 bytes",)) == (
        [len(each.data) for each in capture.chunks],
        capture.notes,
    )


class WatchedFile(io.BytesIO):
    """A file that knows how far it was read."""

    furthest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


@pytest.mark.parametrize(
    ("begin", "line"),
    [
        ("", "{:08x}  " + "41 " * 16),
        ("00000000  42\n    00000000  42\n", "{:08x}  " + "41 " * 16),
        ("char peer0_0[] = {\n", "0x41, " * 16),
        ("> 42\n< 42\n" * 101, "41 " * 16),
        ("> 2024/05/07 10:14:16.123000  length=999999 from=0 to=999998\n", " 41" * 16),
        ("packets:\n    data: !!binary |\n", "      " + "QUFB" * 19),
    ],
    ids=["offsets", "sides", "array", "continued", "socat", "yaml"],
)
def test_a_chunk_without_end_is_sampled_and_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, begin: str, line: str
) -> None:
    for module in (blocks, marked, socat, yaml_stream, dump_source, source_module):
        monkeypatch.setattr(module, "MOST_SAMPLED", 1000)
    text = begin + "".join(f"{line.format(16 * number)}\n" for number in range(4000))
    file = WatchedFile(text.encode())
    found = source_of(file, None)
    (capture,) = (found.capture(each) for each in found.streams())
    assert capture.size <= 1000
    assert capture.notes[0].startswith("a sample: the first ")
    assert file.furthest < len(text) / 4


# -- the frame log of tcpcomm


def frame_log(**details: Any) -> tuple[FrameLog, list[str]]:
    lines: list[str] = []
    return FrameLog(lines.append, clock=iter(range(1, 1000)).__next__, **details), lines


class TappedSession(Session):
    """A session of a tap."""

    control = SimpleNamespace(number=1)


def test_the_log_of_a_tap_is_read() -> None:
    lines: list[str] = []
    log = tap_log(lines.append)
    session: Any = TappedSession()
    log.opened(session)
    log.frame_received(session, b"TRG,3\r\n")
    log.frame_sent(session, b"OK,1.5\r\n")
    log.closed(session, "the peer closed the connection")
    capture = captured("\n".join(lines))
    assert SAID == said(capture)
    assert capture.from_start
    assert "10.0.0.7:50432" == capture.name


def test_each_peer_and_each_connection_of_a_log_is_a_stream() -> None:
    log, lines = frame_log()
    for peer in ("10.0.0.7:50432", "10.0.0.8:50432", "10.0.0.7:50432"):
        session = Session(peer=peer)
        log.opened(session)
        log.ready(session)
        log.frame_received(session, b"TRG,3\r\n")
        log.frame_sent(session, b"OK,1.5\r\n")
        log.fault(session, FramingError("it is wrong", offset=3, recoverable=True))
    found = captures("\n".join(lines))
    assert [SAID] * 3 == [said(each) for each in found]
    assert ["10.0.0.7:50432", "10.0.0.8:50432", "10.0.0.7:50432"] == [each.name for each in found]


def test_a_long_frame_of_a_log_is_cut_and_leaves_a_gap() -> None:
    log, lines = frame_log(shown=4)
    for _ in range(2):
        log.frame_received(Session(), b"TRG,3\r\n")
    first, second = captured("\n".join(lines)).chunks
    assert (b"TRG,", False, b"TRG,", True) == (first.data, first.after_gap, second.data, second.after_gap)


def test_a_log_of_decoded_messages_is_refused_with_a_better_way() -> None:
    log, lines = frame_log()
    log.message(Session(), command(job=3))
    with pytest.raises(UnreadableCapture, match=r"line 1 shows a decoded message.*without --as"):
        captures("\n".join(lines))


@given(
    chunks=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=40)), min_size=1, max_size=8),
    encoding=st.sampled_from(["ascii", "utf-8", "cp949"]),
)
def test_a_log_of_any_bytes_is_read_back(chunks: list[tuple[bool, bytes]], encoding: str) -> None:
    log, lines = frame_log(encoding=encoding)
    for is_sent, data in chunks:
        (log.frame_sent if is_sent else log.frame_received)(Session(), data)
    first = chunks[0][0]
    assert [(int(is_sent != first), data) for is_sent, data in chunks] == said(captured("\n".join(lines)))


# -- blocks with offsets


def hex_dump(data: bytes, *, first: int = 0, indent: str = "", width: int = 4) -> str:
    """Return a dump as Wireshark writes it."""
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        text = "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in part)
        lines.append(f"{indent}{first + start:0{width}x}   {part.hex(' '):<47}   {text}\n")
    return "".join(lines)


@given(
    chunks=st.lists(
        st.tuples(st.sampled_from([0, 1]), st.binary(min_size=1, max_size=50)), min_size=2, max_size=8
    )
)
def test_a_followed_stream_of_any_bytes_is_read_back(chunks: list[tuple[int, bytes]]) -> None:
    chunks = [(number % 2, data) for number, (_, data) in enumerate(chunks)]
    offsets, text = [0, 0], ""
    for side, data in chunks:
        text += hex_dump(data, first=offsets[side], indent="    " * side, width=8)
        offsets[side] += len(data)
    assert chunks == said(captured(text))


@pytest.mark.parametrize("link", ["ethernet", "raw", "cooked", "cooked 2"])
def test_a_dump_of_whole_packets_is_read_as_packets(link: str) -> None:
    made = Talk().open()
    for side, data in SAID:
        made.say(side, data)
    frame = LINKS[link][1]
    capture = captured("\n".join(hex_dump(frame(each.data)) for each in made.packets))
    assert (SAID, "10.0.0.7:50432 > 10.0.0.9:8501") == (said(capture), capture.name)


def test_the_output_of_tcpdump_is_read_as_packets_with_times() -> None:
    made = Talk().open()
    for side, data in SAID:
        made.say(side, data)
    text = ""
    for number, each in enumerate(made.packets):
        text += f"07:30:0{number}.000000 IP 10.0.0.7.50432 > 10.0.0.9.8501: Flags [P.], length 7\n"
        for start in range(0, len(each.data), 16):
            part = each.data[start : start + 16]
            text += f"\t0x{start:04x}:  {part.hex(' ', -2):<39}  {'.' * len(part)}\n"
    capture = captured(text)
    assert SAID == said(capture)
    assert [27003.0, 27004.0] == times(capture)


@pytest.mark.parametrize(
    "text",
    [
        "00000000: 5452 472c 330d 0a                        TRG,3..\n",
        "00000000  54 52 47 2c 33 0d 0a                              |TRG,3..|\n00000007\n",
        "0000000 54 52 47 2c 33 0d 0a\n0000007\n",
    ],
    ids=["xxd", "hexdump -C", "od -t x1"],
)
def test_a_dump_of_a_file_is_the_bytes_of_one_side(text: str) -> None:
    assert [(0, b"TRG,3\r\n")] == said(captured(text))


# -- socat


def test_bytes_that_socat_did_not_show_are_a_gap() -> None:
    text = (
        "> 2024/05/07 10:14:16.123  length=2 from=0 to=1\n 41 42\n"
        "> 2024/05/07 10:14:16.223  length=2 from=9 to=10\n 43 44\n"
    )
    assert [(b"AB", False), (b"CD", True)] == [
        (each.data, each.after_gap) for each in captured(text).chunks
    ]
