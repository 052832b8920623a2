"""Texts from outside, such as a peer's bytes or the text of an exception, made safe to show."""

from __future__ import annotations

import json
import unicodedata
from typing import Final

LONGEST_TEXT: Final = 2000
"""Characters of a text from outside in an event. The rest is cut, and its length is shown."""


LONGEST_BYTES: Final = 80
"""Bytes of a frame in an event. The rest is cut."""


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """
    Return a text from outside as one line that is safe in a log and on a terminal.

    Line ends, control characters and marks that change the direction of writing become escapes. A text of
    more than ``longest`` characters is cut.
    """
    cut = len(text) > longest
    shown = text[:longest] if cut else text
    if not shown.isprintable():
        shown = "".join(each if _is_visible(each) else _escape(each) for each in shown)
    return f"{shown} … {len(text):,} characters in all" if cut else shown


def brief_bytes(data: bytes) -> str:
    """Return the first bytes of a frame, as Python writes them, for a log line."""
    shown = repr(data[:LONGEST_BYTES])
    return f"{shown} … {len(data):,} bytes in all" if len(data) > LONGEST_BYTES else shown


def _is_visible(character: str) -> bool:
    """Return True for letters, signs, and spaces of any width, such as U+3000 in Japanese text."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_json(text: str) -> str:
    """Return JSON with escapes for all characters that a terminal could take for a command."""
    if text.isprintable():
        return text
    return "".join(each if _is_visible(each) else _json_escape(each) for each in text)


def _json_escape(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
