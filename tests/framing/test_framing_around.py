"""The base of framings around another one: FramingAround."""

from __future__ import annotations

from attrs import frozen

from tcpcomm.framing import Decoder, Framing, FramingAround, LengthPrefixed, Preamble, Unframed
from tcpcomm.testing import check_framing_laws


@frozen
class Named(FramingAround):
    """A framing with a name."""

    name: str

    def decoder(self) -> Decoder:
        return self.framing.decoder()

    def encode(self, frame: bytes) -> bytes:
        return self.framing.encode(frame)


def test_a_framing_around_another_has_its_limit_and_its_opening() -> None:
    framing = Named(Preamble(LengthPrefixed(2, max_frame=30), b"HI"), "a")
    assert (30, b"HI", "a") == (framing.max_frame, framing.opening, framing.name)
    check_framing_laws(framing, max_examples=10)


def test_chunks_end_a_frame_if_they_do_in_the_inner_framing() -> None:
    framings: list[Framing] = [Named(Unframed(), "a"), Named(LengthPrefixed(2), "b")]
    assert [False, True] == [each.self_delimiting for each in framings]
