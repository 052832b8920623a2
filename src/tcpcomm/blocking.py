"""
The host's end for plain scripts, without ``await`` and without a reactor to be run: :func:`remote`.

::

    from tcpcomm import blocking

    with blocking.remote(VisionCamera, at="tcp:10.0.0.5:9999") as camera:
        position = camera.locate(job=3)
        for alarm in camera.alarm.events(timeout=10.0):
            print(alarm.code)

Everything may be called from any thread but the reactor's. The connection is kept up in the background,
also while the script does something else, and is closed at the end of the program. Ctrl-C interrupts a
command that waits.
"""

from __future__ import annotations

import queue
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.equipment.events import MAX_WAITING_EVENTS, BoundEvent, EventsLost
from tcpcomm.errors import ConfigurationError
from tcpcomm.host import host
from tcpcomm.host.reactor_thread import at_the_end, call_in_reactor, callbacks, get
from tcpcomm.link.supervisor import LinkState, Policy
from tcpcomm.server import serving
from tcpcomm.session.admission import Network
from tcpcomm.session.limits import Limits

__all__ = ["BlockingEvent", "BlockingLink", "Events", "Serving", "link_of", "raw", "remote", "serve"]

E = TypeVar("E", bound=Equipment)


def remote(
    kind: type[E],
    *,
    at: str | IStreamClientEndpoint | None = None,
    listen: str | IStreamServerEndpoint | None = None,
    allow: Iterable[Network] | None = (),
    policy: Policy | str = "lan",
    wait: float | None = None,
    retries: int = 1,
    credentials: Mapping[str, str] | None = None,
    on_ready: Iterable[Callable[[E], Any]] = (),
    serves: Equipment | None = None,
    limits: Limits | None = None,
) -> Any:
    """
    Make a proxy of a piece of equipment whose commands return their results.

    The arguments are those of :func:`tcpcomm.remote`. ``on_ready`` steps and what ``serves`` run in the
    reactor's thread, and are written with ``await``.

    Returns:
        An object with the commands and events of ``kind``, and a context manager, which closes the
        connection. A command raises what :func:`tcpcomm.remote` says that it fails with. Events are
        :class:`BlockingEvent`. A type checker takes it for Any: it would believe that the commands of
        ``kind`` have to be awaited.

    Raises:
        ConfigurationError: as :func:`tcpcomm.remote`; or this is the reactor's thread.
    """
    proxy = call_in_reactor(
        lambda: host.remote(
            kind,
            at=at,
            listen=listen,
            allow=allow,
            policy=policy,
            wait=wait,
            retries=retries,
            credentials=credentials,
            on_ready=on_ready,
            serves=serves,
            limits=limits,
        )
    )
    return _Proxy(kind, proxy)


class _Proxy:
    """What :func:`remote` gives. All names without underscore are those of the declaration."""

    def __init__(self, kind: type[Equipment], proxy: Any) -> None:
        self._kind = kind
        self._proxy = proxy
        self._link = BlockingLink(host.link_of(proxy))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._proxy, name)
        if isinstance(found, BoundEvent):
            made: Any = BlockingEvent(found, self._link)
        elif callable(found):
            made = _waiting(found)
        else:
            return found
        self.__dict__[name] = made
        return made

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._kind)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._link.close()

    def __repr__(self) -> str:
        return f"<blocking {self._kind.__name__}: {self._link.state.value}>"


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the proxy, called in the reactor."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return call_in_reactor(lambda: method(*args, **kwargs))

    call.__name__ = getattr(method, "__name__", "call")
    call.__doc__ = method.__doc__
    return call


