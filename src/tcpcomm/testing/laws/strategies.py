r"""
Hypothesis strategies for framings, frames, chunks, damage and whole streams.

``payloads_for`` knows the framings of :mod:`tcpcomm.framing`. Register yours if its encoder refuses most
bytes::

    payloads_for.register(MyFraming, lambda framing: st.from_regex(rb"[0-9A-F]{8}", fullmatch=True))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import singledispatch
from itertools import pairwise
from operator import methodcaller
from random import Random
from typing import Final

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tcpcomm.framing import (
    Checked,
    Cobs,
    CountedBody,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HeaderFramed,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    More,
    Nested,
    Netstring,
    Preamble,
    Stuffed,
    Telnet,
    Unframed,
    VariableLength,
    XmlDocuments,
)

_LONG: Final = 300
"""The bytes of the longest frames drawn: enough to exceed one-byte lengths and COBS blocks."""

_MARKERS: Final = re.compile(rb"[\r\n\0;:,#|*$\x02\x03\x10\x7e\xc0\xdb]")
"""The bytes that begin or end a frame in many framings. Cuts beside them find the most errors."""


def _runs(least: int, most: int) -> SearchStrategy[bytes]:
    """Draw one byte, repeated: a long frame that costs little to draw."""
    return st.builds(lambda byte, size: bytes([byte]) * size, st.integers(0, 255), st.integers(least, most))


def _texts(alphabet: Iterable[int], most: int, *, least: int = 0) -> SearchStrategy[bytes]:
    """Draw bytes of an alphabet. Translating random bytes is far cheaper than drawing a list of samples."""
    letters = sorted(alphabet)
    table = bytes(letters[byte % len(letters)] for byte in range(256))
    return st.binary(min_size=least, max_size=most).map(methodcaller("translate", table))


def _bodies(most: int, *, least: int = 0, special: bytes = b"") -> SearchStrategy[bytes]:
    """Draw bytes of all relevant lengths, up to ``most``, with many ``special`` bytes."""
    most = max(least, most)
    short = min(most, least + 24)
    choices = [st.binary(min_size=least, max_size=short), _runs(least, min(most, _LONG))]
    if most <= 4 * _LONG:
        choices.append(_runs(most, most))
    if special:
        choices.append(_texts({*special, ord("a"), ord("0")}, short, least=least))
    return st.one_of(choices)


def sendable(framing: Framing) -> Callable[[bytes], bool]:
    """Return a predicate for ``filter``, which is true for a frame that this framing can send."""

    def accepts(frame: bytes) -> bool:
        try:
            framing.encode(frame)
        except Exception:  # a law checks the type of the exception
            return False
        return True

    return accepts


@singledispatch
def payloads_for(framing: Framing) -> SearchStrategy[bytes]:
    """Draw frames that this framing can send. For an unknown framing, filter random bytes by ``encode``."""
    least, special = 0, b"\r\n\0#:,;\x02\x03\x10\xc0\xdb"
    match framing:
        case Unframed():
            least, special = 1, b""
        case FixedSize():
            least, special = framing.size, b""
        case Stuffed():
            least, special = 1, bytes([*framing.codes, *framing.codes.values()])
        case DleStuffed():
            special = framing.escape + framing.start + framing.end
        case Netstring():
            special = b":,123"
    return _bodies(framing.max_frame, least=least, special=special).filter(sendable(framing))


@payloads_for.register
def _(framing: Delimited) -> SearchStrategy[bytes]:
    bodies = _bodies(framing.max_frame, special=b"".join(framing.delimiters))
    if framing.keep_ends:
        bodies = st.builds(bytes.__add__, bodies, st.sampled_from(framing.delimiters))
    return bodies.filter(sendable(framing))


@payloads_for.register
def _(framing: Enclosed) -> SearchStrategy[bytes]:
    special = framing.start + b"".join(framing.ends) + framing.between + framing.tail
    special += framing.escape + b"".join(framing.alone)
    frames = _bodies(framing.max_frame, special=special)
    if framing.keep_ends:
        frames = st.builds(bytes.__add__, frames, st.sampled_from(framing.ends))
    if framing.alone:
        frames = st.one_of(frames, st.sampled_from(framing.alone))
    return frames.filter(sendable(framing))


@payloads_for.register
def _(framing: Lines) -> SearchStrategy[bytes]:
    texts = _bodies(framing.max_frame, special=b"\x0b\x0c\x1c\x85")
    texts = texts.map(methodcaller("translate", bytes.maketrans(b"\r\n", b"rn")))
    if not framing.keep_ends:
        return texts
    return st.builds(bytes.__add__, texts, st.sampled_from((b"\r\n", b"\n")))


@payloads_for.register
def _(framing: LengthPrefixed) -> SearchStrategy[bytes]:
    kept = framing.header - framing.strip
    least = max(kept, kept + framing.adjust)
    if not kept:
        return _bodies(framing.max_frame, least=least, special=framing.sync)

    announced = LengthPrefixed(framing.width, form=framing.form, adjust=framing.adjust)

    def whole(free: bytes, body: bytes) -> bytes:
        """Return a frame with its header: the constant bytes, those of the application, the length."""
        return framing.sync[framing.strip :] + free + announced.encode(body)

    size = framing.offset - len(framing.sync)
    bodies = _bodies(framing.max_frame - kept, least=max(0, framing.adjust), special=framing.sync + b"\x01")
    return st.builds(whole, st.binary(min_size=size, max_size=size), bodies).filter(sendable(framing))


@payloads_for.register
def _(framing: HeaderFramed) -> SearchStrategy[bytes]:
    if framing.strip:
        return _bodies(framing.max_frame, special=b"\x01").filter(sendable(framing))

    rests = dict(_plausible_headers(framing))
    if not rests:
        return st.binary(max_size=framing.max_frame).filter(sendable(framing))

    def whole(header: bytes) -> SearchStrategy[bytes]:
        return _bodies(rests[header], least=rests[header]).map(header.__add__)

    return st.sampled_from(sorted(rests)).flatmap(whole).filter(sendable(framing))


def _plausible_headers(framing: HeaderFramed) -> Iterator[tuple[bytes, int]]:
    """Try random headers. Yield those that announce a short frame, each with the size of its rest."""
    most = min(framing.max_frame - framing.header, 4 * _LONG)
    random = Random(0)
    for trial in range(1500):
        header = random.randbytes(framing.header)
        if trial % 2:
            header = bytes(byte % 16 for byte in header)
        try:
            while isinstance(size := framing.total(header), More) and len(header) < framing.max_header:
                header += random.randbytes(size.count) + size.until
        except ValueError:
            continue
        if isinstance(size, More):
            continue
        rest = size - len(header)
        if 0 <= rest <= most:
            yield header, rest


@payloads_for.register
def _(framing: VariableLength) -> SearchStrategy[bytes]:
    if not framing.offset:
        least = max(0, framing.adjust)
        return _bodies(framing.max_frame, least=least, special=b"\x80\x01:1\n").filter(sendable(framing))
    free = st.binary(min_size=framing.offset, max_size=framing.offset)
    announced = evolve(framing, offset=0)  # the length and the bytes behind it
    bodies = _bodies(framing.max_frame - framing.offset - 1, least=max(0, framing.adjust))
    wholes = bodies.filter(sendable(announced)).map(announced.encode)
    return st.builds(bytes.__add__, free, wholes).filter(sendable(framing))


@payloads_for.register
def _(framing: CountedBody) -> SearchStrategy[bytes]:
    names = re.compile(rb"\{(?!count)\w+\}")

    def announced(head: bytes, body: bytes) -> bytes:
        """Return the line and the body as one frame."""
        counted = re.sub(rb"\{count(:x)?\}", lambda m: (b"%x" if m[1] else b"%d") % len(body), head)
        return names.sub(b"7", counted) + framing.end + body

    lines = _bodies(framing.max_frame, special=framing.end + b"".join(framing.heads))
    bodies = _bodies(framing.max_frame, special=framing.end + framing.tail)
    wholes = st.builds(announced, st.sampled_from(framing.heads), bodies)
    return st.one_of(lines, wholes).filter(sendable(framing))


@payloads_for.register
def _(framing: JsonValues) -> SearchStrategy[bytes]:
    texts = st.sampled_from((b'"}"', b'"\\""', b'"[\\\\"', b"1", b"null", b'"\xea\xb0\x80"'))
    parts = st.recursive(texts, _json_collections, max_leaves=4)
    return _json_collections(parts).filter(sendable(framing))


def _json_collections(parts: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    lists = st.lists(parts, max_size=3).map(lambda each: b"[" + b", ".join(each) + b"]")
    objects = st.lists(parts, max_size=2).map(
        lambda each: b"{" + b",".join(b'"k%d":%b' % pair for pair in enumerate(each)) + b"}"
    )
    return st.one_of(lists, objects)


@payloads_for.register
def _(framing: XmlDocuments) -> SearchStrategy[bytes]:
    prologs = st.sampled_from((b"", b"", b"<?xml version='1.0'?>", b"<!-- > </R> -->\r\n"))
    attributes = st.sampled_from((b"", b" a='1'", b' b="/>"', b" c='</R>' d=\"'\""))
    contents = st.sampled_from((b"x", b"<a/>", b"<R></R >", b"<![CDATA[</R>]]>", b"<!--</R>-->", b"\r\n"))
    ends = st.sampled_from((b"</R>", b"</R >"))

    def document(prolog: bytes, attributes: bytes, content: list[bytes], end: bytes) -> bytes:
        root = b"<R" + attributes
        return prolog + root + (b">" + b"".join(content) + end if content else b"/>")

    return st.builds(document, prologs, attributes, st.lists(contents, max_size=3), ends).filter(
        sendable(framing)
    )


@payloads_for.register
def _(framing: Cobs) -> SearchStrategy[bytes]:
    bodies = _bodies(framing.max_frame, special=b"\0\1\xff")
    return st.one_of(bodies, _runs(252, 256)) if framing.max_frame >= 256 else bodies


@payloads_for.register
def _(framing: Definite) -> SearchStrategy[bytes]:
    def block(body: bytes) -> bytes:
        return b"#%d%d%b" % (len(str(len(body))), len(body), body)

    tokens = b"#12 ,\"'" + framing.terminator
    texts = _bodies(min(framing.max_frame, 40), special=tokens)
    ends = st.sampled_from((b" #12", b",#1", b" #0", b'"'))  # they look like tokens, and are data
    blocks = st.one_of(_bodies(40, special=tokens), st.builds(bytes.__add__, _bodies(8), ends)).map(block)
    before = st.sampled_from((b"", b" ", b"a,", b"C1:WF ALL,", b"x#", b'"a #14 ""#15"" b",'))
    lines = st.tuples(before, blocks, st.sampled_from((b"", b",1.5", b"x"))).map(b"".join)
    longest = _bodies(framing.max_frame)
    return st.one_of(texts, blocks, lines, longest).filter(sendable(framing))


@payloads_for.register
def _(framing: Checked) -> SearchStrategy[bytes]:
    checksum, at = framing.checksum, framing.at

    def signed(inner: bytes) -> bytes:
        if at is None:
            return inner[: max(0, len(inner) - checksum.size - len(framing.tail))]
        return inner[:at] + checksum.encode(framing.covered(inner)) + inner[at + checksum.size :]

    return payloads_for(framing.framing).map(signed).filter(sendable(framing))


@payloads_for.register
def _(framing: Preamble) -> SearchStrategy[bytes]:
    return payloads_for(framing.framing)


@payloads_for.register
def _(framing: Telnet) -> SearchStrategy[bytes]:
    """Draw frames without bytes that mean more in Telnet: it counts offsets without what it takes out."""
    harmless = bytes.maketrans(b"\xff\0", b"aa")
    plain = payloads_for(framing.framing).map(methodcaller("translate", harmless))
    return plain.filter(lambda frame: b"\r" not in frame).filter(sendable(framing))


@payloads_for.register
def _(framing: HexText) -> SearchStrategy[bytes]:
    return _bodies(framing.max_frame, special=b"\r\n:").filter(sendable(framing))


@payloads_for.register
def _(framing: Nested) -> SearchStrategy[bytes]:
    rule = framing.fragments

    def marked(header: bytes, data: bytes) -> bytes:
        last = bytearray(header)
        last[rule.flag] |= rule.last
        if rule.mark is not None:
            last[rule.mark[0]] = rule.mark[1]
        return bytes(last) + data

    headers = st.binary(min_size=rule.header, max_size=rule.header)
    fragmented = st.builds(marked, headers, _bodies(framing.max_frame - rule.header))
    whole = payloads_for(framing.outer)
    alone = whole.filter(lambda outer: len(outer) >= rule.header).map(
        lambda outer: marked(outer[: rule.header], outer[rule.header :])
    )
    return st.one_of(fragmented, alone, whole).filter(sendable(framing))


@st.composite
def chunkings(draw: DrawFn, data: bytes, *, near: Iterable[int] = ()) -> list[bytes]:
    """
    Draw lists of chunks into which TCP may cut ``data``. Some chunks may be empty.

    The data is whole, in equal pieces down to single bytes, cut at random, or cut beside delimiters.

    Args:
        data: the bytes to cut.
        near: positions beside which cuts are useful, such as the ends of frames.
    """
    size = len(data)
    match draw(st.sampled_from(("whole", "equal", "random", "beside"))):
        case "whole":
            return [data]
        case "equal":
            step = draw(st.integers(1 + size // 2000, 8 + size // 2000))
            cuts = list(range(step, size, step))
        case "random":
            cuts = draw(st.lists(st.integers(0, size), max_size=8))
        case _:
            special = {*near, *(match.start() for match in _MARKERS.finditer(data, 0, 2000))}
            beside = {at + off for at in special for off in (-1, 0, 1, 2)} | {0, size}
            cuts = draw(st.lists(st.sampled_from(sorted(beside & {*range(size + 1)})), max_size=16))
    edges = [0, *sorted(cuts), size]
    return [data[start:end] for start, end in pairwise(edges)]


@st.composite
def mutations(draw: DrawFn, data: bytes) -> bytes:
    """Draw ``data`` with one to three errors: bytes flipped, dropped, inserted, repeated or replaced."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 6)))
        match draw(st.sampled_from(("flip", "drop", "insert", "repeat", "replace"))):
            case "flip":
                mask = draw(st.integers(1, 255))
                data = data[:start] + bytes(byte ^ mask for byte in data[start:end]) + data[end:]
            case "drop":
                data = data[:start] + data[end:]
            case "insert":
                data = data[:start] + draw(st.binary(max_size=6)) + data[start:]
            case "repeat":
                data = data[:end] + data[start:]
            case _:
                data = data[:start] + draw(st.binary(max_size=6)) + data[end:]
    return data


@st.composite
def streams(draw: DrawFn, framing: Framing, payloads: SearchStrategy[bytes] | None = None) -> bytes:
    """
    Draw good and bad streams of a peer: frames, damaged, too long and half frames, garbage.

    Args:
        framing: the framing of the receiver.
        payloads: the good frames. The default is :func:`payloads_for`.
    """
    frames = draw(st.lists(payloads_for(framing) if payloads is None else payloads, max_size=4))
    wire = framing.encode_many(frames)
    limit = min(framing.max_frame, _LONG)
    for _ in range(draw(st.integers(0, 2))):
        alphabet = {*wire, 0, 1, 255}
        match draw(st.sampled_from(("damage", "likely", "random", "run"))):
            case "damage":
                wire = draw(mutations(wire))
                continue
            case "likely":
                garbage = draw(_texts(alphabet, 20))
            case "random":
                garbage = draw(st.binary(max_size=12))
            case _:
                letter = bytes([draw(st.sampled_from(sorted(alphabet)))])
                garbage = letter * draw(st.integers(limit - 1, 2 * limit + 8))
        at = draw(st.integers(0, len(wire)))
        wire = wire[:at] + garbage + wire[at:]
    return wire
