r"""
Framings as text, for command lines and configuration files.

A framing is written as its kind, the value that the kind needs, and options::

    lines                               length:4
    lines,send=\n                       length:2,little,adjust=-3
    content-length                      length:varint
    delimited:\r\n                      fixed:16
    delimited:\r\n|;                    stx-etx,bcc=xor
    raw                                 enclosed:$|*,bcc=xor:hex,no-cover-end,tail=\r\n

In bytes ``\r \n \t \0 \\ \, \| \: \=`` and ``\xHH`` are escapes, and any other character means itself. A
checksum is its name and, after a colon, its form: ``crc-16/modbus``, ``xor:hex``. ``max=65536`` limits
the frame. On any kind, ``check=…`` adds a checksum at the end of each frame (:class:`Checked`), ``telnet``
takes the commands of Telnet out, and ``preamble=6`` skips bytes at the beginning of a connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from attrs import Factory, field, fields_dict, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing
from tcpcomm.framing.checksums import Checksum, ChecksumForm, checksum
from tcpcomm.framing.delimited import Delimited, Lines
from tcpcomm.framing.documents.json_values import JsonValues
from tcpcomm.framing.documents.xml_documents import XmlDocuments
from tcpcomm.framing.enclosed import ETX, STX, Enclosed
from tcpcomm.framing.headers.content_length import ContentLength
from tcpcomm.framing.headers.counted_body import CountedBody
from tcpcomm.framing.headers.header_framed import HeaderFramed
from tcpcomm.framing.headers.modbus_rtu import modbus_rtu_reply, modbus_rtu_request
from tcpcomm.framing.headers.variable_length import VariableLength
from tcpcomm.framing.ieee488 import Definite
from tcpcomm.framing.length import FixedSize, LengthPrefixed
from tcpcomm.framing.netstring import Netstring
from tcpcomm.framing.streams.preamble import Preamble
from tcpcomm.framing.streams.telnet import Telnet
from tcpcomm.framing.stuffed import Cobs, DleStuffed, Stuffed
from tcpcomm.framing.unframed import Unframed
from tcpcomm.framing.wrappers import COTP, Checked, HexText, Nested

_ESCAPES: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0"}
_ESCAPES.update({mark: mark.encode() for mark in "\\,|:="})
_NAMES: Final = {value[0]: "\\" + name for name, value in _ESCAPES.items()}


def _parse_bytes(text: str) -> bytes:
    parts = []
    for match in re.finditer(r"\\x([0-9A-Fa-f]{2})|\\(.?)|([^\\])", text, re.DOTALL):
        code, escaped, plain = match.groups()
        if code is not None:
            parts.append(bytes.fromhex(code))
        elif plain is not None:
            parts.append(plain.encode(errors="surrogateescape"))  # any byte of a command line
        elif escaped in _ESCAPES:
            parts.append(_ESCAPES[escaped])
        else:
            raise ConfigurationError(
                f"a backslash before {_named(escaped)} means nothing; there are "
                "\\r \\n \\t \\0 \\xHH \\\\ \\, \\| \\: \\="
            )
    return b"".join(parts)


def _named(character: str) -> str:
    """Return the name of the character behind a backslash. A byte that is not text came from a shell."""
    if "\udc80" <= character <= "\udcff":
        byte = ord(character) - 0xDC00
        return f"the byte {byte:02X}, which is written \\x{byte:02X},"
    return repr(character) if character else "the end"


def _format_bytes(value: bytes) -> str:
    def one(byte: int) -> str:
        if byte in _NAMES:
            return _NAMES[byte]
        return chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}"

    return "".join(map(one, value))


def _parse_int(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise ConfigurationError(f"{text!r} is not a whole number")
    return int(text)


def _parse_checksum(text: str) -> Checksum:
    name, colon, form = text.partition(":")
    found = checksum(name)
    return found.written(cast("ChecksumForm", form)) if colon else found


def _format_checksum(value: Checksum) -> str:
    known = checksum(value.name)
    if known.written(value.form) != value:
        raise ConfigurationError(f"the checksum {value.name!r} differs from the catalogue: no text form")
    return value.name if known == value else f"{value.name}:{value.form}"


def _split(text: str, separator: str) -> list[str]:
    """Split at each separator that does not follow a backslash."""
    return re.findall(rf"(?:^|{re.escape(separator)})((?:\\.|[^\\{separator}]|\\$)*)", text, re.DOTALL)


def _parse_several(text: str) -> tuple[bytes, ...]:
    return tuple(map(_parse_bytes, _split(text, "|")))


def _format_several(value: bytes | tuple[bytes, ...]) -> str:
    return "|".join(map(_format_bytes, (value,) if isinstance(value, bytes) else value))


def _parse_codes(text: str) -> dict[int, int]:
    pairs = _parse_several(text)
    if any(len(pair) != 2 for pair in pairs):
        raise ConfigurationError(r"codes are pairs of a byte and its code, as in \x02\x82|\x03\x83")
    return {pair[0]: pair[1] for pair in pairs}


def _format_codes(value: Mapping[int, int]) -> str:
    return _format_several(tuple(bytes(pair) for pair in value.items()))


def _parse_preamble(text: str) -> int | bytes:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else _parse_bytes(text)


def _format_preamble(value: int | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    return f"\\x{value[0]:02x}{_format_bytes(value[1:])}"  # not to be taken for a number


@frozen
class _Option:
    """The option for one field of a framing. Its word ends with ``=`` if a value follows."""

    name: str
    parse: Callable[[str], Any]
    format: Callable[[Any], str] = str


_BYTES: Final = (_parse_bytes, _format_bytes)
_SEVERAL: Final = (_parse_several, _format_several)
_INT: Final = (_parse_int, str)
_CHECKSUM: Final = (_parse_checksum, _format_checksum)
_MAX: Final = {"max=": _Option("max_frame", *_INT)}


def _values(converters: tuple[Any, Any], *names: str) -> dict[str, _Option]:
    """Return options that are called as their fields, with ``-`` for ``_``."""
    return {name.replace("_", "-") + "=": _Option(name, *converters) for name in names}


def _flag(name: str, word: str = "", value: Any = True) -> dict[str, _Option]:
    """Return the option that sets the field to this value. It is called as the field, or by this word."""
    return {word or name.replace("_", "-"): _Option(name, lambda _: value)}


@frozen
class _Kind:
    """The notation of one kind of framing: its name, its options, and the arguments after the colon."""

    name: str
    cls: type[Framing]
    options: Mapping[str, _Option] = field(factory=dict)
    arguments: tuple[_Option, ...] = ()
    example: str = ""
    preset: Mapping[str, Any] = field(factory=dict, kw_only=True)


_ENCLOSED: Final = {
    **_flag("cover_start"),
    **_flag("cover_end", "no-cover-end", False),
    "bcc=": _Option("checksum", *_CHECKSUM),
    **_values(_BYTES, "tail", "between"),
    **_flag("keep_ends"),
    **_values(_SEVERAL, "alone"),
    **_values(_BYTES, "escape"),
    **_values((_parse_codes, _format_codes), "codes"),
    **_flag("cover_escapes"),
    **_MAX,
}
_LENGTH: Final = {
    **_flag("form", "big", "big"),
    **_flag("form", "little", "little"),
    **_flag("form", "decimal", "decimal"),
    **_flag("form", "hex", "hex"),
    **_values(_INT, "offset", "adjust"),
    **_values(_BYTES, "sync"),
    **_values(_INT, "strip"),
    **_MAX,
}
_DOCUMENTS: Final = {**_values(_BYTES, "end", "between"), **_MAX}
_HEADS: Final = _Option("heads", *_SEVERAL)
_DELIMITERS: Final = _Option("delimiters", *_SEVERAL)
_MARKERS: Final = (_Option("start", *_BYTES), _Option("end", *_SEVERAL))
_TPKT: Final = {"width": 2, "form": "big", "offset": 2, "sync": b"\x03\x00", "adjust": -4, "strip": 4}
_VARIABLE: Final = {**_values(_INT, "offset", "adjust"), **_MAX}
_DIGITS: Final = {**_values(_BYTES, "end"), **_VARIABLE}
_COTP: Final = {"outer": LengthPrefixed(**_TPKT), "fragments": COTP}  # type: ignore[arg-type]

_ALL: Final = (
    _Kind("lines", Lines, {**_flag("keep_ends"), **_values(_BYTES, "send"), **_MAX}),
    _Kind("raw", Unframed, {**_flag("join"), **_MAX}),
    _Kind("delimited", Delimited, {**_flag("keep_ends"), **_MAX}, (_DELIMITERS,), r"delimited:\r\n"),
    _Kind("tpkt", LengthPrefixed, _MAX, preset=_TPKT),
    _Kind("length", LengthPrefixed, _LENGTH, (_Option("width", *_INT),), "length:4"),
    _Kind("length:varint", VariableLength, _VARIABLE, preset={"form": "varint"}),
    _Kind("length:ber", VariableLength, _VARIABLE, preset={"form": "ber"}),
    _Kind("length:decimal", VariableLength, _DIGITS, preset={"form": "decimal"}),
    _Kind("length:hex", VariableLength, _DIGITS, preset={"form": "hex"}),
    _Kind("content-length", ContentLength, {**_values(_INT, "max_header"), **_MAX}),
    _Kind(
        "counted-body",
        CountedBody,
        {**_values(_BYTES, "end", "tail"), **_MAX},
        (_HEADS,),
        "counted-body:IMG {count}",
    ),
    _Kind("json", JsonValues, _DOCUMENTS),
    _Kind("xml", XmlDocuments, _DOCUMENTS),
    _Kind("modbus-rtu-request", HeaderFramed, _MAX, preset={"header": 2, "total": modbus_rtu_request}),
    _Kind("modbus-rtu-reply", HeaderFramed, _MAX, preset={"header": 2, "total": modbus_rtu_reply}),
    _Kind("fixed", FixedSize, {}, (_Option("size", *_INT),), "fixed:16"),
    _Kind("stx-etx", Enclosed, _ENCLOSED, preset={"start": STX, "end": ETX}),
    _Kind("enclosed", Enclosed, _ENCLOSED, _MARKERS, "enclosed:$|*"),
    _Kind("netstring", Netstring, _MAX),
    _Kind("cobs", Cobs, _MAX),
    _Kind("slip", Stuffed, {**_flag("lead"), **_MAX}),
    _Kind("dle", DleStuffed, {**_values(_BYTES, "start", "end", "escape"), **_MAX}),
    _Kind("definite", Definite, {**_flag("block_ends"), **_values(_BYTES, "terminator"), **_MAX}),
    _Kind("cotp", Nested, {**_values(_INT, "max_fragment"), **_MAX}, preset=_COTP),
)
_KINDS: Final = {kind.name: kind for kind in _ALL}

KINDS: Final = tuple(_KINDS)
"""The names of all kinds of framing in the notation."""

_HEX_TEXT: Final = {
    **_flag("lower", "hex-text", value=False),
    **_flag("lower", "hex-text-lower"),
}


def _check_options(word: str) -> dict[str, _Option]:
    """Return the options of a checksum in each frame, which begin with this word."""
    return {
        **_flag("zero_is_unchecked", f"{word}-zero-ok"),
        f"{word}=": _Option("checksum", *_CHECKSUM),
        f"{word}-at=": _Option("at", *_INT),
        f"{word}-from=": _Option("cover_from", *_INT),
        f"{word}-to=": _Option("cover_to", *_INT),
    }


_HEAD_CHECKED: Final = _check_options("head-check")
_CHECKED: Final = {
    **_check_options("check"),
    "check-tail=": _Option("tail", *_BYTES),
    **_flag("cover_header", "check-header"),
    **_flag("resync", "check-resync"),
}
_AROUND: Final = {
    **_flag("telnet"),
    "preamble=": _Option("preamble", _parse_preamble, _format_preamble),
}
_WRAPPERS: Final = (_HEX_TEXT, _HEAD_CHECKED, _CHECKED, _AROUND)

WRAPPER_OPTIONS: Final = tuple(word for options in _WRAPPERS for word in options)
"""The words of the options that may stand behind any kind. A word ends with ``=`` if a value follows."""


def parse_framing(text: str) -> Framing:
    """
    Read a framing from its text form.

    Raises:
        ConfigurationError: the text does not name a framing, or its values do not fit together. The error
            shows the text and the part that is wrong.
    """
    first, *options = _split(text, ",")
    name, colon, argument = (first, "", "") if first in _KINDS else first.partition(":")
    kind = _KINDS.get(name)
    if kind is None:
        raise ConfigurationError(f"no framing is called {name!r}; there are {', '.join(_KINDS)}")
    if bool(colon) != bool(kind.arguments):
        wants = f"needs a value, as in {kind.example}" if kind.arguments else "takes no value"
        raise ConfigurationError(f"framing {text!r}: {name} {wants}")
    try:
        values = dict(kind.preset)
        if kind.arguments:
            parts = _split(argument, "|")
            single = len(kind.arguments) - 1
            if len(parts) <= single:
                raise ConfigurationError(f"needs a start and an end, as in {kind.example}")
            parts = [*parts[:single], "|".join(parts[single:])]  # the last argument may be several values
            for each, part in zip(kind.arguments, parts, strict=True):
                values[each.name] = each.parse(part)
        wrappers: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
        places = [(kind.options, values), *zip(_WRAPPERS, wrappers, strict=True)]
        for option in options:
            key, equals, value = option.partition("=")
            known, into = next((place for place in places if key + equals in place[0]), ({}, {}))
            found = known.get(key + equals)
            if found is None:
                words = sorted(
                    (word for place in places for word in place[0]), key=lambda word: "=" not in word
                )
                listed = ", ".join(words).replace("=", "=…")
                raise ConfigurationError(f"no option {option!r}; there are {listed}")
            meant = found.parse(value)
            if found.name in into:
                raise ConfigurationError(f"{option!r} comes after another option for the same value")
            into[found.name] = meant
        return _wrapped(kind.cls(**values), *wrappers)
    except ConfigurationError as error:
        raise ConfigurationError(f"framing {text!r}: {error}") from None


def _wrapped(
    framing: Framing,
    hex_text: dict[str, Any],
    head: dict[str, Any],
    check: dict[str, Any],
    around: dict[str, Any],
) -> Framing:
    """Return a framing with the framings around it that these options name."""
    if hex_text:
        framing = HexText(framing, **hex_text)
    for word, options in (("head-check", head), ("check", check)):
        if options and "checksum" not in options:
            raise ConfigurationError(f"{word}-… options need {word}=…")
        if options:
            framing = Checked(framing, **options)
    if around.get("telnet"):
        framing = Telnet(framing)
    return Preamble(framing, around["preamble"]) if "preamble" in around else framing


def format_framing(framing: Framing) -> str:
    """
    Return the text form of a framing, from which :func:`parse_framing` makes an equal one.

    Raises:
        ConfigurationError: this framing has no text form, for example because it holds a function.
    """
    text = _format_wrapped(framing)
    if not text or parse_framing(text) != framing:
        raise ConfigurationError(f"{framing!r} has no text form")
    return text


def _format_wrapped(framing: Framing) -> str:
    inner, around = framing, []
    if isinstance(inner, Preamble):
        around.append(f"preamble={_format_preamble(inner.preamble)}")
        inner = inner.framing
    if isinstance(inner, Telnet):
        around.append("telnet")
        inner = inner.framing
    for options in (_CHECKED, _HEAD_CHECKED):
        if isinstance(inner, Checked):
            around.append(",".join(_options(inner, options)))
            inner = inner.framing
    if isinstance(inner, HexText):
        around.append("hex-text-lower" if inner.lower else "hex-text")
        inner = inner.framing
    text = next((_format_kind(kind, inner) for kind in _ALL if _is_kind(inner, kind)), "")
    return ",".join([text, *reversed(around)]) if text else ""


def _is_kind(framing: Framing, kind: _Kind) -> bool:
    return type(framing) is kind.cls and all(
        getattr(framing, name) == value for name, value in kind.preset.items()
    )


def _format_kind(kind: _Kind, framing: Framing) -> str:
    arguments = "|".join(each.format(getattr(framing, each.name)) for each in kind.arguments)
    head = f"{kind.name}:{arguments}" if arguments else kind.name
    return ",".join([head, *_options(framing, kind.options)])


def _options(framing: Framing, options: Mapping[str, _Option]) -> Iterator[str]:
    known = fields_dict(type(framing))
    for word, option in options.items():
        value, default = getattr(framing, option.name), known[option.name].default
        if isinstance(default, Factory):  # type: ignore[arg-type]
            default = default.factory(framing) if default.takes_self else default.factory()  # type: ignore[union-attr]
        if value is None or value == default:
            continue
        if word.endswith("="):
            yield word + option.format(value)
        elif value == option.parse(""):
            yield word
