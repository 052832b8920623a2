"""Find the line of each key in a TOML file, which tomllib does not tell: :func:`line_numbers`."""

from __future__ import annotations

import re
from typing import Final

from tcpcomm.plant.gateway.configuration.mistakes import Path

_KEY: Final = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|=|\]|$)""")
_VALUE: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''(?:.)*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\[\]{}\n\"'#]+",
    re.DOTALL,
)


def line_numbers(text: str) -> dict[Path, int]:
    """
    Return the line of each table and key, from 1, by its path.

    Keys in inline tables, and items of lists in brackets, are not listed.

    Args:
        text: a file that tomllib can read.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    """One walk through a file."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._table: Path = ()
        self._sizes: dict[Path, int] = {}  # the number of tables so far in each [[list]]
        self._found: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        line = 1
        counted = 0
        while self._at < len(self._text):
            line += self._text.count("\n", counted, self._at)
            counted = self._at
            rest = self._text[self._at :].split("\n", 1)[0].strip()
            if not rest or rest.startswith("#"):
                self._skip_line()
            elif rest.startswith("["):
                self._header(line, is_list=rest.startswith("[["))
                self._skip_line()
            else:
                keys = self._keys()
                for length in range(1, len(keys) + 1):
                    self._found.setdefault((*self._table, *keys[:length]), line)
                self._skip_value()
        return self._found

    def _header(self, line: int, *, is_list: bool) -> None:
        self._at = self._text.index("[", self._at) + (2 if is_list else 1)
        path: Path = ()
        keys = self._keys()
        for number, key in enumerate(keys):
            path = (*path, key)
            if number == len(keys) - 1 and is_list:
                position = self._sizes.get(path, 0)
                self._sizes[path] = position + 1
                self._found.setdefault(path, line)
                path = (*path, position)
            elif path in self._sizes:
                path = (*path, self._sizes[path] - 1)
            self._found.setdefault(path, line)
        self._table = path

    def _keys(self) -> list[str]:
        """Read the parts of a key with dots, and what ends it."""
        keys = []
        while match := _KEY.match(self._text, self._at):
            self._at = match.end()
            double, single, bare, end = match.groups()
            keys.append(next(each for each in (bare, single, double) if each is not None))
            if end != ".":
                break
        return keys

    def _skip_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1

    def _skip_value(self) -> None:
        """Go on behind the end of the line on which a value ends."""
        depth = 0
        while match := _VALUE.match(self._text, self._at):
            self._at = match.end()
            piece = match[0]
            if piece in "[{":
                depth += 1
            elif piece in "]}":
                depth -= 1
            elif piece == "\n" and depth <= 0:
                return
        self._at = max(self._at, len(self._text))
