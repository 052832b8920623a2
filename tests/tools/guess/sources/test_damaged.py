"""Any bytes give captures or an UnreadableCapture, and nothing else."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpcomm.tools.guess.sources.opening import source_of
from tcpcomm.tools.guess.sources.source import UnreadableCapture
from tests.tools.guess.sources.made_packets import LINKS, Talk, pcap, pcapng
from tests.tools.guess.sources.test_dumps import FORMS

TALK = Talk().open().say(0, b"TRG,3\r\n").say(1, b"OK,1.5\r\n").close()
TALK_6 = Talk(client="::1:50000", server="::2:8501").open().say(0, b"TRG,3\r\n").say(1, b"OK\r\n")
FILES = [
    *(write(talk.packets, link) for write in (pcap, pcapng) for talk in (TALK, TALK_6) for link in LINKS),
    *(each if isinstance(each, bytes) else each.encode() for each in FORMS.values()),
]


def is_read(data: bytes) -> None:
    try:
        source = source_of(io.BytesIO(data), None)
        for stream in source.streams():
            capture = source.capture(stream)
            assert capture.size <= 16 * len(data)
            assert all(each.data for each in capture.chunks)
    except UnreadableCapture:
        return


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(FILES)))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(chance.randrange(6)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randrange(1, 9)]
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                data[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\0\0\0\x01", b"\x01\0\0\0"])
        if not data:
            break
    return bytes(data)


@given(data=_damaged())
def test_a_damaged_file_is_read_or_refused(data: bytes) -> None:
    is_read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"07:30:00.000000  a" + b" " * 200_000 + b"x\n",
        (b"07:30:00  a" + b" " * 7900 + b"x\n") * 200,
        b"> 41\n07:30:00" + b" " * 100_000 + b"x\n",
        b"char peer0_0[] = { " + b"/* " * 100_000 + b"\n0x41 };\n",
    ],
    ids=["log", "short log", "marks", "comments"],
)
def test_long_lines_take_no_long_time(data: bytes) -> None:
    """Each takes a minute, by a pattern that looks back."""
    is_read(data)


@pytest.mark.parametrize("text", ["b''" + "-" * 50_000 + "b''", "0x1,\t,"])
def test_text_beside_bytes_is_read_or_told(text: str) -> None:
    is_read(f"> {text}\n< b'OK'\n".encode())
    is_read(f"> {text}\n".encode())


@given(data=st.binary(max_size=200))
@example(b"\xff\xfe\x00\xd8")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    is_read(data)


@given(
    lines=st.lists(
        st.text(st.sampled_from("0123456789abcdefABCDEF<>-:[]{}()TXRx \t$#\\|.,'\"=\r"), max_size=30)
    )
)
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    is_read("\n".join(lines).encode())
