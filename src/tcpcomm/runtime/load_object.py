"""Load user code that a command line names, as ``module:name`` or ``file.py:name``: :func:`load_object`."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tcpcomm.errors import ConfigurationError

MOST_CLASSES: Final = 10
"""The number of classes that an error lists if a module has not the one that was named."""


def load_object(name: str) -> Any:
    """
    Import the object that ``module:name`` names, or ``my_camera.py:name`` with the path of a file.

    The current directory is searched for modules too, and the folder of a file.

    Raises:
        ConfigurationError: the object does not exist, or importing the module fails. The message is one
            line with the place in the user's code that failed.
    """
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute.isidentifier():
        raise ConfigurationError(
            f"{name}: name it as module:name or file:name, such as my_camera:VisionCamera or "
            "my_camera.py:VisionCamera"
        )
    is_file = place.endswith(".py") or "/" in place or "\\" in place
    folder, module_name = _in_folder(name, place) if is_file else (str(Path.cwd()), place)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"{name}: cannot import {module_name}: {user_error_text(error)}") from None
    found = getattr(module, "__file__", None) or module_name
    if is_file and not _is_same_file(found, Path(folder, f"{module_name}.py")):
        raise ConfigurationError(
            f"{name}: Python has another module {module_name}, from {found}: give the file another name"
        )
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigurationError(f"{name}: {_has_no(module, module_name, attribute)}") from None


def _in_folder(name: str, place: str) -> tuple[str, str]:
    """Return the folder of a file, and the name of its module."""
    path = Path(place if place.endswith(".py") else f"{place}.py")
    if not path.is_file():
        raise ConfigurationError(f"{name}: there is no file {path}")
    if not path.stem.isidentifier():
        raise ConfigurationError(
            f"{name}: Python cannot import {path.name}: give it a name of letters, digits and underscores"
        )
    return str(path.parent.resolve()), path.stem


def _is_same_file(one: str, other: Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _has_no(module: ModuleType, module_name: str, attribute: str) -> str:
    """Return the error text for a name that a module lacks, with the classes that it has."""
    own = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    more = f" and {len(own) - MOST_CLASSES} more" if len(own) > MOST_CLASSES else ""
    classes = f"its classes: {', '.join(own[:MOST_CLASSES])}{more}" if own else "it defines no class"
    return f"{module_name} has no {attribute}; {classes}"


def user_error_text(error: BaseException) -> str:
    """Return an error in user code as one line that ends with its file and line number."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, SyntaxError):
        return text
    own = str(Path(__file__).parents[1])
    places = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if not each.filename.startswith((own, importlib.__file__)) and "<frozen " not in each.filename
    ]
    return f"{text} ({places[-1].filename}, line {places[-1].lineno})" if places else text