class _Closes(ABC):
    """Something that a ``with`` block closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class BlockingEvent:
    """An event of a blocking proxy."""

    def __init__(self, event: BoundEvent[Any], link: BlockingLink) -> None:
        self._event = event
        self._link = link

    def subscribe(self, handler: Callable[..., object]) -> Callable[[], None]:
        """
        Have a function called whenever it happens.

        All functions of a program are called in one thread, called "tcpcomm callbacks", one after the
        other; they may ask commands. Where they are so slow that 1000 calls wait, further ones are
        dropped, which is told in the log.

        Returns:
            What ends that.
        """
        end = call_in_reactor(
            lambda: self._event.subscribe(lambda *values: callbacks.add(lambda: handler(*values)))
        )
        return lambda: call_in_reactor(end)

    def events(self, timeout: float | None = None) -> Events:
        """
        The events from now on, to be looped over: each a named tuple of its values.

        Args:
            timeout: the loop ends when there was none for so many seconds; None: when the link is closed.
        """
        return Events(self._event, self._link, timeout)

    def __iter__(self) -> Iterator[Any]:
        """The events from now on, until the link is closed."""
        return self.events()


class Events(_Closes):
    """
    Events of one kind as they come: an iterator, and a context manager which ends it.

    They are kept from when it was made; where 1000 wait, further ones are dropped.
    """

    def __init__(self, event: BoundEvent[Any], link: BlockingLink, timeout: float | None) -> None:
        self._kind = event.kind
        self._timeout = timeout
        self._unheard: queue.Queue[Any] = queue.Queue(MAX_WAITING_EVENTS)
        self._lost = 0
        self._over = False
        here = weakref.ref(self)  # a loop that was left without an end must not be kept by the event

        def happened(*values: Any) -> None:
            loop = here()
            if loop is not None:
                loop._happened(values)

        self._end = weakref.finalize(self, call_in_reactor(lambda: event.subscribe(happened)))
        self._end.atexit = False
        link._loops.add(self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        """
        The next one.

        Raises:
            EventsLost: the loop was so slow that some had to be dropped.
            StopIteration: there was none for too long, or the link is closed.
        """
        values = None
        if self._unheard.empty() and self._lost:
            lost, self._lost = self._lost, 0
            raise EventsLost(f"{lost} of {self._kind.__name__} were dropped: the loop is too slow")
        with suppress(queue.Empty):
            values = get(self._unheard, 0.0 if self._over else self._timeout)
        if values is None:
            self.close()
            raise StopIteration
        return self._kind(*values)

    def close(self) -> None:
        """No more of them are kept; a loop that waits ends."""
        self._over = True
        self._end()
        with suppress(queue.Full):  # a loop with so much to hear does not wait
            self._unheard.put_nowait(None)

    def _happened(self, values: Sequence[Any]) -> None:
        try:
            self._unheard.put_nowait(values)
        except queue.Full:
            self._lost += 1


class BlockingLink:
    """The link behind a blocking proxy. Got by :func:`link_of`."""

    def __init__(self, link: host.HostLink) -> None:
        self._link = link
        self._loops: weakref.WeakSet[Events] = weakref.WeakSet()

    @property
    def state(self) -> LinkState:
        """What is true of the link now."""
        return self._link.state

    @property
    def reason(self) -> str:
        """Why, in plain words."""
        return self._link.reason

    def wait_until_ready(self, timeout: float = 10.0) -> None:
        """
        Wait for the link to be ready.

        Args:
            timeout: seconds.

        Raises:
            NotReady: it was not within that time, or was closed.
        """
        call_in_reactor(lambda: self._link.ready_within(timeout))

    def observe(self, observer: Callable[[LinkState, str], object]) -> Callable[[], None]:
        """
        Have ``observer(state, reason)`` called at each change, in the thread of the callbacks.

        Returns:
            What ends that.
        """
        end = call_in_reactor(
            lambda: self._link.observe(lambda state, reason: callbacks.add(lambda: observer(state, reason)))
        )
        return lambda: call_in_reactor(end)

    def kick(self) -> None:
        """Try to connect now, whatever the backoff says."""
        call_in_reactor(self._link.kick)

    def close(self) -> None:
        """Close the connection, for good, and end all loops over events."""
        call_in_reactor(self._link.stopService)
        for loop in list(self._loops):
            loop.close()


def link_of(proxy: Any) -> BlockingLink:
    """
    The link behind a blocking proxy.

    Raises:
        ConfigurationError: it is no proxy that :func:`remote` made.
    """
    if not isinstance(proxy, _Proxy):
        raise ConfigurationError(f"{proxy!r} is no proxy that tcpcomm.blocking.remote made")
    return proxy._link


def raw(proxy: Any, frame: bytes, *, timeout: float = 5.0) -> bytes:
    """
    Ask what cannot be declared, as :func:`tcpcomm.raw` does.

    Raises:
        ConfigurationError: replies carry ids, or it is no proxy that :func:`remote` made.
    """
    link_of(proxy)
    reply: bytes = call_in_reactor(lambda: host.raw(proxy._proxy, frame, timeout=timeout))
    return reply


class Serving(_Closes):
    """Equipment that is served in the background: a context manager, which ends that."""

    def __init__(self, service: Any) -> None:
        self._service = service

    @property
    def ports(self) -> list[int]:
        """The TCP ports that it listens at."""
        return [port.getHost().port for port in getattr(self._service, "ports", ())]

    def close(self) -> None:
        """Send what is owed, and end."""
        if self._service.running:
            call_in_reactor(self._service.stopService)


def serve(equipment: Any, **options: Any) -> Serving:
    """
    Serve equipment in the background of a script that does something else, such as showing pictures.

    The handlers run in the reactor's thread, those marked with ``@in_thread`` in others; events may be
    told from any thread. The arguments are those of :func:`tcpcomm.serve`.

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
