"""A lock that the system releases when its process ends, however that ends: :class:`FileLock`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from tcpcomm.errors import ConfigurationError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLock:
    """
    A lock on a small file beside another file. It holds the number of the process.

    Args:
        path: the file to lock.
        what: the thing that the lock protects, for the error.
        taken: the error if another program holds the lock, with ``{what}``, and with ``{owner}``, which
            becomes words such as " by process 4711", or nothing if that is not known; ``{process}`` becomes
            ", process 4711".
        here: the error if this program itself holds the lock; None: ``taken``.

    Raises:
        ConfigurationError: another program holds the lock, or the file cannot be made.
    """

    def __init__(self, path: Path, what: str, taken: str, here: str | None = None) -> None:
        self._path = path
        try:
            self._file = _open_and_lock(path)
        except BlockingIOError:
            number = _number(path)
            text = here if here is not None and number == str(os.getpid()) else taken
            owner, process = (f" by process {number}", f", process {number}") if number else ("", "")
            raise ConfigurationError(text.format(what=what, owner=owner, process=process)) from None
        except OSError as error:
            raise ConfigurationError(f"{what}: cannot make {path}: {error.strerror or error}") from None
        self.tell_process()

    def tell_process(self) -> None:
        """Write the number of this process into the file. A daemon calls it again after its fork."""
        with suppress(OSError):  # the lock holds on a full disk, too, and the number is for people only
            os.lseek(self._file, 1, os.SEEK_SET)  # on Windows nobody else can read a locked byte
            os.write(self._file, f"{os.getpid():<10}\n".encode())

    def release(self) -> None:
        """Release the lock, and remove its file."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        if sys.platform == "win32":
            os.close(file)
            with suppress(OSError):  # another program has opened it since
                self._path.unlink()
        else:
            with suppress(FileNotFoundError):  # somebody has removed it
                self._path.unlink()
            os.close(file)


def _open_and_lock(path: Path) -> int:
    """Open a file and lock it. Raise BlockingIOError if another process holds the lock."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            if _is_still(path, file):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # the one before has removed it between our two steps


def _lock(file: int) -> None:
    if sys.platform == "win32":
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from None
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_still(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _number(path: Path) -> str:
    """Return the number of the process that holds the lock, or nothing."""
    try:
        with path.open("rb") as file:
            file.seek(1)
            number = file.read(20).strip().decode("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
    return number if number.isdigit() else ""
