"""
Scripts that disturb a tap while it runs: :func:`run_script`.

::

    async def disturb(tap):
        await tap.after(5)
        tap.add("drop reply 3")
        await tap.frame("to-host", command="locate")
        tap.pull()
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.load_object import load_object, user_error_text

FUNCTION: Final = "disturb"
"""The function of a script that is run."""


class ScriptFailed(Exception):
    """A script raised an error. The text tells its file and line."""


def load_script(path: str) -> Callable[[Any], Any]:
    """
    Return the function ``disturb`` of a Python file.

    Raises:
        ConfigurationError: the file cannot be read or imported, or has no such function.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigurationError(f"{path}: there is no such file")
    if file.suffix != ".py":
        raise ConfigurationError(f"{path}: the name of a script ends in .py")
    function = load_object(f"{file.resolve()}:{FUNCTION}")
    if not inspect.iscoroutinefunction(function):
        raise ConfigurationError(f"{path}: write 'async def {FUNCTION}(tap):', which the tap runs")
    checked: Callable[[Any], Any] = function
    return checked


def run_script(function: Callable[[Any], Any], tap: Any) -> Deferred[None]:
    """Run a script. Return a Deferred of its end; it fails with :class:`ScriptFailed`."""
    running: Deferred[None] = Deferred.fromCoroutine(function(tap))

    def told(failure: Failure) -> None:
        if not failure.check(CancelledError):  # the tap has ended
            raise ScriptFailed(_error_text(function, failure)) from None

    return running.addCallbacks(lambda _: None, told)


def _error_text(function: Callable[[Any], Any], failure: Failure) -> str:
    error = failure.value
    assert error is not None
    file = function.__code__.co_filename
    places = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == file]
    if not places:
        return user_error_text(error)
    return f"{' '.join(f'{type(error).__name__}: {error}'.split())} ({file}, line {places[-1].lineno})"
