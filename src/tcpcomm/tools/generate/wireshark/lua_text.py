"""Values of Python as text of Lua: :func:`lua_value`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from typing import Any, Final

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = re.compile(
    "and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|not|or|repeat|return|then|true|"
    "until|while"
)
_WIDTH: Final = 100


def lua_value(value: Any, indent: int = 0) -> str:
    """
    Return a value as Lua.

    Dictionaries and lists are tables, bytes and texts are strings, and None is left out of tables.
    """
    if isinstance(value, Mapping):
        return _table([*_entries(value, indent)], indent)
    if isinstance(value, list | tuple):
        return _table([lua_value(each, indent + 1) for each in value], indent)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return lua_string(value)
    if isinstance(value, str):
        return lua_string(value.encode("utf-8", "surrogatepass"), is_text=True)
    if isinstance(value, float) and not isfinite(value):
        return "(0 / 0)" if isnan(value) else "math.huge" if value > 0 else "-math.huge"
    return "nil" if value is None else repr(value)


def lua_string(content: bytes, *, is_text: bool = False) -> str:
    """Return bytes as a string of Lua, with escapes. A text keeps its letters of UTF-8."""
    high = "" if not is_text else "\x80-\xff"
    text = re.sub(
        f"[^ !#-\\[\\]-~{high}]",
        lambda match: {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}.get(
            match[0], f"\\{ord(match[0]):03d}"
        ),
        content.decode("latin-1"),
    )
    return '"' + (text.encode("latin-1").decode("utf-8", "replace") if is_text else text) + '"'


def _entries(value: Mapping[Any, Any], indent: int) -> Iterator[str]:
    for key, each in value.items():
        if each is not None:
            yield f"{_key(key)} = {lua_value(each, indent + 1)}"


def _key(key: Any) -> str:
    if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) and not _WORDS.fullmatch(key):
        return key
    return f"[{lua_value(key)}]"


def _table(entries: list[str], indent: int) -> str:
    if not entries:
        return "{}"
    line = f"{{{', '.join(entries)}}}"
    if len(line) + 2 * indent <= _WIDTH and "\n" not in line:
        return line
    margin = "  " * (indent + 1)
    return "{\n" + "".join(f"{margin}{each},\n" for each in entries) + "  " * indent + "}"
