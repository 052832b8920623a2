"""Write the pieces of an export to a file, and show the progress: :func:`write_file`, :class:`Progress`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Final, TextIO

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.export.source import Exported

FORMATS: Final = ("pcapng", "csv", "jsonl")
"""The kinds of files, which are also the ends of their names."""

_PIECE: Final = 256 * 1024
"""Bytes that are written at once."""

_SHOWN_EVERY: Final = 0.2
"""Seconds between two looks of the progress."""


class Progress:
    """
    Shows on a terminal how much is done.

    Args:
        terminal: the stream; nothing is shown unless it is a terminal.
        first, last: the numbers of the first and the last value.
    """

    def __init__(self, terminal: TextIO | None, first: int, last: int) -> None:
        self._terminal = terminal if terminal is not None and terminal.isatty() else None
        self._first = first
        self._all = max(1, last - first + 1)
        self._due = monotonic() + _SHOWN_EVERY
        self._is_shown = False

    def of(self, values: Iterable[Exported]) -> Iterator[Exported]:
        """Yield values, and show how many have passed."""
        for value in values:
            if self._terminal is not None and monotonic() >= self._due:
                self._show(value.number)
            yield value

    def _show(self, number: int) -> None:
        self._due = monotonic() + _SHOWN_EVERY
        self._is_shown = True
        done = min(number - self._first + 1, self._all)
        assert self._terminal is not None
        self._terminal.write(f"\r{done:,} of {self._all:,} values, {100 * done // self._all} %")
        self._terminal.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._terminal is not None and self._is_shown:
            self._terminal.write("\r" + " " * 60 + "\r")
            self._terminal.flush()


def write_file(pieces: Iterable[bytes], path: Path) -> int:
    """
    Write a file. It gets its name when it is complete: if that fails or is interrupted, nothing is left.

    Returns:
        The bytes of the file.

    Raises:
        ConfigurationError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            size = write(pieces, file)
        os.replace(part, path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot write it: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return size


def write(pieces: Iterable[bytes], file: BinaryIO) -> int:
    """Write pieces to an open file, many at once. Return their bytes."""
    waiting: list[bytes] = []
    size = waiting_size = 0
    for piece in pieces:
        waiting.append(piece)
        waiting_size += len(piece)
        if waiting_size >= _PIECE:
            file.write(b"".join(waiting))
            size += waiting_size
            waiting.clear()
            waiting_size = 0
    file.write(b"".join(waiting))
    file.flush()
    return size + waiting_size
