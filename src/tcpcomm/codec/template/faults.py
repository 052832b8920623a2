"""The template of faults: :class:`FaultTemplate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tcpcomm.codec.base import Field, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.problems import brief_repr
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import compile_template
from tcpcomm.codec.template.fields.format_spec import parse_format_spec
from tcpcomm.codec.template.parser import OptionalPiece, Piece, TextPiece, ValuePiece, leading_text, parse
from tcpcomm.errors import CodecError, ConfigurationError, Fault

NUMBERS: Final = {
    ProtocolErrorKind.UNREADABLE: 90,
    ProtocolErrorKind.MALFORMED: 91,
    ProtocolErrorKind.UNKNOWN_COMMAND: 92,
    ProtocolErrorKind.BAD_PARAMETERS: 93,
    ProtocolErrorKind.INTERNAL: 99,
}
"""The codes of protocol errors, if codes are numbers or of fixed width, and no others are given."""

UNKNOWN_WORD: Final = "?"
"""The text in place of the first word of a request that cannot be read."""

_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")


def first_word(text: str) -> str:
    """Return the text before the first white space, comma, semicolon or equals sign."""
    return re.split(r"[\s,;=]", text, maxsplit=1)[0]


def _value_pieces(pieces: tuple[Piece, ...]) -> Iterator[ValuePiece]:
    for piece in pieces:
        if isinstance(piece, ValuePiece):
            yield piece
        elif isinstance(piece, OptionalPiece):
            yield from _value_pieces(piece.pieces)
        elif not isinstance(piece, TextPiece):
            raise ConfigurationError("a fault cannot contain a list")


def _with_command(pieces: tuple[Piece, ...], word: str) -> Iterator[Piece]:
    """Yield the pieces with a command's word in place of the field ``command``."""
    for piece in pieces:
        if isinstance(piece, ValuePiece) and piece.name == "command":
            yield TextPiece(word)
        elif isinstance(piece, OptionalPiece):
            yield OptionalPiece(tuple(_with_command(piece.pieces, word)))
        else:
            yield piece


class NoFaults:
    """The replacement of a :class:`FaultTemplate` for equipment that never sends a fault."""

    text: Final = ""

    def template(self, word: str) -> CompiledTemplate:
        raise AssertionError("there are no faults")

    def matches(self, text: str) -> bool:
        return False

    def read(self, text: str, word: str) -> Fault | None:
        return None

    def write(self, word: str, fault: Fault) -> str:
        raise CodecError("the equipment has no faults: fault=None is declared")

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(kind.name, reason)  # it is never sent


