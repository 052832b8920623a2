"""
Load user code that a command line names: :func:`load_object`.

It is named as ``module:name`` or ``file.py:name``, or as ``file.py`` alone if only one class can be meant.
"""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import os
import re
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

MOST_CLASSES: Final = 10
"""The number of classes that an error lists if a module has not the one that was named."""

LONGEST_SOURCE: Final = 80
"""The most characters of a line of source that an error shows."""

_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


@frozen
class Wanted:
    """
    The kind of class that a file named without a class must have.

    Args:
        text: how an error names this kind, such as ``"equipment"``.
        fits: returns True for a class of this kind.
    """

    text: str
    fits: Callable[[type], bool]


@frozen
class Place:
    """
    A name of user code, taken apart.

    Args:
        module: the name of the module.
        attribute: the name in the module; None: the only class that fits.
        file: the file, if one was named.
        folders: the folders in which Python must look for modules, the first one before all others.
    """

    module: str
    attribute: str | None
    file: Path | None
    folders: tuple[str, ...]


def names_file(name: str) -> bool:
    """Return True if a name is a file without a class, such as ``my_camera.py``."""
    place, _, attribute = name.rpartition(":")
    return name.lower().endswith(".py") and not (place and attribute.isidentifier())


def names_user_code(name: str) -> bool:
    """Return True if a name is ``module:name``, ``file.py:name`` or a file, and not a device."""
    return ":" in name or names_file(name)


def load_object(name: str, wanted: Wanted | None = None) -> Any:
    """
    Import the object that ``module:name`` names, or ``my_camera.py:name`` with the path of a file.

    The current directory is searched for modules too, and the folder of a file. A file in a package is
    imported as a module of the package. A file that was imported already, under any name, is not imported
    again.

    Args:
        name: the place and the name. The path of a file may stand alone if ``wanted`` is given and the file
            defines one such class. Classes that it only imports do not count, nor those that another class
            of the file extends.
        wanted: the kind of class that a file alone must have.

    Raises:
        ConfigurationError: the object does not exist, or importing the module fails. The message is one
            line with the place in the user's code that failed.
    """
    place = find_place(name)
    if place.attribute is None and wanted is None:
        raise ConfigurationError(f"{name}: name the object behind the file, as in {name}:my_name")
    module = _imported(name, place)
    if place.attribute is None:
        assert wanted is not None
        return _only_class(name, module, wanted)
    try:
        return getattr(module, place.attribute)
    except AttributeError:
        raise ConfigurationError(f"{name}: {_has_no(module, place.module, place.attribute)}") from None


def find_place(name: str) -> Place:
    """
    Take a name of user code apart. Nothing is imported.

    Raises:
        ConfigurationError: the name has another form, or names a file that does not exist.
    """
    if names_file(name):
        return _of_file(name, name, None)
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute.isidentifier():
        raise ConfigurationError(
            f"{name}: name it as module:name or file:name, such as my_camera:VisionCamera or "
            "my_camera.py:VisionCamera"
        )
    if place.lower().endswith(".py") or "/" in place or "\\" in place:
        return _of_file(name, place, attribute)
    return Place(place, attribute, None, (str(Path.cwd()),))


def _of_file(name: str, place: str, attribute: str | None) -> Place:
    path = Path(place if place.lower().endswith(".py") else f"{place}.py")
    if not path.is_file():
        raise ConfigurationError(f"{name}: {_no_file(path, place)}")
    path = path.absolute()
    if not path.stem.isidentifier():
        raise ConfigurationError(
            f"{name}: Python cannot import {path.name}: give it a name of letters, digits and underscores"
        )
    folder = path.parent.resolve()
    names = [] if path.stem == "__init__" else [path.stem]
    root = folder
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        names.insert(0, root.name)
        root = root.parent
    folders = [str(root)] if root == folder else [str(root), str(folder)]
    return Place(".".join(names or [path.stem]), attribute, path, tuple(folders))


def _no_file(path: Path, place: str) -> str:
    """Return the error text for a file that does not exist."""
    for each in (Path(place), path):
        if each.is_dir():
            return f"{each} is a folder: name a file in it, such as {each / 'my_camera.py'}"
    try:
        others = [each.stem for each in path.parent.glob("*.py")]
    except OSError:
        others = []
    similar = get_close_matches(path.stem, others, 1)
    hint = f"; did you mean {path.with_name(f'{similar[0]}.py')}?" if similar else ""
    has_folder = path.parent.is_dir() or _DRIVE.match(place) is not None  # another system has drives
    reason = "" if has_folder else f", because there is no folder {path.parent}"
    return f"there is no file {path}{reason}{hint}"


