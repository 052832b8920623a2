"""The strategies and the check of framings that ``tcpcomm.testing`` gives to users."""

from __future__ import annotations

import pytest
from attrs import frozen
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from tcpcomm.errors import EncodeError, FramingError
from tcpcomm.framing import (
    Buffer,
    Checked,
    Cobs,
    Decoder,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Stuffed,
    Unframed,
    checksum,
    decode,
)
from tcpcomm.testing import check_framing_laws, chunkings, framings, mutations, payloads_for, streams
from tcpcomm.testing.laws import laws
from tests.framing.broken.lines import ForgetfulLines

KINDS = [
    Checked,
    Cobs,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    Stuffed,
    Unframed,
]
QUICK = settings(
    max_examples=2000,
    phases=(Phase.generate,),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class ThreeLetterDecoder(Decoder):
    def cut(self, buffer: Buffer, position: int) -> int:
        while len(buffer) - position >= 3:
            if not self.deliver(buffer[position : position + 3], position):
                return position + 3
            position += 3
        return position


@frozen
class ThreeLetters(Framing):
    """A framing as a user may write it: it sends only three capital letters."""

    def decoder(self) -> Decoder:
        return ThreeLetterDecoder()

    def encode(self, frame: bytes) -> bytes:
        if len(frame) != 3 or not frame.isupper():
            raise EncodeError("three capital letters, please")
        return frame


@payloads_for.register
def _(framing: ThreeLetters) -> st.SearchStrategy[bytes]:
    return st.sampled_from((b"ABC", b"XYZ"))


@given(data=st.data(), wire=st.binary(max_size=60))
@settings(QUICK, max_examples=100)
def test_chunks_joined_are_the_data(data: DataObject, wire: bytes) -> None:
    assert wire == b"".join(data.draw(chunkings(wire, near=[3])))


@pytest.mark.parametrize(
    "chunks",
    [[b"ab\r\ncd"], [b"a", b"b", b"\r", b"\n", b"c", b"d"], [b"ab\r", b"\ncd"], [b"", b"ab\r\n", b"cd"]],
)
def test_chunks_are_whole_single_bytes_cut_beside_delimiters_or_empty(chunks: list[bytes]) -> None:
    assert chunks == find(chunkings(b"ab\r\ncd"), lambda drawn: drawn == chunks, settings=QUICK)


@pytest.mark.parametrize("size", [2, 4, 9])
def test_mutations_alter_and_insert(size: int) -> None:
    drawn = find(mutations(b"abcd"), lambda wire: len(wire) == size and wire not in b"abcd", settings=QUICK)
    assert size == len(drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_framings_are_of_every_kind(kind: type[Framing]) -> None:
    assert isinstance(find(framings(), lambda drawn: isinstance(drawn, kind), settings=QUICK), kind)


@given(data=st.data())
@settings(QUICK, max_examples=150)
def test_payloads_can_be_sent(data: DataObject) -> None:
    framing = data.draw(framings())
    assert isinstance(framing.encode(data.draw(payloads_for(framing))), bytes)


def test_streams_hold_frames_and_damage() -> None:
    framing = Delimited(b";", max_frame=3)

    def is_mixed(wire: bytes) -> bool:
        faulty = [isinstance(each, FramingError) for each in decode(framing.decoder(), wire)]
        return faulty == [False, True, False]

    assert is_mixed(find(streams(framing), is_mixed, settings=QUICK))


def test_one_line_tests_a_framing_of_a_user_with_the_laws() -> None:
    check_framing_laws(ThreeLetters(), max_examples=20)


def test_payloads_can_be_given() -> None:
    check_framing_laws(ThreeLetters(), payloads=st.just(b"QQQ"), max_examples=20)


def test_payloads_that_cannot_be_sent_are_an_error() -> None:
    with pytest.raises(AssertionError, match=r"no frame was found that ThreeLetters.* can send"):
        check_framing_laws(ThreeLetters(), payloads=st.just(b"lower"))


def test_a_broken_law_is_described_in_words() -> None:
    with pytest.raises(AssertionError) as caught:
        check_framing_laws(ForgetfulLines(max_frame=9), laws=[laws.round_trip])
    assert str(caught.value) == (
        "ForgetfulLines(max_frame=9, kind=<class 'tests.framing.broken.lines.LineDecoder'>) "
        "breaks the law of round trip\n"
        "  Frames arrive as they were sent, and encode_many gives the same bytes as encode.\n"
        "  frames:   b''\n"
        "  bytes:    0d 0a  b'\\r\\n'\n"
        "  expected: 0d 0a  b'\\r\\n'\n"
        "  actual:   b''"
    )


def test_chunks_as_frames_are_exempt_from_the_laws_about_boundaries() -> None:
    assert not Unframed().self_delimiting
    assert not Checked(Unframed(), checksum("xor")).self_delimiting
    check_framing_laws(Unframed(max_frame=50), max_examples=5)
