"""Targets without a session: decoders, the notation of framings, codecs, and the proof of a key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Final

from tcpcomm.codec.base import Request
from tcpcomm.errors import ConfigurationError, EncodeError, TcpcommError
from tcpcomm.framing import Framing, HeaderFramed, LengthPrefixed, format_framing, parse_framing
from tcpcomm.framing.autodetect import AutoDetect
from tcpcomm.net.psk import MAX_LINE, AcceptingProof, DialingProof, NotProven, PreSharedKeys, Proof
from tcpcomm.testing.laws.limits import held_bytes, held_limit
from tcpcomm.testing.laws.recorder import Crash, Recorder, record
from tests.codec.cases import Case, all_cases, frames_to_host
from tests.codec.test_conformance import check_at_equipment, check_at_host
from tests.fuzz.source import Source, Target, cut, require

__all__ = ["TARGETS"]

# -- framings

NOTATIONS: Final = (
    "lines,max=40",
    r"lines,send=\n,keep-ends,max=40",
    r"delimited:\r\n,max=40",
    r"delimited:\r\n|;|aab,max=40",
    r"delimited:\0,max=40",
    "length:1,max=40",
    "length:2,little,adjust=-2,max=40",
    "length:3,decimal,adjust=3,max=50",
    "length:2,hex,max=40",
    "length:8,max=40",
    "length:4",
    "length:2,offset=4,sync=PK,little,max=40",
    "length:2,offset=2,strip=0,sync=\\0\\0,max=40",
    "fixed:7",
    "stx-etx,max=40",
    r"stx-etx,cover-start,bcc=crc-16/arc,max=40",
    r"enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n,max=40",
    r"enclosed:<<|>>,bcc=crc-16/modbus,between=\r\n\x20,max=40",
    "netstring,max=40",
    "cobs,max=40",
    "cobs,max=600",
    "slip,max=40",
    "slip,lead,max=40",
    "dle,max=40",
    "dle,start=,max=40",
    "definite,max=40",
    r"definite,block-ends,terminator=\r\n,max=40",
    "tpkt,max=300",
    "cotp,max-fragment=10,max=60",
    r"delimited:\r\n,check=crc-16/modbus,max=40",
    "length:2,check=crc-32/iso-hdlc,max=40",
    "fixed:8,check=sum8:hex",
    "length:2,offset=2,sync=AB,strip=0,check=sum8,check-at=4,check-to=4",
    "cotp,check=lrc,max=60",
    "raw,max=20",
    "raw,join,max=20",
)


def _two_sizes(header: bytes) -> int:
    return 2 + header[0] + header[1]


FRAMINGS: Final[tuple[Framing, ...]] = (
    *map(parse_framing, NOTATIONS),
    HeaderFramed(2, _two_sizes, max_frame=40),
    AutoDetect(max_frame=40),
    LengthPrefixed(4, max_frame=2**31),
)


def run_framings(data: bytes) -> None:
    """Decode a stream, in one chunk and in several."""
    source = Source(data)
    framing, seed = source.choice(FRAMINGS), source.number()
    check_stream(framing, source.rest(), seed)


def check_stream(framing: Framing, stream: bytes, seed: int) -> None:
    """Check the laws that hold for any stream: no crash, no growth, and no influence of the chunks."""
    whole = record(framing, [stream], close=True)
    crashes = [str(event) for event in whole.events if isinstance(event, Crash)]
    require(not crashes, f"{framing}: {crashes}")
    offsets = [fault.offset for fault in whole.faults]
    require(offsets == sorted(set(offsets)), f"{framing}: the offsets of faults do not rise: {offsets}")
    recorder = Recorder(framing)
    recorder.feed(*cut(stream, seed))
    shared = held_bytes(framing.decoder())  # all decoders share what a framing has learned of sizes
    held = held_bytes(recorder.decoder) - shared
    # An announced frame may be long, but only bytes that came may be held, and a few small objects.
    limit = min(held_limit(framing), 2 * len(stream)) + 2048
    require(held <= limit, f"{framing}: the decoder holds {held} bytes, more than {limit}")
    recorder.close()
    if framing.self_delimiting:
        require(
            whole.events == recorder.events,
            f"{framing}: chunks change the result: {whole.events} or {recorder.events}",
        )
    check_frames(framing, [event for event in whole.events if isinstance(event, bytes)])


def check_frames(framing: Framing, frames: list[bytes]) -> None:
    """Check that a received frame can be sent, and arrives again, or that the encoder refuses it."""
    for frame in frames[:8]:
        try:
            wire = framing.encode(frame)
        except EncodeError:
            continue
        again = record(framing, [wire])
        again.flush()
        require([frame] == again.events, f"{framing}: {frame!r} arrives as {again.events}")


def seeds_of_framings() -> Iterator[bytes]:
    for number, framing in enumerate(FRAMINGS):
        wire = _some_frames(framing, number)
        yield bytes((number, 1)) + wire
        yield bytes((number, 0)) + wire[:-1] + b"??" + wire


def _some_frames(framing: Framing, seed: int) -> bytes:
    """Return a few frames on the wire, of those that the framing can carry."""
    random = Random(seed)
    wire = b""
    for size in (0, 1, 7, 8):
        try:
            wire += framing.encode(bytes(random.choices(b"ab,1\r\n\x10~", k=size)))
        except TcpcommError:
            continue
    return wire


# -- the notation of framings


def run_notation(data: bytes) -> None:
    """Read a framing's text form, then decode a stream with it. A zero byte ends the text."""
    text, _, stream = data.partition(b"\0")
    try:
        framing = parse_framing(text.decode("utf-8", "surrogateescape"))
    except ConfigurationError:
        return
    again = parse_framing(format_framing(framing))
    require(framing == again, f"{framing} is read back as {again}")
    check_stream(framing, stream, len(stream))


