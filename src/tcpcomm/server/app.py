"""The user's own protocol, named on a command line as ``module:name``: :func:`load_factory`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from attrs import evolve
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.errors import ConfigurationError
from tcpcomm.net.reasons import peer_name
from tcpcomm.runtime.load import load_object, user_error_text
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.timer import clock_of
from tcpcomm.server.serving import EquipmentFactory, PerSession
from tcpcomm.session.authentication import AuthenticatingFactory
from tcpcomm.session.factory import REFUSAL_LOG_INTERVAL, FrameFactory, Network, Refused, admitted
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol

__all__ = ["load_factory"]

_OPTIONS: Final = {"heartbeats": "heartbeat_timeout"}
"""The options whose argument is called otherwise."""


def load_factory(name: str, options: Mapping[str, Any]) -> Any:
    """
    Import what ``module:name`` names and make a factory of it.

    It may be a subclass of :class:`~tcpcomm.equipment.equipment.Equipment`, which is made without arguments, or an
    object of one; a :class:`~tcpcomm.session.protocol.FrameProtocol` or :class:`~tcpcomm.session.factory.FrameFactory`
    subclass; these get the options. Or any other Twisted protocol class, factory class or factory, for
    which only ``allow`` and ``keys`` can be honoured.

    Args:
        name: what to import. Modules are also looked for in the current directory.
        options: keyword arguments for FrameFactory, those only that the user gave; and ``idle_timeout``,
            which changes that one of the protocol's own limits.

    Raises:
        ConfigurationError: there is no such thing, importing it fails, or an option has no effect on it.
    """
    target = _import(name)
    if isinstance(target, type) and issubclass(target, Equipment):
        target = _call(name, target, {})
    if isinstance(target, (Equipment, PerSession)):
        return _call(name, partial(EquipmentFactory, target), _with_limits(target, options))
    if isinstance(target, type) and issubclass(target, FrameProtocol):
        return FrameFactory(target, **_with_limits(target, options))
    if isinstance(target, type) and issubclass(target, FrameFactory):
        return _call(name, target, _with_limits(target.protocol, options))
    allow, keys = options.get("allow"), options.get("keys")
    without_effect = [_OPTIONS.get(each, each) for each in options if each not in ("allow", "keys")]
    if without_effect:
        raise ConfigurationError(
            f"--app {name}: {', '.join('--' + each.replace('_', '-') for each in without_effect)} can be "
            "applied to a FrameProtocol or FrameFactory subclass only"
        )
    if isinstance(target, type) and issubclass(target, Protocol):
        factory: Any = Factory.forProtocol(target)
    elif isinstance(target, type) and issubclass(target, Factory):
        factory = _call(name, target, {})
    elif isinstance(target, FrameFactory):
        target.allow = allow or target.allow
        if keys is not None:
            target.keys, target.evict = keys, "identity"
        return target
    elif IProtocolFactory.providedBy(target):
        factory = target
    else:
        raise ConfigurationError(
            f"--app {name}: {target!r} is neither equipment nor a protocol class or factory of Twisted's"
        )
    if keys is not None:
        factory = AuthenticatingFactory(factory, keys, clock=getattr(factory, "clock", None))
    return factory if allow is None else _Admitting(factory, allow)


def _import(name: str) -> Any:
    try:
        return load_object(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"--app {error}") from None


def _call(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    try:
        return factory(**options)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"--app {name}: cannot make it: {user_error_text(error)}") from None


def _with_limits(protocol: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with the limits that the idle timeout makes of the protocol's own."""
    changed = dict(options)
    if "idle_timeout" in changed:
        own = getattr(protocol, "limits", Limits())
        changed["limits"] = evolve(own, idle=changed.pop("idle_timeout"))
    return changed


class _Admitting(Factory):
    """Another factory, but for peers from the allowed networks only."""

    noisy = False
    log = Logger()

    def __init__(self, factory: Any, allow: tuple[Network, ...]) -> None:
        self._factory = factory
        self._allow = allow
        self._refusals = LogThrottle(REFUSAL_LOG_INTERVAL)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        host = getattr(addr, "host", None)
        if host is None or admitted(str(host), self._allow):
            return self._factory.buildProtocol(addr)
        if self._refusals.count_due(clock_of(self._factory).seconds()):
            self.log.warn(
                "{peer}: connection refused: its address is in no allowed network", peer=peer_name(addr)
            )
        return Refused()

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()
