"""The user's own code, named on a command line as ``module:name``: :func:`load_factory`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.errors import ConfigurationError
from tcpcomm.factory import FrameFactory, Network, admitted
from tcpcomm.protocol import FrameProtocol

__all__ = ["load_factory"]


def load_factory(name: str, options: Mapping[str, Any]) -> Any:
    """
    Import what ``module:name`` names and make a factory of it.

    It may be a :class:`~tcpcomm.protocol.FrameProtocol` or :class:`~tcpcomm.factory.FrameFactory`
    subclass, which get the options; or any other Twisted protocol class, factory class or factory, for
    which only ``allow`` can be honoured.

    Args:
        name: what to import. Modules are also looked for in the current directory.
        options: keyword arguments for FrameFactory, those only that the user gave.

    Raises:
        ConfigurationError: there is no such thing, importing it fails, or an option has no effect on it.
    """
    target = _import(name)
    if isinstance(target, type) and issubclass(target, FrameProtocol):
        return FrameFactory(target, **options)
    if isinstance(target, type) and issubclass(target, FrameFactory):
        return _call(name, target, options)
    allow = options.get("allow")
    without_effect = [option for option in options if option != "allow"]
    if without_effect:
        raise ConfigurationError(
            f"--app {name}: {', '.join('--' + each.replace('_', '-') for each in without_effect)} can be "
            "applied to a FrameProtocol or FrameFactory subclass only"
        )
    if isinstance(target, type) and issubclass(target, Protocol):
        factory: Any = Factory.forProtocol(target)
    elif isinstance(target, type) and issubclass(target, Factory):
        factory = _call(name, target, {})
    elif IProtocolFactory.providedBy(target):
        factory = target
    else:
        raise ConfigurationError(
            f"--app {name}: {target!r} is neither a protocol class nor a factory of Twisted's"
        )
    return factory if allow is None else _Admitting(factory, allow)


def _import(name: str) -> Any:
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ConfigurationError(f"--app {name}: name it as module:name, such as my_camera:CameraProtocol")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(module_name)
    except Exception as error:
        raise ConfigurationError(f"--app {name}: cannot import {module_name}: {_where(error)}") from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ConfigurationError(f"--app {name}: {module_name} has no {attribute}") from None


def _call(name: str, factory: type[Any], options: Mapping[str, Any]) -> Any:
    try:
        return factory(**options)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"--app {name}: cannot make the factory: {_where(error)}") from None


def _where(error: Exception) -> str:
    """An error in the user's code on one line, with the place that it came from."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return text
    own = [each for each in traceback.extract_tb(error.__traceback__) if "importlib" not in each.filename]
    last = own[-1]
    return text if last.filename == __file__ else f"{text} ({last.filename}, line {last.lineno})"


class _Admitting(Factory):
    """Another factory, but for peers from the allowed networks only."""

    noisy = False

    def __init__(self, factory: Any, allow: tuple[Network, ...]) -> None:
        self._factory = factory
        self._allow = allow

    def buildProtocol(self, addr: IAddress | None) -> Any:
        host = getattr(addr, "host", None)
        if host is not None and not admitted(str(host), self._allow):
            return None
        return self._factory.buildProtocol(addr)

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()
