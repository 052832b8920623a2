"""
How a fault is written as a template: :class:`FaultForm`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tcpcomm.codec.base import Field, ProtocolErrorKind
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import compile_line
from tcpcomm.codec.template.field_type import shown
from tcpcomm.codec.template.format_spec import parse_spec
from tcpcomm.codec.template.parser import Literal, Part, Piece, Slot, leading, parse
from tcpcomm.codec.template.regex_tree import Shape
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["FaultForm", "NoFaults", "first_word"]

NUMBERS: Final = {
    ProtocolErrorKind.UNREADABLE: 90,
    ProtocolErrorKind.MALFORMED: 91,
    ProtocolErrorKind.UNKNOWN_COMMAND: 92,
    ProtocolErrorKind.BAD_PARAMETERS: 93,
    ProtocolErrorKind.INTERNAL: 99,
}
"""The codes of troubles where codes are numbers or of fixed width, unless others are given."""

UNKNOWN_WORD: Final = "?"
"""What stands for the request's first word where there was none to be read."""

_WORD: Final = re.compile(r"[^\s,;=]*")
_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")


def first_word(text: str) -> str:
    """What stands before the first white space, comma, semicolon or equals sign."""
    match = _WORD.match(text)
    assert match is not None
    return match[0]


def _slots(pieces: tuple[Piece, ...]) -> dict[str, Slot]:
    """The fields of a fault's template by name, those in optional parts too."""
    found: dict[str, Slot] = {}
    for piece in pieces:
        if isinstance(piece, Slot):
            found[piece.name] = piece
        elif isinstance(piece, Part):
            found.update(_slots(piece.pieces))
        elif not isinstance(piece, Literal):
            raise ConfigurationError("a fault has no lists")
    return found


def _for_command(pieces: tuple[Piece, ...], word: str) -> tuple[Piece, ...]:
    """The pieces with a command's word in place of the field ``command``."""
    made: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Slot) and piece.name == "command":
            made.append(Literal(word))
        elif isinstance(piece, Part):
            made.append(Part(_for_command(piece.pieces, word)))
        else:
            made.append(piece)
    return tuple(made)


class NoFaults:
    """What equipment has that never says no: in place of a form of faults."""

    text: Final = ""

    def line(self, word: str) -> CompiledTemplate:
        """There is none."""
        raise AssertionError("there are no faults")

    def matches(self, text: str) -> bool:
        """No text is a fault."""
        return False

    def read(self, text: str, word: str) -> Fault | None:
        """No text is a fault."""
        return None

    def write(self, word: str, fault: Fault) -> str:
        """Raise CodecError: it cannot be written."""
        raise CodecError("the equipment has no faults: fault=None is declared")

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """The fault that tells of a kind, to nobody."""
        return Fault(kind.name, reason)


