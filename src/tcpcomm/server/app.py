"""Users' equipment and protocols, named on a command line, as ``file.py:name``: :func:`load_factory`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from attrs import evolve
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.equipment.declaration import check_states
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.load_object import Wanted, load_object, user_error_text
from tcpcomm.runtime.timer import clock_of
from tcpcomm.server.serving import EquipmentFactory, PerSession
from tcpcomm.session.admission import Abuse, Admission, Network, Refused
from tcpcomm.session.authentication import AuthenticatingFactory
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol

_OPTION_NAMES: Final = {
    "heartbeats": "heartbeat-timeout",
    "observers": "frames",
    "framing_hints": "no-framing-hints",
}
"""The names of options that differ from the names of their arguments."""

_SERVED: Final = Wanted(
    "equipment, protocol or factory", lambda kind: issubclass(kind, (Equipment, Protocol, Factory))
)
"""The classes of which a file that is named alone must define one."""


def load_factory(name: str, options: Mapping[str, Any]) -> Any:
    """
    Import an object by ``module:name`` or ``file.py:name``, and make a factory.

    These get all options: a subclass of :class:`~tcpcomm.Equipment`, which is made without arguments, or an
    object of one; and a subclass of :class:`~tcpcomm.FrameProtocol` or :class:`~tcpcomm.FrameFactory`. Any
    other Twisted protocol class, factory class or factory gets only ``allow`` and ``keys``; an object of a
    FrameFactory gets ``observers``, too.

    Args:
        name: the module or the file, and the name in it. Modules are also looked for in the current folder.
            A file may stand alone if it defines one class that can be served.
        options: keyword arguments for FrameFactory, only those that the user gave; and ``idle_timeout``,
            which changes one of the protocol's own limits.

    Raises:
        ConfigurationError: the object does not exist, the import fails, or an option has no effect on it.
    """
    target = load_target(name)
    if isinstance(target, type) and issubclass(target, Equipment):
        target = _call(name, target, {})
    if isinstance(target, (Equipment, PerSession)):
        check_states(declaration_of(target.kind if isinstance(target, PerSession) else target))
        return _call(name, partial(EquipmentFactory, target), _with_limits(target, options))
    if isinstance(target, type) and issubclass(target, FrameProtocol):
        return FrameFactory(target, **_with_limits(target, options))
    if isinstance(target, type) and issubclass(target, FrameFactory):
        return _call(name, target, _with_limits(target.protocol, options))
    allow, keys = options.get("allow"), options.get("keys")
    applicable = {"allow", "keys", *(["observers"] if isinstance(target, FrameFactory) else [])}
    without_effect = [each for each in options if each not in applicable]
    if without_effect:
        names = [f"--{_OPTION_NAMES.get(each, each.replace('_', '-'))}" for each in without_effect]
        raise ConfigurationError(
            f"--app {name}: {', '.join(names)} can be used only with Equipment, or with a subclass of "
            "FrameProtocol or FrameFactory"
        )
    if isinstance(target, type) and issubclass(target, Protocol):
        factory: Any = Factory.forProtocol(target)
    elif isinstance(target, type) and issubclass(target, Factory):
        factory = _call(name, target, {})
    elif isinstance(target, FrameFactory):
        target.admission.networks = allow or target.admission.networks
        if keys is not None:
            target.keys, target.evict = keys, "identity"
        for observer in options.get("observers", ()):
            target.observers.add(observer)
        return target
    elif IProtocolFactory.providedBy(target):
        factory = target
    else:
        raise ConfigurationError(
            f"--app {name}: {target!r} is neither equipment nor a Twisted protocol class or factory"
        )
    if keys is not None:
        factory = AuthenticatingFactory(factory, keys, clock=getattr(factory, "clock", None))
    return factory if allow is None else _Admitting(factory, allow)


def load_target(name: str) -> Any:
    """
    Import the object of ``--app``, and check it if it is the class of declared equipment. Nothing is made.

    Raises:
        ConfigurationError: the object does not exist, the import fails, or the declaration is wrong.
    """
    try:
        target = load_object(name, _SERVED)
    except ConfigurationError as error:
        raise ConfigurationError(f"--app {error}") from None
    if isinstance(target, type) and issubclass(target, Equipment):
        check_states(declaration_of(target))
    return target


def _call(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    try:
        return factory(**options)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"--app {name}: cannot make it: {user_error_text(error)}") from None


def _with_limits(protocol: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(options)
    if "idle_timeout" in changed:
        own = getattr(protocol, "limits", Limits())
        changed["limits"] = evolve(own, idle=changed.pop("idle_timeout"))
    return changed


class _Admitting(Factory):
    """Another factory, for peers from the allowed networks only."""

    noisy = False
    log = BoundedLogger()

    def __init__(self, factory: Any, allow: tuple[Network, ...]) -> None:
        self._factory = factory
        self._admission = Admission(self.log, lambda: clock_of(factory).seconds(), networks=allow)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        return self._factory.buildProtocol(addr) if self._admission.admits(addr) else Refused()

    @property
    def abuse(self) -> Counter[Abuse]:
        """The number of refused and dropped peers so far, by kind, with those of the other factory."""
        others: Counter[Abuse] = getattr(self._factory, "abuse", None) or Counter()
        return self._admission.abuse + others

    @property
    def keys(self) -> Any:
        """The keys of the other factory, which may be replaced."""
        return self._factory.keys

    @keys.setter
    def keys(self, keys: Any) -> None:
        self._factory.keys = keys

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()
