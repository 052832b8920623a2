"""Load user code that a command line names as ``module:name``: :func:`load_object`."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

from tcpcomm.errors import ConfigurationError


def load_object(name: str) -> Any:
    """
    Import the object that ``module:name`` names. The current directory is searched for modules too.

    Raises:
        ConfigurationError: the object does not exist, or importing the module fails. The message is one
            line with the place in the user's code that failed.
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
        raise ConfigurationError(f"{name}: cannot import {module_name}: {user_error_text(error)}") from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigurationError(f"{name}: {module_name} has no {attribute}") from None


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