def _imported(name: str, place: Place) -> ModuleType:
    """Return the module of a place."""
    _look_in(place.folders)
    try:
        module = _loaded_already(place)
        if module is None:
            importlib.invalidate_caches()  # the file may be younger than what Python knows of its folder
            module = importlib.import_module(place.module)
        else:
            sys.modules.setdefault(place.module, module)  # an import by this name finds it, too
    except (Exception, SystemExit) as error:
        text = f"{name}: cannot import {place.module}: {_import_error(error, place)}"
        raise ConfigurationError(text) from None
    found = getattr(module, "__file__", None) or place.module
    if place.file is not None and not _is_same_file(found, place.file):
        raise ConfigurationError(
            f"{name}: Python has another module {place.module}, from {found}: give the file another name"
        )
    return module


def _look_in(folders: tuple[str, ...]) -> None:
    """Let Python look for modules in these folders."""
    first, *others = folders
    if first not in sys.path:
        sys.path.insert(0, first)
    for each in others:  # behind all others: a file of a package may have the name of a standard module
        if each not in sys.path:
            sys.path.append(each)


def _loaded_already(place: Place) -> ModuleType | None:
    """Return the module that a file was imported as under another name, or None."""
    if place.module in sys.modules:
        return None  # the import returns it
    file = place.file
    if file is None:
        spec = importlib.util.find_spec(place.module)
        if spec is None or spec.origin is None or not spec.has_location:
            return None
        file = Path(spec.origin)
    for module_name, module in [*sys.modules.items()]:
        other = getattr(module, "__dict__", {}).get("__file__")
        if (
            module_name != "__main__"
            and isinstance(other, str)
            and os.path.basename(other) == file.name
            and _is_same_file(other, file)
        ):
            return module
    return None


def _is_same_file(one: str, other: Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _own_classes(module: ModuleType) -> dict[str, type]:
    """Return the public classes that a module defines itself, by their names."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _only_class(name: str, module: ModuleType, wanted: Wanted) -> type:
    """Return the only class of the wanted kind that a module defines."""
    own = _own_classes(module)
    fitting = {each: value for each, value in own.items() if wanted.fits(value)}
    extended = {base for value in fitting.values() for base in value.__mro__[1:]}
    last = {each: value for each, value in fitting.items() if value not in extended}
    if len({*last.values()}) == 1:
        return next(iter(last.values()))
    if last:
        raise ConfigurationError(
            f"{name}: the file has {len(last)} classes that can be meant: {_listed([*last])}; name one, as "
            f"in {name}:{next(iter(last))}"
        )
    classes = f"its classes: {_listed([*own])}" if own else "it defines no class"
    raise ConfigurationError(
        f"{name}: the file defines no {wanted.text}; {classes}. To use another object, name it, as in "
        f"{name}:my_name"
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_CLASSES} more" if len(names) > MOST_CLASSES else ""
    return f"{', '.join(names[:MOST_CLASSES])}{more}"


def _has_no(module: ModuleType, module_name: str, attribute: str) -> str:
    """Return the error text for a name that a module lacks, with the names that may be meant."""
    public = [each for each in vars(module) if not each.startswith("_")]
    similar = get_close_matches(attribute, public, 1)
    if similar:
        return f"{module_name} has no {attribute}; did you mean {similar[0]}?"
    own = [*_own_classes(module)]
    classes = f"its classes: {_listed(own)}" if own else "it defines no class"
    return f"{module_name} has no {attribute}; {classes}"


def _import_error(error: BaseException, place: Place) -> str:
    """Return the error of an import as one line, with the line of source that failed."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        source = _source(error.text or "")
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno}{source})"
    text = user_error_text(error, with_source=True)
    if isinstance(error, ModuleNotFoundError) and error.name == place.module:
        beside = [each.stem for each in Path(place.folders[0]).glob("*.py")]
        similar = get_close_matches(place.module, beside, 1)
        text += f"; did you mean {similar[0]}?" if similar else ""
    return text


def user_error_text(error: BaseException, *, with_source: bool = False) -> str:
    """
    Return an error in user code as one line that ends with its file and line number.

    Args:
        error: the error.
        with_source: True to show the line of source as well.
    """
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, SyntaxError):
        return text
    own = str(Path(__file__).parents[1])
    places = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if not each.filename.startswith((own, os.path.dirname(importlib.__file__)))
        and "<frozen " not in each.filename
    ]
    if not places:
        return text
    last = places[-1]
    linecache.checkcache(last.filename)
    source = _source(linecache.getline(last.filename, last.lineno or 0)) if with_source else ""
    return f"{text} ({last.filename}, line {last.lineno}{source})"


def _source(line: str) -> str:
    """Return a line of source as the end of a place, or "" if there is none."""
    shown = " ".join(line.split())
    if len(shown) > LONGEST_SOURCE:
        shown = f"{shown[: LONGEST_SOURCE - 1]}…"
    return f": {shown}" if shown else ""
