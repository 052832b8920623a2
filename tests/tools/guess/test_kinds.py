"""Each kind of framing is found again in a capture that its own encoder made."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from tcpcomm.framing import parse_framing
from tcpcomm.framing.notation import KINDS
from tcpcomm.tools.guess.answer import Verdict
from tcpcomm.tools.guess.candidates.every import GUESSED, NOT_GUESSED
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.search import guess_framing
from tests.tools.guess.talks import Said, blocks, in_pieces, records, talk, texts, turn_by_turn

PICTURES = [
    b"IMG %d\r\n%b" % (len(body), body) if body else b"OK"
    for body in (
        Random(number).randbytes(number % 7 * 5) + b"\r\n" * (number % 7 > 0) for number in range(40)
    )
]
OBJECTS = [
    json.dumps(
        {"id": number, "text": "a}" * (number % 4), "list": [number] * (number % 3)}, indent=1
    ).encode()
    for number in range(40)
]
XML = [
    b'<Robot><Pos X="%d.5" Y="%d"/>\n<Text>%b</Text></Robot>' % (n, n * 7 % 31, b"a>b" * (n % 3))
    if n % 2
    else b'<Sen Type="Cam"><Job>%d</Job></Sen>' % n
    for n in range(40)
]
REQUESTS = [
    bytes([1, 3, 0, n, 0, 1 + n % 3]) if n % 5 else bytes([1, 16, 0, n, 0, 1, 2, 7, n]) for n in range(20)
]
REPLIES = [
    bytes([1, 3, 2 * (1 + n % 3)]) + Random(n).randbytes(2 * (1 + n % 3))
    if n % 5
    else bytes([1, 16, 0, n, 0, 1])
    for n in range(20)
]
CURVES = [
    b"CURV #2%02d" % (10 + n % 7) + Random(n).randbytes(10 + n % 7).replace(b"#", b"\n")
    if n % 3
    else b"%d.5" % n
    for n in range(40)
]
COTP = [b"\x02\xf0\x80\x32\x01" + frame for frame in records(40)]


def modbus() -> Said:
    frames = [frame for pair in zip(REQUESTS, REPLIES, strict=True) for frame in pair]
    checked = ",check=crc-16/modbus"
    return talk("modbus-rtu-request" + checked, frames, "modbus-rtu-reply" + checked)


CASES: dict[str, Callable[[], Said]] = {
    "lines": lambda: [
        (side, frame + (b"\r\n", b"\n", b"\r")[number % 3])
        for number, (side, frame) in enumerate(talk("raw", texts(40)))
    ],
    r"delimited:\r\n": lambda: talk(r"delimited:\r\n", texts(40)),
    r"delimited:\r": lambda: talk(r"delimited:\r", texts(40)),
    r"delimited:;": lambda: talk(r"delimited:;", texts(40)),
    r"delimited:</Robot>": lambda: talk(
        "delimited:</Robot>", [b"<Robot><X>%d</X><Y>%d.5</Y>" % (n, n * 7) for n in range(40)]
    ),
    "length:4": lambda: talk("length:4", records(40)),
    "length:2,little,offset=4,adjust=-6": lambda: talk(
        "length:2,little,offset=4,adjust=-6",
        [b"\xaa\x55\x01\x02" + (len(body) + 6).to_bytes(2, "little") + body for body in records(40)],
    ),
    "length:4,decimal": lambda: talk("length:4,decimal", texts(40)),
    "length:4,hex": lambda: talk("length:4,hex", texts(40)),
    "tpkt": lambda: talk("tpkt", records(40)),
    "length:varint": lambda: talk(
        "length:varint", [each * (1 + n % 9) for n, each in enumerate(records(40))]
    ),
    "length:ber": lambda: talk("length:ber", [each * (1 + n % 9) for n, each in enumerate(records(40))]),
    "length:decimal": lambda: talk("length:decimal", texts(40)),
    "length:hex": lambda: talk("length:hex", [each * (1 + n % 3) for n, each in enumerate(texts(40))]),
    "content-length": lambda: talk("content-length", OBJECTS),
    "counted-body:IMG {count}": lambda: talk("counted-body:IMG {count}", PICTURES),
    "json": lambda: talk("json", OBJECTS),
    "xml": lambda: talk("xml", XML),
    "modbus-rtu": modbus,
    "fixed:9": lambda: talk("fixed:9", blocks(40)),
    "stx-etx": lambda: talk("stx-etx", texts(40)),
    "stx-etx,bcc=xor": lambda: talk("stx-etx,bcc=xor", texts(40)),
    r"enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n": lambda: talk(
        r"enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n", texts(40)
    ),
    "netstring": lambda: talk("netstring", texts(40)),
    "cobs": lambda: talk("cobs", records(40)),
    "slip": lambda: talk("slip", records(40)),
    "slip,lead": lambda: talk("slip,lead", records(40)),
    "dle": lambda: talk("dle", records(40)),
    "definite": lambda: talk("definite", CURVES),
    "cotp": lambda: talk("cotp", COTP),
}


def cuts_right(notation: str | None, said: Said, side: int) -> bool:
    """Return True if a framing delivers one frame at the end of each message of a side."""
    assert notation is not None
    decoder = parse_framing(notation).decoder()
    return all(1 == len(decoder.feed(data)) and not decoder.buffered for each, data in said if each == side)


def test_each_kind_of_the_notation_is_guessed_or_says_why_not() -> None:
    guessed = {name for each in GUESSED for name in each.kinds}

    assert set(KINDS) == guessed | set(NOT_GUESSED)
    assert set() == guessed & set(NOT_GUESSED)
    assert all(reason.endswith(".") for reason in NOT_GUESSED.values())


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(
    "deliver", [turn_by_turn, lambda said: in_pieces(said, 7)], ids=["turns", "pieces"]
)
def test_a_kind_is_found_in_what_its_encoder_sent(kind: str, deliver: Callable[[Said], Capture]) -> None:
    said = CASES[kind]()

    guess = guess_framing(deliver(said))

    assert guess.best is not None, kind
    assert cuts_right(guess.best.framings[0], said, 0), guess.best.framings
    assert cuts_right(guess.best.framings[1], said, 1), guess.best.framings
    assert guess.verdict is not Verdict.NOTHING


@pytest.mark.parametrize(
    "checked",
    [
        "length:2,check=crc-16/modbus",
        "length:1,check=sum8",
        r"delimited:\r\n,check=crc-16/xmodem:hex",
        "slip,check=crc-16/kermit",
        "cobs,check=crc-32/iso-hdlc",
        "stx-etx,bcc=xor",
        r"stx-etx,bcc=sum8:hex,tail=\r",
        r"enclosed:\:|\r\n,hex-text,check=lrc",
    ],
)
def test_the_checksum_of_the_frames_is_found(checked: str) -> None:
    frames = records(60) if "delimited" not in checked and "stx" not in checked else texts(60)

    guess = guess_framing(turn_by_turn(talk(checked, frames)))

    assert guess.best is not None
    assert (checked, checked) == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict, guess.doubts
