"""
A page in the browser that shows all links and sessions of a program: :class:`Monitor`.

::

    monitor = Monitor(8080)
    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999", observers=[monitor])
    service = serve(MyCamera(), at="tcp:9999:interface=127.0.0.1", observers=[monitor])

The log has the address to open, which ends in a token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.error_texts import listen_error_text
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.service import CannotListen
from tcpcomm.tools.monitor.access import Access
from tcpcomm.tools.monitor.api import MonitorApi
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.pages import Pages
from tcpcomm.tools.monitor.web import MonitorSite, Root

DEFAULT_PORT: Final = 8080

_LARGEST_PORT: Final = 65_535


class Monitor(MonitorModel):
    """
    Shows in the browser the traffic of the links and sessions that have it as an observer.

    It listens as soon as the reactor runs, and until it stops. If it cannot listen, the program goes on
    without it, and the log says why.

    Args:
        port: the TCP port; 0 for any free port.
        interface: the address to listen at. If other machines can reach it, nothing can be read
            without the token. The traffic between browser and monitor is never encrypted.
        token: the token for every change, of 16 characters at least; None: a new one at each start.
        read_only: True if the page must not change anything.
        host_names: further names by which a browser may call this machine.
        name: a name for the head of the page, such as ``line 3``.
        times: returns the time of the values that are shown, in seconds since 1970; None: now.
        recordings: lists recordings for the page: a function that returns a list of paths; None: there are
            none.
        reactor: the reactor, or a test's clock.

    Raises:
        ConfigurationError: the port is not a port, the token is too short, or a name cannot be one.
    """

    log = BoundedLogger()

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        *,
        interface: str = "127.0.0.1",
        token: str | None = None,
        read_only: bool = False,
        host_names: Iterable[str] = (),
        name: str = "",
        times: Callable[[], float] | None = None,
        recordings: Callable[[], Iterable[Any]] | None = None,
        reactor: Any = None,
    ) -> None:
        if not 0 <= port <= _LARGEST_PORT:
            raise ConfigurationError(f"the port of a monitor must be from 0 to {_LARGEST_PORT}, not {port}")
        self._reactor = reactor = the_reactor(reactor)
        if times is None:
            super().__init__(reactor.seconds)
        else:
            super().__init__(times, times)
        self._wanted_port = port
        self._interface = interface
        self._port: IListeningPort | None = None
        self._is_stopped = False
        self._trigger: Any = None
        self.access = Access(
            interface, reactor.seconds, token=token, read_only=read_only, names=tuple(host_names)
        )
        """Decides who may see and change what."""
        self.api = MonitorApi(self, self.access, reactor, name=name, recordings=recordings)
        """Answers the requests of pages."""
        self.pages = Pages(self, self.api.overview, reactor)
        """The pages that are open."""
        self.api.pages = self.pages
        self.root = Root(self.access, self.api, self.pages)
        """Answers all requests of browsers."""
        self._site = MonitorSite(self.root, reactor)
        if not hasattr(reactor, "callWhenRunning"):  # a test's clock has no sockets
            return
        if getattr(reactor, "running", False) and not isInIOThread():
            reactor.callFromThread(self._begin)  # a plain script runs the reactor in another thread
        else:
            self._begin()

    def _begin(self) -> None:
        """Listen as soon as the reactor runs, and until it stops."""
        if not self._is_stopped:
            self._reactor.callWhenRunning(self._listen_or_log)
            self._trigger = self._reactor.addSystemEventTrigger(
                "before", "shutdown", self._stop_with_reactor
            )

    @property
    def port(self) -> int:
        """The port of the page."""
        return self._wanted_port if self._port is None else int(cast("Any", self._port.getHost()).port)

    @property
    def url(self) -> str:
        """The address to open in a browser, with the token."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._interface, self._interface)
        host = f"[{host}]" if ":" in host else host
        token = "" if self.access.read_only and self.access.is_local else f"#token={self.access.token}"
        return f"http://{host}:{self.port}/{token}"

    def listen(self) -> None:
        """
        Listen now, for a program that must know at once if that fails. A monitor that failed stays stopped.

        Raises:
            CannotListen: the port is in use, or the address is not one of this machine.
        """
        if self._port is not None or self._is_stopped:
            return
        try:
            self._port = self._reactor.listenTCP(self._wanted_port, self._site, interface=self._interface)
        except Exception:
            failure = Failure()
            self.stop()  # it does not try again when the reactor runs
            raise CannotListen(
                f"the monitor cannot listen at {self._interface}:{self._wanted_port}: "
                f"{listen_error_text(failure)}; choose another port, or 0 for any free one"
            ) from None

    def stop(self) -> Deferred[None]:
        """Close all pages, and stop to listen."""
        if self._is_stopped:
            return succeed(None)
        self._is_stopped = True
        if self._trigger is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
            self._trigger = None
        self.api.guessing.stop()
        self.pages.close_all("the program has ended, or it has stopped the monitor")
        port, self._port = self._port, None
        stopped: Deferred[Any] = succeed(None) if port is None else maybeDeferred(port.stopListening)
        return stopped.addCallback(lambda _: self._site.close_all())

    def _stop_with_reactor(self) -> Deferred[None]:
        self._trigger = None  # it is over
        return self.stop()

    def _listen_or_log(self) -> None:
        was_listening = self._port is not None
        try:
            self.listen()
        except CannotListen as error:
            self.log.error("{error}", error=str(error))
        else:
            if not (was_listening or self._is_stopped):
                self.log.info("the monitor is at {url}", url=self.url)
