"""The hooks of simulators, which users override: :func:`check_plain`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from tcpcomm.errors import ConfigurationError


def check_plain(hook: Callable[..., Any]) -> None:
    """
    Check that a hook is a plain method. One with ``async def`` would never run, and refuse nothing.

    Raises:
        ConfigurationError: it is a coroutine function.
    """
    if iscoroutinefunction(hook):
        name = hook.__name__
        raise ConfigurationError(
            f"{hook.__qualname__} must be plain: write def {name}, without async, because the value is "
            "stored at once; to wait for something, override the command"
        )
