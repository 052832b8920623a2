"""
The host's end for plain scripts, without ``await`` and without running a reactor: :func:`remote`.

::

    from tcpcomm import blocking

    with blocking.remote(VisionCamera, at="tcp:10.0.0.5:9999") as camera:
        position = camera.locate(job=3)
        for alarm in camera.alarm.events(timeout=10.0):
            print(alarm.code)

Everything may be called from any thread but the reactor's. The connection is kept up in the background,
also while the script does something else, and is closed at the end of the program. Ctrl-C interrupts a
waiting command.
"""

from __future__ import annotations

import queue
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from functools import wraps
from typing import Any, Final, NoReturn, ParamSpec, Self, TypeVar, Unpack, overload

from twisted.internet.interfaces import IStreamClientEndpoint

from tcpcomm.codec.binary.variables import BoundHeaderValue
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.equipment.events import MAX_WAITING_EVENTS, BoundEvent, EventsLost
from tcpcomm.equipment.face import Face
from tcpcomm.errors import ConfigurationError, TcpcommError
from tcpcomm.host import host
from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostKeywords, HostOptions
from tcpcomm.host.reactor_thread import at_the_end, call_in_reactor, callbacks, get
from tcpcomm.link.option_texts import explains
from tcpcomm.link.states import LinkState
from tcpcomm.server import serving

__all__ = ["BlockingEvent", "BlockingLink", "Events", "Serving", "link_of", "raw", "remote", "serve"]

E = TypeVar("E", bound=Equipment)
P = ParamSpec("P")
T = TypeVar("T")


def _shows_no_inside(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function raise errors of tcpcomm without the places inside: the text of an error is enough."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except TcpcommError as error:
            raise error.with_traceback(None) from None

    return call


@_shows_no_inside
@explains("keywords", HostOptions, but=["connect"])
def remote(
    kind: type[E],
    *,
    at: str | IStreamClientEndpoint | None = None,
    **keywords: Unpack[HostKeywords[E]],
) -> Any:
    """
    Make a proxy of a piece of equipment, with commands that return their results.

    ``on_ready`` steps, the object that ``serves`` and the observers run in the reactor's thread; steps and
    handlers are written with ``await``.

    Args:
        kind: the declaration.
        at: the place where the equipment listens, as an endpoint string such as ``tcp:10.0.0.5:9999``. If
            the equipment connects to us, give ``listen`` instead.
        keywords: the other options, which are those of :func:`tcpcomm.remote`.

    Returns:
        An object with the commands and events of ``kind``, and a context manager, which closes the
        connection. A command raises the errors with which one of :func:`tcpcomm.remote` fails. Events are
        :class:`BlockingEvent`. A type checker takes it for Any, because the commands of ``kind`` are
        declared to be awaited.

    Raises:
        ConfigurationError: as :func:`tcpcomm.remote`; or this is the reactor's thread.
    """
    proxy = call_in_reactor(lambda: host.remote(kind, at=at, **keywords))
    return _Proxy(kind, proxy, BlockingLink(host.link_of(proxy)))


class _Proxy(AbstractContextManager["_Proxy"]):
    """A blocking proxy. All names without underscore are those of the declaration."""

    def __init__(self, kind: type[Equipment], proxy: Any, link: BlockingLink) -> None:
        self._kind = kind
        self._proxy = proxy
        self._link = link

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._proxy, name)
        if isinstance(found, BoundEvent):
            made: Any = BlockingEvent(found, self._link)
        elif isinstance(found, BoundHeaderValue):
            made = BlockingHeaderValue(found, self._kind, self._link)
        elif isinstance(found, Face):
            made = BlockingFace(found)
        elif callable(found):
            made = _waiting(found)
        else:
            return found
        self.__dict__[name] = made
        return made

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._kind)})

    def __exit__(self, *raised: object) -> None:
        self._link.close()

    def __repr__(self) -> str:
        return f"<blocking {self._kind.__name__}: {self._link.state.value}>"


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls a method of the proxy in the reactor, and waits."""

    @_shows_no_inside
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = call_in_reactor(lambda: method(*args, **kwargs))
        return BlockingFace(result) if isinstance(result, Face) else result

    return call


class BlockingFace:
    """A :class:`~tcpcomm.Face` of a blocking proxy: its methods return their results."""

    def __init__(self, face: Face[Any]) -> None:
        self._face = face

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._face, name)
        if isinstance(found, Face):
            return BlockingFace(found)
        return _waiting(found) if callable(found) else found

    def __getitem__(self, index: Any) -> Any:
        face: Any = self._face
        return _waiting(face.__getitem__)(index)

    __iter__ = None
    __contains__ = None

    def __setitem__(self, place: Any, value: Any) -> NoReturn:
        self._face[place] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        face: Any = self._face
        return _waiting(face.__call__)(*args, **kwargs)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._face)})

    def __repr__(self) -> str:
        return f"<blocking {self._face!r}>"


_LOST: Final[Sequence[Any]] = ("events were lost",)
"""Waits in place of the events that a slow loop lost."""


class BlockingHeaderValue:
    """A value in the headers that a blocking proxy sends."""

    def __init__(
        self, found: BoundHeaderValue[Any, Any], kind: type[Equipment], link: BlockingLink
    ) -> None:
        self._found = found
        self._kind = kind
        self._link = link

    def __call__(self, value: Any) -> Any:
        """Return a blocking proxy on the same connection that sends this value."""
        return _Proxy(self._kind, call_in_reactor(lambda: self._found(value)), self._link)

    @property
    def value(self) -> Any:
        """Return the value that the proxy would send now."""
        return call_in_reactor(lambda: self._found.value)

    def set(self, value: Any) -> None:
        """Choose the value that the proxy sends from now on."""
        call_in_reactor(lambda: self._found.set(value))


class BlockingEvent:
    """An event of a blocking proxy."""

    def __init__(self, event: BoundEvent[Any], link: BlockingLink) -> None:
        self._event = event
        self._link = link

    def subscribe(self, handler: Callable[..., object]) -> Callable[[], None]:
        """
        Have a function called whenever the event happens.

        All functions of a program are called one after the other, in a thread named "tcpcomm callbacks";
        they may ask commands. If they are so slow that 1000 calls wait, further calls are dropped and
        logged.

        Returns:
            A function that ends the subscription.
        """
        end = call_in_reactor(
            lambda: self._event.subscribe(lambda *values: callbacks.add(lambda: handler(*values)))
        )
        return lambda: call_in_reactor(end)

    def events(self, timeout: float | None = None, *, latest: bool = False) -> Events:
        """
        Return an iterator over the events from now on, each as a named tuple of its values.

        Args:
            timeout: seconds without an event after which the loop ends; None: it ends when the link is
                closed.
            latest: True if a slow loop, such as one that shows pictures, wants only the newest event: older
                ones are dropped then.
        """
        return Events(self._event, self._link, timeout, latest=latest)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the events from now on, until the link is closed."""
        return self.events()


