"""
A file of lines that is written durably, and begun anew when it is large or old: :class:`RotatedFile`.

Only one thread uses it. It knows nothing of messages.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.file_lock import FileLock

LOCK_SUFFIX: Final = ".lock"
"""The end of the name of the file that keeps other programs from the same file."""

_TAKEN: Final = "{what} is written by another program{process}: end it, or name another file"
_TAKEN_HERE: Final = "{what} is written by another sink of this program: name another file"
PIECE: Final = 64 * 1024
"""Bytes that are read at once to find the end of the last full line."""

_HOUR: Final = 3600.0


class RotatedFile:
    """
    A file that grows by whole batches of lines.

    The file is renamed when it is too large or its period is over: ``results.jsonl`` becomes
    ``results-20261130-022522.jsonl``, with the local time. A crash leaves a last line without an end. It is
    cut off when the file is opened.

    Args:
        path: the file.
        head: the first bytes of each file.
        most_bytes: the bytes after which a new file begins, or None.
        hours: the hours that one file covers, or None. They count from midnight, local time.
        keep: the full files that are kept.
        now: returns the seconds since 1970.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        path: Path,
        *,
        head: bytes = b"",
        most_bytes: float | None,
        hours: float | None,
        keep: int,
        now: Callable[[], float],
    ) -> None:
        self.path = path
        self._head = head
        self._most = most_bytes
        self._hours = hours
        self._keep = keep
        self._now = now
        self._file: BinaryIO | None = None
        self._lock: FileLock | None = None
        self._period = 0
        self._full = re.compile(
            rf"{re.escape(path.stem)}-(?P<time>\d{{8}}-\d{{6}})(?:-(?P<number>\d+))?{re.escape(path.suffix)}"
        )

    def append(self, data: bytes) -> None:
        """
        Write whole lines, and return when they are on the disk.

        If that fails, none of them stays in the file, as far as the disk allows that.

        Raises:
            OSError: they cannot be written.
            ConfigurationError: another program writes the file.
        """
        file = self._open()
        size = os.fstat(file.fileno()).st_size
        try:
            write_all(file, data if size else self._head + data)
            os.fsync(file.fileno())
        except OSError:
            self._cut(file, size)
            self._close_file()
            raise

    def close(self) -> None:
        """Close the file. Another program may write it then."""
        self._close_file()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def full_files(self) -> list[Path]:
        """Return the files that are full, the oldest first."""
        found = ((self._full.fullmatch(each.name), each) for each in self.path.parent.iterdir())
        named = [((match["time"], int(match["number"] or 1)), each) for match, each in found if match]
        return [each for _, each in sorted(named)]

    def _open(self) -> BinaryIO:
        """Return the open file. Open it again if somebody has moved or removed it."""
        if self._lock is None:
            lock = self.path.with_name(f"{self.path.name}{LOCK_SUFFIX}")
            self._lock = FileLock(lock, str(self.path), _TAKEN, _TAKEN_HERE)
        file = self._file
        if file is not None and not _is_still(self.path, file):
            self._close_file()
            file = None
        if file is None:
            file = self._begin()
        size = os.fstat(file.fileno()).st_size
        if size and (self._is_over() or self._is_full(size)):
            return self._rotate()
        if not size:
            self._period = self._period_of(self._now())
        return file

    def _begin(self) -> BinaryIO:
        """Open the file, and mend its end."""
        is_new = not self.path.exists()
        file = self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - it stays open
        try:
            if is_new:
                _sync_folder(self.path.parent)
            self._mend(file)
            status = os.fstat(file.fileno())
            self._period = self._period_of(status.st_mtime if status.st_size else self._now())
        except OSError:
            self._close_file()
            raise
        return file

    def _mend(self, file: BinaryIO) -> None:
        """Cut off what follows the last full line."""
        size = os.fstat(file.fileno()).st_size
        whole = end_of_lines(self.path, size)
        if 0 < whole < len(self._head):
            whole = 0  # only a part of the head
        if whole < size:
            file.truncate(whole)
            os.fsync(file.fileno())
            self.log.warn(
                "{path}: cut off {count:,} bytes of a line that was not written to its end",
                path=str(self.path),
                count=size - whole,
            )

    def _is_full(self, size: int) -> bool:
        return self._most is not None and size >= self._most

    def _is_over(self) -> bool:
        return self._hours is not None and self._period_of(self._now()) != self._period

    def _period_of(self, seconds: float) -> int:
        if self._hours is None:
            return 0
        return int((seconds + (time.localtime(seconds).tm_gmtoff or 0)) // (self._hours * _HOUR))

    def _rotate(self) -> BinaryIO:
        """Rename the file, begin a new one, and delete the oldest. If that fails, this file grows on."""
        self._close_file()
        try:
            os.rename(self.path, self._next_name())
            _sync_folder(self.path.parent)
        except OSError as error:  # on Windows, another program may have the file open
            self.log.error(
                "{path}: cannot begin a new file: {reason}; this one grows on",
                path=str(self.path),
                reason=error.strerror or str(error),
            )
        file = self._begin()
        self._period = self._period_of(self._now())
        for each in self.full_files()[: -self._keep]:
            self._delete(each)
        return file

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self.log.error(
                "{path}: cannot delete it: {reason}", path=str(path), reason=error.strerror or str(error)
            )

    def _next_name(self) -> Path:
        """Return the name of the file that is full now. It sorts behind all others."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._now()))
        number = 1
        if newest := self.full_files()[-1:]:
            match = self._full.fullmatch(newest[0].name)
            assert match is not None
            if match["time"] >= stamp:  # within a second, or the clock was set back
                stamp, number = match["time"], int(match["number"] or 1) + 1
        end = f"-{number}" if number > 1 else ""
        return self.path.with_name(f"{self.path.stem}-{stamp}{end}{self.path.suffix}")

    def _cut(self, file: BinaryIO, size: int) -> None:
        try:
            file.truncate(size)
        except OSError as error:
            self.log.error(
                "{path}: cannot cut off a batch that was written in part: {reason}; its whole lines stay, "
                "and come again with the same ids",
                path=str(self.path),
                reason=error.strerror or str(error),
            )

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # all that was confirmed is on the disk
                file.close()


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of the data. A file without a buffer may take only a part at once."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def end_of_lines(path: Path, size: int) -> int:
    """Return the number of bytes up to the end of the last full line."""
    with path.open("rb") as file:
        end = size
        while end > 0:
            begin = max(0, end - PIECE)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
    return 0


def _sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk. Windows cannot, and does it by itself."""
    if sys.platform == "win32":
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