class FaultTemplate:
    """
    The template of faults, compiled.

    If the template has no ``{code}``, the code is the first word of the template. Any other code is
    written in front of the reason.

    Args:
        text: a template with any of the fields ``code``, ``reason`` and ``command``.
        encoding: the encoding that the reason must fit into.
        codes: the codes of protocol errors, if they differ from the defaults.
        word: the code if the template has no ``{code}``; by default the first word of the template.

    Raises:
        ConfigurationError: the template has another field, has neither a code nor a word, or cannot carry
            the code of a protocol error.
    """

    def __init__(
        self,
        text: str,
        encoding: Encoding,
        codes: Mapping[ProtocolErrorKind, int | str],
        word: str | None = None,
    ) -> None:
        self.text = text
        self._encoding = encoding
        self._pieces = parse(text)
        formats = {piece.name: piece.format_spec for piece in _value_pieces(self._pieces)}
        self._names = formats.keys()
        code_format = parse_format_spec(formats.get("code", ""))
        self._codes_are_numbers = code_format.zero or code_format.type in ("d", "x", "X")
        default_numbers = self._codes_are_numbers or code_format.width is not None
        self._width = parse_format_spec(formats.get("reason", "")).width
        self._fields = {
            "code": Field("code", int if self._codes_are_numbers else str),
            "reason": Field("reason", str, ""),
            "command": Field("command", str),
        }
        self.word = first_word(leading_text(self._pieces)) if word is None else word
        if "code" not in formats and not self.word:
            raise ConfigurationError(f"the fault {text!r} needs a {{code}}, or must begin with a word")
        self._template = compile_template(text, self._fields)
        self._templates_by_word: dict[str, CompiledTemplate] = {}
        self._codes: dict[ProtocolErrorKind, int | str] = {}
        for kind in ProtocolErrorKind:
            by_kind = NUMBERS[kind] if default_numbers else kind.name
            default = by_kind if "code" in formats else self.word
            self._codes[kind] = self._checked_code(kind, codes.get(kind, default))

    def _checked_code(self, kind: ProtocolErrorKind, code: int | str) -> int | str:
        try:
            self._encoding.encode(self.write("", Fault(code)))
        except CodecError as error:
            raise ConfigurationError(
                f"the fault {self.text!r} cannot carry {code!r}, the code for {kind.name} ({error}): "
                f"give another code with codes={{ProtocolErrorKind.{kind.name}: ...}}"
            ) from None
        return code

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """Return the fault for a protocol error."""
        return Fault(self._codes[kind], reason)

    def template(self, word: str) -> CompiledTemplate:
        """Return the template of faults for the command with this word, or with no word for any command."""
        if "command" not in self._names or not word:
            return self._template
        if word not in self._templates_by_word:
            pieces = tuple(_with_command(self._pieces, word))
            self._templates_by_word[word] = compile_template(self.text, self._fields, pieces)
        return self._templates_by_word[word]

    def matches(self, text: str) -> bool:
        """Return True if a text is a fault, for any command."""
        return self._template.matches(text)

    def read(self, text: str, word: str) -> Fault | None:
        """Return the fault that answers the command with this word, or None if the text is not a fault."""
        values = self.template(word).read(text)
        if values is None:
            return None
        code = values.get("code", self.word)
        if isinstance(code, str) and _NUMBER.fullmatch(code):
            code = int(code)
        return Fault(code, values.get("reason", ""))

    def write(self, word: str, fault: Fault) -> str:
        """Return the text of a fault; raise CodecError if the template cannot carry its code."""
        code, reason = fault.code, str(fault.reason)
        if "code" not in self._names and code != self.word:
            if "reason" not in self._names:
                raise CodecError(f"the fault {self.text!r} cannot carry a code, such as {code!r}", "code")
            reason = f"{code}: {reason}" if reason else str(code)
        if isinstance(code, bool) or not isinstance(code, int | str) or code == "":
            raise CodecError(f"must be a number or a word, not {code!r}", "code")
        if self._codes_are_numbers and isinstance(code, str):
            raise CodecError(
                f"must be a whole number, not {brief_repr(code)}: raise Fault(code, reason), for example "
                f"Fault(1, {brief_repr(code)})",
                "code",
            )
        values = {
            "code": code if self._codes_are_numbers else str(code),
            "reason": self._writable(reason) if "reason" in self._names else "",
            "command": word or UNKNOWN_WORD,
        }
        return self._template.write(values)

    def _writable(self, reason: str) -> str:
        """Return a reason that can be written: other characters are escaped, and a long text is cut."""
        if not (reason.isprintable() and self._carries(reason)):
            reason = "".join(map(self._escaped, reason))
        if self._width is not None:
            reason = reason.strip()
            if len(reason) > self._width:
                cut = reason[: max(self._width - 3, 0)].rstrip()
                reason = (cut + "...")[: self._width]
        return reason

    def _escaped(self, character: str) -> str:
        escaped = f"\\x{ord(character):02x}" if character < "\u0100" else f"\\u{ord(character):04x}"
        for each in (character, escaped, "?"):
            if each.isprintable() and self._carries(each):
                return each
        return ""

    def _carries(self, text: str) -> bool:
        if not self._encoding.carries(text) or self._width is not None:
            return self._encoding.carries(text)
        code = 0 if self._codes_are_numbers else "0"
        try:
            self._template.write({"code": code, "reason": text, "command": UNKNOWN_WORD})
        except CodecError:
            return False
        return True