def seeds_of_notation() -> Iterator[bytes]:
    for number, text in enumerate(NOTATIONS):
        yield text.encode() + b"\0" + _some_frames(FRAMINGS[number], number)


# -- codecs


@cache
def cases() -> list[Case]:
    return all_cases()


def run_codecs(data: bytes) -> None:
    """Read a frame at the equipment or at the host, in any of the declarations of the codecs' tests."""
    source = Source(data)
    case, at_host = source.choice(cases()), source.number() % 2
    frame = source.rest()
    if at_host:
        check_at_host(case, case.dialect, frame)
        return
    check_at_equipment(case, case.dialect, frame)
    for each in case.dialect.read_at_equipment(frame).requests:
        if isinstance(each, Request):
            check_request(case, each)


def check_request(case: Case, request: Request) -> None:
    """Check that a request that was read can be written, and is read again with the same values."""
    written = case.dialect.request(request.name, request.values, 7)
    (again,) = case.dialect.read_at_equipment(written).requests
    require(
        isinstance(again, Request) and request.name == again.name,
        f"{case.name}: {request} is read again as {again}",
    )
    assert isinstance(again, Request)
    same = repr(request.values) == repr(again.values)  # repr, because a NaN does not equal itself
    require(same, f"{case.name}: {request.values} is read again as {again.values}")


def seeds_of_codecs() -> Iterator[bytes]:
    for number, case in enumerate(cases()):
        random = Random(number)
        for spec in case.commands:
            values = case.dialect.draw_values(spec.name, random)
            yield bytes((number, 0)) + case.dialect.request(spec.name, values, 7)
        for frame in frames_to_host(case.dialect, case, random):
            yield bytes((number, 1)) + frame
        for frame in case.hostile:
            if len(frame) <= 1000:
                yield bytes((number, 0)) + frame


# -- the proof of a key

KEY: Final = b"sixteen bytes or more"
NONCES: Final = ("ab" * 32, "0123456789abcdef" * 4)


def both_sides() -> tuple[Proof, Proof]:
    """Return the two sides of an exchange that always has the same nonces: the acceptor, the dialler."""
    acceptor = AcceptingProof(PreSharedKeys("camera", {"robot": KEY}), nonce=lambda: NONCES[0])
    dialler = DialingProof(PreSharedKeys("robot", {"camera": KEY}), "camera", nonce=lambda: NONCES[1])
    return acceptor, dialler


@cache
def dialogue() -> tuple[bytes, bytes]:
    """Return all that the acceptor hears, and all that the dialler hears, if nobody disturbs them."""
    acceptor, dialler = both_sides()
    challenge = acceptor.begin()
    proof = dialler.feed(challenge)
    return proof, challenge + acceptor.feed(proof)


def run_psk(data: bytes) -> None:
    """Feed one side with parts of the true exchange and with other bytes."""
    source = Source(data)
    side = source.number() % 2
    genuine = dialogue()[side]
    stream = b""
    while not source.is_empty:
        how, argument = source.number() % 4, source.number()
        true = genuine[len(stream) :]
        if how == 0:
            stream += source.take(argument)
        elif how == 1:
            stream += true[: true.find(b"\n") + 1]
        elif how == 2:
            stream += true[: argument + 1]
        elif true:
            place = argument % len(true)
            stream += true[:place] + bytes((true[place] ^ (1 + source.number() % 255),)) + true[place + 1 :]
    outcomes = {_outcome(side, [stream]), _outcome(side, cut(stream, 0)), _outcome(side, cut(stream, 9))}
    require(len(outcomes) == 1, f"chunks change the result: {outcomes}")
    ((peer, trailing, _),) = outcomes
    is_true = stream.startswith(genuine)
    require((peer is not None) == is_true, f"the peer is {peer} after {stream!r}")
    require(peer is None or trailing == stream[len(genuine) :], f"bytes behind the proof: {trailing!r}")


def _outcome(side: int, chunks: list[bytes]) -> tuple[str | None, bytes, str | None]:
    """Return the proven peer, the bytes that are left, and the reason of a refusal without details."""
    proof = both_sides()[side]
    proof.begin()
    for number, chunk in enumerate(chunks):
        try:
            proof.feed(chunk)
        except NotProven as error:
            require(len(str(error)) < 300, f"the reason is too long for a log: {error}")
            return None, b"", "refused"
        if proof.peer is not None:
            return proof.peer, proof.trailing + b"".join(chunks[number + 1 :]), None
        require(len(proof.trailing) <= MAX_LINE, f"{len(proof.trailing)} bytes are kept")
    return None, b"", None


def seeds_of_psk() -> Iterator[bytes]:
    for side in (0, 1):
        yield bytes((side, 1, 0))
        yield bytes((side, 1, 0, 1, 0, 0, 9)) + b"RUN 1\r\n"
        for how in (2, 3):
            for argument in (0, 13, 20, 40, 90):
                yield bytes((side, how, argument, 1, 0))
                yield bytes((side, 1, 0, how, argument, 7))
        line = dialogue()[side]
        yield bytes((side, 0, 60)) + line[:60] + bytes((0, 200)) + line[60:]


TARGETS: Final = (
    Target("framings", "Decoders of all framings", run_framings, seeds_of_framings),
    Target("notation", "The text form of framings, and their decoders", run_notation, seeds_of_notation),
    Target("codecs", "Frames for template, text, JSON, JSON-RPC and binary", run_codecs, seeds_of_codecs),
    Target("psk", "The proof of a pre-shared key", run_psk, seeds_of_psk),
)