class FaultForm:
    """
    The form of faults, compiled.

    Without ``{code}`` the code is the word with which the form begins, and another code is written before
    the reason.

    Args:
        text: a template with any of the fields ``code``, ``reason`` and ``command``.
        encoding: what the reason must fit into.
        codes: the codes of troubles, where they are not the defaults.
        word: the code where the template has none; by default the first word of the template.

    Raises:
        ConfigurationError: it has another field, neither a code nor a word, or cannot carry the code of a
            kind.
    """

    def __init__(
        self, text: str, encoding: Encoding, codes: Mapping[ProtocolErrorKind, int | str], word: str | None = None
    ) -> None:
        self.text = text
        self._encoding = encoding
        self._pieces = parse(text)
        slots = _slots(self._pieces)
        code, reason = slots.get("code"), slots.get("reason")
        self._has_code, self._has_reason = code is not None, reason is not None
        self.names_command = "command" in slots
        spec = parse_spec(code.spec) if code is not None else None
        self._numbers = spec is not None and (spec.zero or spec.type in ("d", "x", "X"))
        self._narrow = self._numbers or (spec is not None and spec.width is not None)
        self._width = parse_spec(reason.spec).width if reason is not None else None
        self._fields = {
            "code": Field("code", int if self._numbers else str),
            "reason": Field("reason", str, ""),
            "command": Field("command", str),
        }
        self.word = first_word(leading(self._pieces)) if word is None else word
        if code is None and not self.word:
            raise ConfigurationError(f"the fault {text!r} needs a {{code}}, or a word to begin with")
        self._line = compile_line(text, self._fields)
        self._of_words: dict[str, CompiledTemplate] = {}
        self._codes = {kind: self._code(kind, codes) for kind in ProtocolErrorKind}

    def _code(self, kind: ProtocolErrorKind, codes: Mapping[ProtocolErrorKind, int | str]) -> int | str:
        if not self._has_code:
            default: int | str = self.word
        elif self._narrow:
            default = NUMBERS[kind]
        else:
            default = kind.name
        code = codes.get(kind, default)
        try:
            self._encoding.encode(self.write("", Fault(code)))
        except CodecError as error:
            raise ConfigurationError(
                f"the fault {self.text!r} cannot carry {code!r}, the code for {kind.name} ({error}): "
                f"give another with codes={{ProtocolErrorKind.{kind.name}: ...}}"
            ) from None
        return code

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """The fault that tells of a kind."""
        return Fault(self._codes[kind], reason)

    def line(self, word: str) -> CompiledTemplate:
        """The template of the faults that answer a command with this word, or any command."""
        if not self.names_command or not word:
            return self._line
        if word not in self._of_words:
            self._of_words[word] = compile_line(self.text, self._fields, _for_command(self._pieces, word))
        return self._of_words[word]

    def shape(self, word: str) -> Shape:
        """What the faults that answer a command with this word look like."""
        return self.line(word).shape

    def matches(self, text: str) -> bool:
        """Whether a text is a fault, for whatever command."""
        return self._line.matches(text)

    def read(self, text: str, word: str) -> Fault | None:
        """
        The fault in a text that answers a command with this word; None if it is none.

        Raises:
            CodecError: it has the form of a fault, and cannot be read.
        """
        values = self.line(word).read(text)
        if values is None:
            return None
        code = values.get("code", self.word)
        if isinstance(code, str) and _NUMBER.fullmatch(code):
            code = int(code)
        return Fault(code, values.get("reason", ""))

    def write(self, word: str, fault: Fault) -> str:
        """
        The text of a fault.

        Raises:
            CodecError: the form has no place for such a code.
        """
        code, reason = fault.code, str(fault.reason)
        if not self._has_code and code != self.word:
            if not self._has_reason:
                raise CodecError(
                    f"the fault {self.text!r} has no place for a code, such as {code!r}", "code"
                )
            reason = f"{code}: {reason}" if reason else str(code)
        if isinstance(code, bool) or not isinstance(code, int | str) or code == "":
            raise CodecError(f"{code!r} is neither a number nor a word", "code")
        if self._numbers and isinstance(code, str):
            raise CodecError(
                f"{shown(code)} is not a whole number, as codes are here: raise Fault(code, reason), such "
                f"as Fault(1, {shown(code)})",
                "code",
            )
        values = {
            "code": code if self._numbers else str(code),
            "reason": self._fitting(reason) if self._has_reason else "",
            "command": word or UNKNOWN_WORD,
        }
        return self._line.write(values)

    def _fitting(self, reason: str) -> str:
        """A reason as it can be written: what cannot be is shown as Python would escape it."""
        if not (reason.isprintable() and self._carries(reason)):
            reason = "".join(map(self._shown, reason))
        if self._width is not None:
            reason = reason.strip()
            if len(reason) > self._width:
                cut = reason[: max(self._width - 3, 0)].rstrip()
                reason = (cut + "...")[: self._width]
        return reason

    def _shown(self, character: str) -> str:
        escaped = f"\\x{ord(character):02x}" if character < "\u0100" else f"\\u{ord(character):04x}"
        for each in (character, escaped, "?"):
            if each.isprintable() and self._carries(each):
                return each
        return ""

    def _carries(self, text: str) -> bool:
        if not self._encoding.carries(text) or self._width is not None:
            return self._encoding.carries(text)
        try:
            self._line.write({"code": 0 if self._numbers else "0", "reason": text, "command": UNKNOWN_WORD})
        except CodecError:
            return False
        return True
