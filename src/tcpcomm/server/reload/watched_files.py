"""The Python files of a program, watched by their times, sizes and contents: :class:`WatchedFiles`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.load_object import find_place

MOST_FILES: Final = 2_000
"""The most files that are watched."""

MOST_FOLDERS: Final = 1_000
"""The most folders that are searched for files."""

_NOT_SEARCHED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})

_log = BoundedLogger()


def places_of(name: str) -> tuple[Path, ...]:
    """
    Return the folders with the files of a program that ``module:name`` or ``file.py:name`` names.

    That is the folder of the module, or the folders of its package. Of a module that stands alone among
    installed packages, it is the file itself. The program is not imported.

    Raises:
        ConfigurationError: the module or file does not exist.
    """
    place = find_place(name)
    top = place.module.partition(".")[0]
    if place.file is not None:
        root = Path(place.folders[0])
        return (root / top if "." in place.module else root,)
    before = sys.path.copy()
    sys.path[:0] = place.folders
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    finally:
        sys.path[:] = before
    if spec is None:
        raise ConfigurationError(f"{name}: there is no module {top}: name an existing one, or a file")
    if spec.submodule_search_locations is not None:
        return tuple(Path(each).resolve() for each in spec.submodule_search_locations)
    if spec.origin is None or not spec.has_location:
        raise ConfigurationError(f"{name}: the module {top} has no file that can change")
    file = Path(spec.origin).resolve()
    return (file if file.parent.name in _NOT_SEARCHED else file.parent,)


class WatchedFiles:
    """
    The Python files in some folders, and in the folders within.

    Hidden folders, virtual environments and installed packages are left out.

    Args:
        places: the folders, or single files.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = tuple(places)
        self._too_many = False
        self._contents: dict[str, bytes] = {}  # of the files that have changed
        self._seen = self._now()

    def changes(self) -> list[Path]:
        """
        Return the files that changed, came or went since the last call, in order.

        A file that was reported before, and is written again as it was, has not changed. Otherwise a
        program that writes one of its files at each start would be loaded for ever.
        """
        before, self._seen = self._seen, self._now()
        names = {*before, *self._seen}
        touched = sorted(Path(each) for each in names if before.get(each) != self._seen.get(each))
        return [each for each in touched if self._has_new_content(each)]

    def _has_new_content(self, file: Path) -> bool:
        name = str(file)
        before = self._contents.pop(name, None)
        try:
            self._contents[name] = sha256(file.read_bytes()).digest()
        except OSError:  # it is gone
            return True
        return self._contents[name] != before

    def _now(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for name in self._names():
            try:
                status = os.stat(name)
            except OSError:  # an editor has just taken it away
                continue
            found[name] = status.st_mtime_ns, status.st_size
            if len(found) == MOST_FILES:
                self._tell_too_many()
                break
        return found

    def _names(self) -> Iterator[str]:
        folders = 0
        for place in self.places:
            if place.is_file():
                yield str(place)
            for folder, inner, files in os.walk(place):
                folders += 1
                if folders > MOST_FOLDERS:
                    self._tell_too_many()
                    return
                inner[:] = [each for each in sorted(inner) if _is_searched(folder, each)]
                yield from (os.path.join(folder, each) for each in files if each.endswith(".py"))

    def _tell_too_many(self) -> None:
        if not self._too_many:
            self._too_many = True
            _log.warn(
                "not all files below {folder} are watched, because there are more than {files} files or "
                "{folders} folders: put the program into a folder of its own",
                folder=", ".join(map(str, self.places)),
                files=MOST_FILES,
                folders=MOST_FOLDERS,
            )


def _is_searched(folder: str, name: str) -> bool:
    if name.startswith(".") or name in _NOT_SEARCHED:
        return False
    return not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
