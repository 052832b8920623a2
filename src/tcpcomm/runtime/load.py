"""The user's own code, named on a command line as ``module:name``: :func:`load_object`."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

from tcpcomm.errors import ConfigurationError

__all__ = ["in_one_line", "load_object"]


def load_object(name: str) -> Any:
    """
    Import what ``module:name`` names. Modules are also looked for in the current directory.

    Raises:
        ConfigurationError: there is no such thing, or importing the module fails; in one line, with the
            place in the user's code that failed.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ConfigurationError(f"{name}: name it as module:name, such as my_camera:VisionCamera")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"{name}: cannot import {module_name}: {in_one_line(error)}") from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigurationError(f"{name}: {module_name} has no {attribute}") from None


def in_one_line(error: BaseException) -> str:
    """An error in the user's code on one line, with the place that it came from."""
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
