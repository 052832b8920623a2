"""Fields of templates in C#: their patterns, and the code that writes and reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from tcpcomm.tools.generate.csharp.choices import Choice, Choices
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import character, string
from tcpcomm.tools.generate.csharp.value_types import CsType, Form

_SPECIAL: Final = re.compile(r"[\\*+?|{}\[\]()^$.#]")


def pattern_of_text(text: str) -> str:
    """Return the pattern of exactly this text."""
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    return escaped.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def group(name: str, pattern: str) -> str:
    """Return a pattern with a name for its text."""
    return f"(?<{name}>{pattern})"


@frozen
class TextField:
    """
    A field of a template.

    Attributes:
        form: the form of its type.
        how: its format.
        choices: the functions for the values of enumerations.
        kind: its type in C#.
        where: the command or event, for errors.
    """

    form: Form
    how: Form
    choices: Choices
    kind: CsType
    where: str

    # -- patterns ---------------------------------------------------------------------------------------

    def pattern(self, stops: str, *, alone: bool, may_be_empty: bool = True) -> str:
        """
        Return the pattern of its text.

        Args:
            stops: the characters that can follow the field.
            alone: True if literal text, or an end, stands on both sides of the field.
            may_be_empty: True if a text can be empty.
        """
        kind, how = self.form["type"], self.how
        width, letter = how.get("width"), how.get("letter")
        if kind == "bool":
            return "|".join(map(pattern_of_text, sorted(how["words"], key=len, reverse=True)))
        if kind == "choice":
            texts = sorted((self._written(each["value"]) for each in self.form["values"]), key=len)
            return "|".join(map(pattern_of_text, reversed(texts)))
        if kind == "text":
            if letter == "q":
                return '"(?:[^"]|"")*"'
            if width is not None and how["unit"] == "characters":
                return f".{{{width}}}"
            if width is not None:
                return f".{{0,{width}}}"
            repeat = "*" if may_be_empty else "+"
            return f"[^{_in_class(stops)}]{repeat}" if stops else f".{repeat}"
        if kind == "bytes":
            return f"[0-9A-Fa-f]{{{width}}}" if width else "(?:[0-9A-Fa-f]{2})*"
        if "computer" in how:
            size = width or (
                how["bits"] // 4 if how["order"] == "little" or how["computer"] == "float" else 0
            )
            return f"[0-9A-Fa-f]{{{size}}}" if size else "{hex}"
        number = (
            "{hex}"
            if letter in ("x", "X")
            else "{whole}"
            if kind == "int" or "scale" in how
            else "{number}"
        )
        if width is None and not alone and letter == "f" and how.get("decimals", 6):
            return rf"[+-]?[0-9]+\.[0-9]{{{how.get('decimals', 6)}}}"  # other forms would have two readings
        if width is None:
            return f" ?{number}" if how.get("sign") == " " else number
        if how.get("zeros") or not alone:
            return f".{{{width}}}"
        fill = _in_class(how.get("fill", " "))
        if how.get("align") == "behind the sign":
            return f"[+-]?[{fill}]*(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|[0-9A-Fa-f]+)"
        return f"[{fill}]*{number}[{fill}]*"

    def _written(self, value: Any) -> str:
        """Return the text of a member of a choice."""
        how, width = self.how, self.how.get("width")
        if isinstance(value, int):
            side = {"left": "<", "right": ">", "behind the sign": "="}.get(how.get("align", ""), "")
            fill = how.get("fill", " ") + side if side else ""
            zeros, sign = "0" if how.get("zeros") else "", how.get("sign", "")
            return format(value, f"{fill}{sign}{zeros}{width or ''}{how.get('letter', '')}")
        text = str(value)
        if width is None:
            return text
        if how["unit"] == "bytes":
            refuse(self.where, "a choice of words is filled up to a width in bytes")
        fill = how.get("fill", " ")
        return text.rjust(width, fill) if how.get("align") == "right" else text.ljust(width, fill)

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, value: str) -> str:
        """Return the expression of the text of a value."""
        kind, how = self.form["type"], self.how
        letter, decimals = how.get("letter"), how.get("decimals", 6)
        match kind:
            case "bool":
                return f"({value} ? {string(how['words'][0])} : {string(how['words'][1])})"
            case "choice":
                return self._choice().write(value)
            case "bytes":
                return f'Text.Hex({value}, "{"x2" if letter == "x" else "X2"}")'
            case "text":
                return self._padded(f"Text.Quoted({value})" if letter == "q" else value)
        if "computer" in how:
            return self._write_bits(value)
        if kind == "int":
            text = f"Text.Whole({value})"
            if letter in ("x", "X"):
                text = f'Text.Hex({value}, "{letter}")'
            return self._padded(self._signed(text))
        suffix = "m" if kind == "decimal" else ".0"
        if "scale" in how:
            text = f"Text.Whole((long)Math.Round({value} * {how['scale']}{suffix}))"
        elif letter == "f":
            text = f"Text.Fixed({value}, {decimals})"
        elif kind == "decimal" and letter is not None:
            refuse(self.where, f"a Decimal is written with the format {letter}")
        elif letter in ("e", "E"):
            text = f"Text.Exponent({value}, {decimals}, '{letter}')"
        elif letter in ("g", "G"):
            text = f"Text.General({value}, {max(decimals, 1)}, '{letter}')"
        elif "width" in how:
            text = f"Text.Free({value}, {how['width']})"
        else:
            text = f"Text.Shortest({value})"
        return self._padded(self._signed(text))

    def _signed(self, text: str) -> str:
        sign = self.how.get("sign")
        return text if sign in (None, "-") else f'Text.Signed({text}, "{sign}")'

    def _padded(self, text: str) -> str:
        how = self.how
        if "width" not in how:
            return text
        width, fill = how["width"], character(how.get("fill", " "))
        if how.get("zeros"):
            return f"Text.Zeros({text}, {width})"
        if how.get("align") == "behind the sign":
            return f"Text.BehindSign({text}, {width}, {fill})"
        is_text = self.form["type"] == "text"
        side = "Left" if how.get("align", "left" if is_text else "right") == "left" else "Right"
        unit = "InBytes" if how["unit"] == "bytes" else ""
        return f"Text.{side}{unit}({text}, {width}, {fill})"

    def _write_bits(self, value: str) -> str:
        how = self.how
        little = "true" if how["order"] == "little" else "false"
        if how["computer"] == "float":
            if how["bits"] == 16:
                refuse(self.where, "a number is written as the bits of a float of 16 bits")
            text = f"Text.FloatBits({value}, {how['bits']}, {little})"
        else:
            digits = how["bits"] // 4 if how["order"] == "little" else how.get("width", 1)
            signed = "true" if how["computer"] == "signed" else "false"
            text = f"Text.Bits({value}, {how['bits']}, {digits}, {little}, {signed})"
        return f"{text}.ToLowerInvariant()" if how.get("letter") == "x" else text

    def _choice(self) -> Choice:
        """Return the functions for the members of a choice."""
        texts = [string(self._written(each["value"])) for each in self.form["values"]]
        return self.choices.of(self.kind, [each["value"] for each in self.form["values"]], texts, "string")

    # -- reading ----------------------------------------------------------------------------------------

    def read(self, text: str) -> str:
        """Return the expression of the value in a text."""
        kind, how = self.form["type"], self.how
        match kind:
            case "bool":
                return f"{text} == {string(how['words'][0])}"
            case "choice":
                return self._choice().read(text)
            case "bytes":
                return f"Text.ParseBytes({text})"
            case "text":
                if how.get("letter") == "q":
                    return f"Text.ParseQuoted({text})"
                if "width" not in how:
                    return text
                trim = "TrimStart" if how.get("align") == "right" else "TrimEnd"
                return f"{text}.{trim}({character(how.get('fill', ' '))})"
        if "computer" in how:
            little = "true" if how["order"] == "little" else "false"
            if how["computer"] == "float":
                return f"Text.ParseFloatBits({text}, {how['bits']}, {little})"
            signed = "true" if how["computer"] == "signed" else "false"
            return f"Text.ParseBits({text}, {how['bits']}, {little}, {signed})"
        if "width" in how and not how.get("zeros") and how.get("fill", " ") != " ":
            text = f'{text}.Replace({string(how["fill"])}, "")'
        if kind == "int":
            parse = "ParseHex" if how.get("letter") in ("x", "X") else "ParseWhole"
            return f"{'(int)' if self.kind.name == 'int' else ''}Text.{parse}({text})"
        if "scale" in how:
            suffix = "m" if kind == "decimal" else ".0"
            return f"Text.ParseWhole({text}) / {how['scale']}{suffix}"
        return f"Text.{'ParseDecimal' if kind == 'decimal' else 'ParseNumber'}({text})"


def _in_class(characters: str) -> str:
    escaped = "".join(f"\\{each}" if each in "\\]^-[" else each for each in characters)
    return escaped.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def first_characters(parts: Sequence[Form], behind: str = "") -> str:
    """Return the literal characters that the text of some parts can begin with, or that can follow them."""
    found = ""
    for part in parts:
        if "text" in part:
            return found + str(part["text"][0])
        if "field" in part or "count" in part:
            return found
        inside = part.get("optional") or part.get("item", {}).get("parts")
        if inside is not None:
            found += first_characters(inside)
    return found + behind


def parts_in(parts: Sequence[Form]) -> Iterator[Form]:
    """Yield the parts that are not literal text, also those of optional parts."""
    for part in parts:
        if "optional" in part:
            yield from parts_in(part["optional"])
        elif "text" not in part:
            yield part


Values = Mapping[str, str]
"""The expressions of values by the names of their fields."""