class Events(AbstractContextManager["Events"]):
    """
    The events of one kind as they come: an iterator, and a context manager which ends it.

    It keeps events from its making on, up to 1000; or only the newest one, if it was made with ``latest``.
    """

    def __init__(
        self, event: BoundEvent[Any], link: BlockingLink, timeout: float | None, *, latest: bool = False
    ) -> None:
        self._kind = event.kind
        self._where = event.where
        self._timeout = timeout
        self._latest = latest
        self._unheard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._room = 1 if latest else MAX_WAITING_EVENTS
        self._lock = threading.Lock()  # held while events are dropped, and counted
        self._lost = 0
        self._over = False
        here = weakref.ref(self)  # the event must not keep a loop that was left early

        def happened(*values: Any) -> None:
            loop = here()
            if loop is not None:
                loop._happened(values)

        self._end = weakref.finalize(self, call_in_reactor(lambda: event.subscribe(happened)))
        self._end.atexit = False
        if not link._keep(self):
            self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        """
        Return the next event.

        Raises:
            EventsLost: more than 1000 events waited for the loop. They were dropped, because they are old,
                and the next event is one that came later.
            StopIteration: no event came for too long, or the link is closed.
        """
        values = None
        with suppress(queue.Empty):
            values = get(self._unheard, 0.0 if self._over else self._timeout)
        if values is _LOST:
            with self._lock:
                lost, self._lost = self._lost, 0
            raise EventsLost.of(self._where, lost)
        if values is None:
            self.close()
            raise StopIteration
        return self._kind(*values)

    def close(self) -> None:
        """Stop keeping events; a waiting loop ends."""
        self._over = True
        self._end()
        self._unheard.put(None)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _happened(self, values: Sequence[Any]) -> None:
        with self._lock:
            if self._lost:
                self._lost += 1  # the loop raises EventsLost at its next step
                return
            if self._unheard.qsize() >= self._room:
                dropped = self._drop_waiting()
                if not self._latest:
                    self._lost, values = dropped + 1, _LOST
            self._unheard.put(values)

    def _drop_waiting(self) -> int:
        """Drop the events that wait. Return their number."""
        dropped = 0
        with suppress(queue.Empty):
            while True:
                self._unheard.get_nowait()
                dropped += 1
        return dropped


