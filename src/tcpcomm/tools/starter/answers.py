"""The answers from which the programs are made: :class:`Answers`."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing
from tcpcomm.framing.delimited import Delimited
from tcpcomm.framing.enclosed import Enclosed
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.framing.notation import parse_framing
from tcpcomm.framing.unframed import Unframed
from tcpcomm.tools.starter.names import Names

CONNECTS: Final = {
    "pc": "the PC connects, and the device listens",
    "device": "the device connects, and the PC listens",
}
"""Who opens the TCP connection."""

MESSAGES: Final = {
    "text": "text, such as MEAS,3",
    "json": 'JSON, such as {"cmd": "measure", "channel": 3}',
    "binary": "binary: numbers as bytes",
}
"""The form of the messages."""

PROGRAMS: Final = {
    "device": "the device's, for equipment that you build",
    "pc": "the PC's, for equipment that exists",
    "both": "both; the device's one is also the simulator",
}
"""The programs that are written."""


@frozen
class Ending:
    """
    A usual way to end a message, or to tell its length.

    Args:
        words: the text for people.
        framing: what cuts the stream.
        source: the Python expression of the framing.
        imported: the name in ``tcpcomm.framing`` that the source needs.
        comment: the reason, as a comment in the declaration.
    """

    words: str
    framing: Framing
    source: str
    imported: str
    comment: str


def _delimited(words: str, end: bytes) -> Ending:
    source = f'Delimited(b"{end.decode().encode("unicode_escape").decode()}")'
    comment = f"Each message ends with {words}. The framing cuts there, and adds it to what is sent."
    return Ending(words, Delimited(end), source, "Delimited", comment)


def _counted(width: int) -> Ending:
    comment = f"A number of {width} bytes, the high byte first, stands before each message: its length."
    words = f"a length of {width} bytes stands in front"
    return Ending(words, LengthPrefixed(width), f"LengthPrefixed({width})", "LengthPrefixed", comment)


SILENCE: Final = 0.05
"""Seconds of silence that end a message, where nothing else does."""

ENDINGS: Final = {
    "crlf": _delimited("CR LF", b"\r\n"),
    "cr": _delimited("CR", b"\r"),
    "lf": _delimited("LF", b"\n"),
    "stx-etx": Ending(
        "it stands between STX and ETX",
        Enclosed(),
        "Enclosed()",
        "Enclosed",
        "Each message stands between the bytes STX (02) and ETX (03). The framing adds and removes them.",
    ),
    "length2": _counted(2),
    "length4": _counted(4),
    "silence": Ending(
        "nothing ends it: silence follows",
        Unframed(join=True),
        "Unframed(join=True)",
        "Unframed",
        f"Nothing in the stream ends a message. It ends when the sender has been silent for {SILENCE} s.",
    ),
}
"""The usual ways, by the word of the option."""

USUAL: Final = {
    "text": ("crlf", "cr", "lf", "stx-etx", "length2", "length4", "silence"),
    "json": ("lf", "crlf", "cr", "stx-etx", "length2", "length4", "silence"),
    "binary": ("length2", "length4", "silence"),
}
"""The ways that fit each form of messages, the most usual one first."""


def _found(text: str) -> Ending:
    """
    Return the ending of a word or of a framing notation.

    Raises:
        ConfigurationError: the notation has a mistake.
    """
    if text in ENDINGS:
        return ENDINGS[text]
    framing = parse_framing(text)
    for each in ENDINGS.values():
        if each.framing == framing:
            return each
    literal = f'r"{text}"' if '"' not in text and not text.endswith("\\") else repr(text)
    comment = "How a message ends, or where its length stands: the notation of framings says it."
    return Ending(f"framing {text}", framing, f"parse_framing({literal})", "parse_framing", comment)


@frozen
class Answers:
    """
    What the user said about the device.

    Args:
        names: its names.
        connects: a key of :data:`CONNECTS`.
        messages: a key of :data:`MESSAGES`.
        ends: a key of :data:`ENDINGS`, or a framing notation.
        program: a key of :data:`PROGRAMS`.
        port: the TCP port.
    """

    names: Names
    connects: str = "pc"
    messages: str = "text"
    ends: str = "crlf"
    program: str = "both"
    port: int = 9999
    ending: Ending = field(init=False)

    @ending.default
    def _default_ending(self) -> Ending:
        return _found(self.ends)

    def __attrs_post_init__(self) -> None:
        if self.ends in ENDINGS and self.ends not in USUAL[self.messages]:
            raise ConfigurationError(
                f"{self.ends} does not fit {self.messages} messages, because a number may hold the same "
                f"bytes: choose {', '.join(USUAL[self.messages])}, or a framing such as slip, cobs or dle"
            )

    @property
    def by_silence(self) -> bool:
        """True if silence ends a message."""
        return isinstance(self.ending.framing, Unframed)
