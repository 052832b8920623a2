"""Fields as IEEE 488.2 writes them: strings in quotes, and binary blocks such as ``#14`` and four bytes."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from tcpcomm.codec.encoding import encoding_in_use
from tcpcomm.codec.problems import wrong
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.format_spec import FormatSpec
from tcpcomm.codec.template.regex_tree import (
    ANY,
    DIGIT,
    CharSet,
    Choice,
    Many,
    Maybe,
    Run,
    Seq,
    TextPattern,
    literal,
)
from tcpcomm.errors import CodecError, ConfigurationError

BLOCK_FORMAT: Final = "block"

_MOST_BYTES: Final = 999_999_999
"""The most bytes of a block: its length has at most nine digits."""

_WORDS: Final = ("ready", "", 'a "quoted" word', "it's, here; #14", "A-12")


def quoted_str_type(format_spec: FormatSpec) -> FieldType:
    """Return the field type of ``str`` in double quotes. Single quotes are read too."""
    format_spec.allow_only("type", of="a text in quotes")

    def write(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("a text", value)
        return '"' + value.replace('"', '""') + '"'

    def read(text: str) -> str:
        quote = text[0]
        return text[1:-1].replace(quote * 2, quote)

    double, single = _in_quotes('"'), _in_quotes("'")
    return FieldType(
        "a text in quotes",
        Choice((double, single)),
        write,
        read,
        lambda random: random.choice(_WORDS),
        written=double,
    )


def _in_quotes(quote: str) -> TextPattern:
    inside = Choice((Run(CharSet(frozenset(quote), True), 1, 1), literal(quote * 2)))
    return Seq((literal(quote), Maybe(Many(inside, "")), literal(quote)))


def block_type() -> FieldType:
    """
    Return the field type of ``bytes`` in a block of a definite length. A block of any length is read too.

    Raises:
        ConfigurationError: the encoding of the message changes bytes.
    """
    encoding = encoding_in_use()
    every = bytes(range(256))
    try:
        is_plain = encoding.encode(encoding.decode(every)) == every and len(encoding.decode(every)) == 256
    except CodecError:
        is_plain = False
    if not is_plain:
        raise ConfigurationError("a block needs an encoding that leaves bytes as they are, such as latin-1")

    def write(value: Any) -> str:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise wrong("bytes", value)
        size = str(len(value))
        if len(value) > _MOST_BYTES:
            raise CodecError(f"a block has at most {_MOST_BYTES} bytes, not {size}")
        return f"#{len(size)}{size}{encoding.decode(bytes(value))}"

    def read(text: str) -> bytes:
        digits = int(text[1])
        begin = 2 + digits
        if digits == 0:
            return encoding.encode(text[begin:])
        size, found = int(text[2:begin]), len(text) - begin
        if found != size and text[begin + size :] != "\r":  # of a line that ends in CR LF
            raise CodecError(f"the block says {size} bytes, but there are {found}")
        return encoding.encode(text[begin : begin + size])

    sizes = [Seq((literal(str(digits)), Run(DIGIT, digits, digits))) for digits in range(10)]
    pattern = Seq((literal("#"), Choice(sizes), Run(ANY, 0, None)))
    return FieldType("a block of bytes", pattern, write, read, _draw)


def _draw(random: Random) -> bytes:
    return random.randbytes(random.randrange(40)) + random.choice((b"", b"\n", b"\r\n#;,"))