class BlockingLink:
    """The link behind a blocking proxy. :func:`link_of` returns it."""

    def __init__(self, link: HostLink) -> None:
        self._link = link
        self._loops: weakref.WeakSet[Events] = weakref.WeakSet()
        self._closed = False
        self._lock = threading.Lock()  # of both

    @property
    def state(self) -> LinkState:
        """The state of the link."""
        return self._link.state

    @property
    def reason(self) -> str:
        """The reason of the state, in plain words."""
        return self._link.reason

    @_shows_no_inside
    def wait_until_ready(self, timeout: float = 10.0) -> None:
        """
        Wait for the link to be ready.

        Args:
            timeout: seconds.

        Raises:
            NotReady: the link was not ready within that time, or was closed.
        """
        call_in_reactor(lambda: self._link.ready_within(timeout))

    def observe(self, observer: Callable[[LinkState, str], object]) -> Callable[[], None]:
        """
        Have ``observer(state, reason)`` called at each change, in the thread of the callbacks.

        Returns:
            A function that ends that.
        """
        end = call_in_reactor(
            lambda: self._link.observe(lambda state, reason: callbacks.add(lambda: observer(state, reason)))
        )
        return lambda: call_in_reactor(end)

    def observe_outages(
        self, *, gone: Callable[[str], object], back: Callable[[], object]
    ) -> Callable[[], None]:
        """
        Have ``gone(reason)`` called once when the peer is lost, and ``back()`` when it is back, in the
        thread of the callbacks, as ``Link.observe_outages`` does.

        Returns:
            A function that ends that.
        """
        end = call_in_reactor(
            lambda: self._link.observe_outages(
                gone=lambda reason: callbacks.add(lambda: gone(reason)), back=lambda: callbacks.add(back)
            )
        )
        return lambda: call_in_reactor(end)

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        call_in_reactor(self._link.kick)

    def close(self) -> None:
        """
        Close the connection, for good, and end all loops over events, also those that begin later.

        Functions that subscribed to events, or observe the link, are called no more when it returns. It
        waits at most 2 s for one that runs.
        """
        call_in_reactor(self._link.stopService)
        callbacks.finish()
        with self._lock:
            self._closed = True
            loops = list(self._loops)
        for loop in loops:
            loop.close()

    def _keep(self, loop: Events) -> bool:
        """Note a loop that the end of the link ends. Return False if the link is closed already."""
        with self._lock:
            if not self._closed:
                self._loops.add(loop)
            return not self._closed


def link_of(proxy: Any) -> BlockingLink:
    """
    Return the link behind a blocking proxy.

    Raises:
        ConfigurationError: it is not a proxy that :func:`remote` made.
    """
    if not isinstance(proxy, _Proxy):
        raise ConfigurationError(f"{proxy!r} is not a proxy that tcpcomm.blocking.remote made")
    return proxy._link


@overload
def raw(proxy: Any, frame: bytes, *, timeout: float = ...) -> bytes: ...


@overload
def raw(proxy: Any, frame: bytes, *, timeout: float = ..., frames: int) -> list[bytes]: ...


@overload
def raw(
    proxy: Any, frame: bytes, *, timeout: float = ..., until: bytes | re.Pattern[bytes]
) -> list[bytes]: ...


@_shows_no_inside
def raw(proxy: Any, frame: bytes, **options: Any) -> bytes | list[bytes]:
    """
    Send a frame that cannot be declared, and return its reply, as :func:`tcpcomm.raw` does.

    Raises:
        ConfigurationError: replies carry ids, or it is not a proxy that :func:`remote` made; or ``frames``
            or ``until`` cannot be used.
    """
    link_of(proxy)
    reply: bytes | list[bytes] = call_in_reactor(lambda: host.raw(proxy._proxy, frame, **options))
    return reply


class Serving(AbstractContextManager["Serving"]):
    """Equipment that is served in the background: a context manager, which stops serving."""

    def __init__(self, service: Any) -> None:
        self._service = service

    @property
    def ports(self) -> list[int]:
        """The TCP ports on which it listens."""
        return [port.getHost().port for port in getattr(self._service, "ports", ())]

    def close(self) -> None:
        """Send the replies that are under way, and stop serving."""
        if self._service.running:
            call_in_reactor(self._service.stopService)

    def __exit__(self, *raised: object) -> None:
        self.close()


@_shows_no_inside
@explains("options", serving.serve, but=["equipment"])
def serve(equipment: Any, **options: Any) -> Serving:
    """
    Serve equipment in the background of a script that does something else, such as showing pictures.

    The handlers run in the reactor's thread, those marked with ``@in_thread`` in others. Events may be
    emitted from any thread.

    Args:
        equipment: the object; or, from :func:`tcpcomm.per_session`, one for each session.
        options: the other arguments, which are those of :func:`tcpcomm.serve`.

    Raises:
        TcpcommError: as :func:`tcpcomm.serve`; or it cannot listen.
    """

    def start() -> Any:
        service: Any = serving.serve(equipment, **options)
        service.privilegedStartService()
        service.startService()
        at_the_end(lambda: service.stopService() if service.running else None)
        return service

    return Serving(call_in_reactor(start))
