"""The Hypothesis strategy of framings: every kind, with its options."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, cast

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import (
    CHECKSUMS,
    COTP,
    DEFAULT_MAX_FRAME,
    Checked,
    Cobs,
    ContentLength,
    CountedBody,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Fragments,
    Framing,
    HeaderFramed,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    More,
    Nested,
    Netstring,
    Stuffed,
    Unframed,
    VariableLength,
    XmlDocuments,
)

_LONG: Final = 300
"""The largest of the small limits that are drawn, in bytes."""


@cache
def framings() -> SearchStrategy[Framing]:
    """Draw framings of every kind, with various options, and often with a small ``max_frame``."""
    unframed = _made(Unframed, join=st.booleans())
    texts = _hex_texts()
    plain = st.one_of(_plain(), texts)
    return st.one_of(plain, _checked(plain), _nested(), _checked(_nested()), unframed)


def _made(
    kind: Callable[..., Framing],
    needs: dict[str, SearchStrategy[Any]] | None = None,
    **options: SearchStrategy[Any],
) -> SearchStrategy[Framing]:
    """Draw instances of a kind. Values that contradict each other are drawn again."""

    def make(values: dict[str, Any]) -> Framing | None:
        try:
            return kind(**values)
        except ConfigurationError:
            return None

    limits = st.one_of(st.integers(1, 40), st.integers(41, _LONG), st.just(DEFAULT_MAX_FRAME))
    if kind not in (FixedSize, Checked, HexText):
        options["max_frame"] = limits
    values = st.fixed_dictionaries(needs or {}, optional=options)
    return cast("SearchStrategy[Framing]", values.map(make).filter(lambda made: made is not None))


def _plain() -> SearchStrategy[Framing]:
    bytes_of = partial(st.lists, st.sampled_from(b"\r\n\0;|$*\x02\x03a"), max_size=3)
    texts = bytes_of().map(bytes)
    markers = bytes_of(min_size=1).map(bytes)
    checks = st.sampled_from([*CHECKSUMS.values()])
    ppp = {0x7E: 0x5E, 0x7D: 0x5D, 0x11: 0x31}
    return st.one_of(
        _made(
            Delimited, {"delimiters": st.lists(markers, min_size=1, max_size=3)}, keep_ends=st.booleans()
        ),
        _made(Lines, send=st.sampled_from((b"\n", b"\r", b"\r\n")), keep_ends=st.booleans()),
        _length_prefixed(),
        _header_framed(),
        _made(partial(HeaderFramed, 1, _escaped, strip="header", pack=_escape)),
        _made(
            VariableLength,
            {"form": st.sampled_from(("varint", "ber"))},
            offset=st.integers(0, 3),
            adjust=st.integers(-3, 3),
        ),
        _made(
            VariableLength,
            {
                "form": st.sampled_from(("decimal", "hex")),
                "end": st.sampled_from((b":", b"\r\n", b"::", b" ")),
            },
            offset=st.integers(0, 3),
            adjust=st.integers(-3, 3),
        ),
        _made(ContentLength, max_header=st.sampled_from((40, 200))),
        _made(
            CountedBody,
            {
                "heads": st.sampled_from(
                    (b"IMG {count}", b"I,{w},{h},{count}", (b"#{count:x}", b"V {count}"))
                )
            },
            end=st.sampled_from((b"\r\n", b"\n")),
            tail=st.sampled_from((b"", b"\r\n", b"##")),
        ),
        _made(JsonValues, end=st.sampled_from((b"", b"\n"))),
        _made(XmlDocuments, end=st.sampled_from((b"", b"\r\n"))),
        _made(FixedSize, {"size": st.integers(1, _LONG)}),
        _made(
            Enclosed,
            start=markers,
            end=markers,
            checksum=st.one_of(checks, checks.map(lambda check: check.written("hex"))),
            cover_start=st.booleans(),
            cover_end=st.booleans(),
            tail=texts,
            between=texts,
            keep_ends=st.booleans(),
            alone=st.lists(st.sampled_from((b"\x04", b"\x05", b"\x06\x06", b"a")), max_size=2),
        ),
        _made(
            Enclosed,
            {"escape": st.just(b"\x10")},
            start=st.sampled_from((b"\x02", b"\x10\x02", b"a")),
            end=st.lists(st.sampled_from((b"\x03", b"\x17", b"\x10\x03")), min_size=1, max_size=2),
            codes=st.sampled_from((None, {2: 0x82, 3: 0x83, 0x10: 0x90, 0x17: 0x97}, {0x10: 0x10})),
            checksum=checks,
            cover_start=st.booleans(),
            cover_end=st.booleans(),
            cover_escapes=st.booleans(),
            tail=texts,
            keep_ends=st.booleans(),
            alone=st.lists(st.sampled_from((b"\x10", b"\x10\x06", b"\x15")), max_size=2),
        ),
        _made(Stuffed, lead=st.booleans()),
        _made(partial(Stuffed, end=b"\x7e", escape=b"\x7d", codes=ppp), lead=st.booleans()),
        _made(DleStuffed, start=st.sampled_from((b"\x02", b""))),
        _made(Cobs),
        _made(Netstring),
        _made(
            Definite,
            terminator=st.sampled_from((b"\n", b"\r\n", b"\r", b"ab", b"\r\n\r\n", b"aa")),
            block_ends=st.booleans(),
        ),
    )


def _header_framed() -> SearchStrategy[Framing]:
    return st.one_of(
        _made(partial(HeaderFramed, 2, _announced)),
        _made(partial(HeaderFramed, 2, _announced, strip=2, pack=_announce)),
    )


def _length_prefixed() -> SearchStrategy[Framing]:
    options = {"form": st.sampled_from(("big", "little", "decimal", "hex")), "adjust": st.integers(-8, 8)}
    width = {"width": st.integers(1, 8)}

    def with_sync(sync: bytes) -> SearchStrategy[Framing]:
        offsets = st.sampled_from((len(sync), len(sync) + 2))
        strips = st.sampled_from((0, len(sync)))
        kind = partial(LengthPrefixed, sync=sync)
        return _made(kind, {"offset": offsets, **width}, strip=strips, **options)

    return st.one_of(
        _made(LengthPrefixed, width, **options),
        _made(LengthPrefixed, width, offset=st.integers(0, 5), strip=st.just(0), **options),
        st.sampled_from((b"\x03\x00", b"\xaa", b"PK!", b"\0\0")).flatmap(with_sync),
    )


def _announced(header: bytes) -> int:
    """Return the total length for an invented header: a kind, which may fix the size, and a size."""
    kind, size = header
    if kind == 0xEE:
        raise ValueError("kind 0xee does not exist")
    return 6 if kind == 1 else size + 2


def _announce(frame: bytes) -> bytes:
    if len(frame) > 255:
        raise ValueError(f"{len(frame)} bytes do not fit a one-byte size")
    return bytes([0, len(frame)])


def _escaped(header: bytes) -> int | More:
    """Return the total length for a size of one byte, or of two bytes behind FF."""
    if header[0] < 0xFF:
        return 1 + header[0]
    return More(2) if len(header) == 1 else 3 + int.from_bytes(header[1:], "big")


def _escape(frame: bytes) -> bytes:
    return bytes([len(frame)]) if len(frame) < 0xFF else b"\xff" + len(frame).to_bytes(2, "big")


def _checked(inner: SearchStrategy[Framing]) -> SearchStrategy[Framing]:
    checks = st.sampled_from([*CHECKSUMS.values()])
    # A checksum at the end of a frame cannot stand before an end that the frame keeps.
    framed = inner.filter(
        lambda made: not (getattr(made, "keep_ends", False) or getattr(made, "alone", ()))
    )
    needs = {"framing": framed, "checksum": checks}
    return st.one_of(
        _made(Checked, needs),
        _made(Checked, needs, cover_from=st.integers(0, 3), cover_to=st.integers(4, 9)),
        _made(Checked, needs, tail=st.sampled_from((b"\x16", b"\x03", b"\r\n"))),
        _made(
            Checked,
            {"framing": st.one_of(_length_prefixed(), _header_framed()), "checksum": checks},
            cover_header=st.booleans(),
            cover_from=st.integers(0, 2),
            tail=st.sampled_from((b"", b"\x03")),
            resync=st.booleans(),
        ),
        _made(
            Checked,
            {**needs, "at": st.just(4), "cover_to": st.just(4)},
            cover_from=st.integers(0, 3),
            zero_is_unchecked=st.booleans(),
        ),
    )


def _hex_texts() -> SearchStrategy[Framing]:
    inner = st.sampled_from(
        (
            Enclosed(b":", b"\r\n", max_frame=40),
            Enclosed(b":", b"\r\n", checksum=CHECKSUMS["xor"].written("hex"), max_frame=300),
            Delimited(b"\r"),
            LengthPrefixed(2, form="hex"),
        )
    )
    return _made(HexText, {"framing": inner}, lower=st.booleans())


def _nested() -> SearchStrategy[Framing]:
    fragments = st.sampled_from((COTP, Fragments(1, 0, 1), Fragments(2, 0, 0x80, mark=(1, 7))))
    outer = st.sampled_from(
        (
            LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4),
            LengthPrefixed(1),
            Delimited(b"\r\n"),
            Lines(max_frame=_LONG),
            Lines(keep_ends=True, max_frame=_LONG),
            Cobs(),
            Checked(LengthPrefixed(2), CHECKSUMS["xor"]),
        )
    )
    needs = {"outer": outer, "fragments": fragments, "max_fragment": st.integers(4, 60)}
    return _made(Nested, needs)
