"""Write a file so that it is there as a whole or not at all: :func:`write_whole_file`."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole_file(path: str | Path, content: str | bytes) -> None:
    """
    Write a file, in UTF-8 if the content is text.

    The content goes to a temporary file in the same folder, which then takes the name. So a program that is
    interrupted, or a full disk, leaves the file as it was. A device such as ``/dev/stdout`` is written to
    directly, and a symbolic link still points to its file.

    Raises:
        OSError: the file cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode_of(target))
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _mode_of(target: Path) -> int:
    """Return the permissions of a file, or those that a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
