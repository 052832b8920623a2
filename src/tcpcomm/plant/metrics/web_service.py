"""
The pages for Prometheus, systemd and Kubernetes: :class:`MetricsService`.

``/metrics`` has the figures, ``/healthz`` answers while the reactor turns, and ``/readyz`` has the checks.
Nothing can be changed, and no request is logged.
"""

from __future__ import annotations

import json
import re
from collections import deque
from ipaddress import ip_address
from typing import Any, Final, Protocol, cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall, IListeningPort, ILoggingContext
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.error_texts import listen_error_text
from tcpcomm.plant.metrics.health_checks import Health
from tcpcomm.plant.metrics.packages import load_prometheus
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.server.service import CannotListen
from tcpcomm.tools.monitor.access import Access, Denied
from tcpcomm.tools.monitor.web import MonitorSite

LAG_INTERVAL: Final = 1.0
"""Seconds between two looks at the delay of timers."""

_PLACE: Final = re.compile(r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):)?(?P<port>[0-9]{1,5})")
_LARGEST_PORT: Final = 65_535
_LOOPBACK: Final = "127.0.0.1"
_HEADERS: Final = {
    "Server": "tcpcomm",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}
_TEXT: Final = "text/plain; charset=utf-8"


class Figures(Protocol):
    """The part of Metrics that the pages show."""

    registry: Any
    health: Health
    reactor_lags: deque[float]

    @property
    def reactor_lag(self) -> float: ...
    def link_problems(self) -> tuple[int, int, list[str]]: ...


class MetricsService(Service):
    """
    Serves the figures and the health of a program, while it runs.

    Args:
        place: a port of this machine, or ``ADDRESS:PORT``. Without an address only programs of this machine
            can read it.
        metrics: the figures, with the health.
        reactor: the reactor, or a test's clock; None: the global reactor.

    Raises:
        ConfigurationError: the place is not one.
    """

    log = BoundedLogger()

    def __init__(self, place: int | str, metrics: Figures, *, reactor: Any = None) -> None:
        self._address, self._wanted_port = split_place(str(place))
        self._reactor = the_reactor(reactor)
        self.metrics: Any = metrics
        """The figures."""
        self.root = MetricsPages(metrics, Access(self._address, self._reactor.seconds))
        """Answers all requests."""
        self.site = MetricsSite(self.root, self._reactor)
        """The connections, and what is said on them."""
        self._port: IListeningPort | None = None
        self._timer: IDelayedCall | None = None
        self._due = 0.0

    @property
    def port(self) -> int:
        """The port."""
        return self._wanted_port if self._port is None else int(cast("Any", self._port.getHost()).port)

    def privilegedStartService(self) -> None:
        """Listen, while the process may still bind low ports."""
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._listen()

    def startService(self) -> None:
        """
        Listen, unless that is done.

        Raises:
            CannotListen: the port is in use, or the address is not one of this machine.
        """
        super().startService()  # type: ignore[no-untyped-call]
        self._listen()
        if self._timer is None:
            self._measure_later()

    def stopService(self) -> Deferred[Any]:
        """Stop to listen, and end all connections."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        port, self._port = self._port, None
        stopped: Deferred[Any] = succeed(None) if port is None else maybeDeferred(port.stopListening)
        return stopped.addCallback(lambda _: self.site.close_all())

    def _listen(self) -> None:
        if self._port is not None:
            return
        where = f"[{self._address}]" if ":" in self._address else self._address
        try:
            self._port = self._reactor.listenTCP(self._wanted_port, self.site, interface=self._address)
        except Exception:
            raise CannotListen(
                f"the metrics cannot listen on {where}:{self._wanted_port}: {listen_error_text(Failure())}"
            ) from None
        self.log.info("metrics are at http://{where}:{port}/metrics", where=where, port=self.port)

    def _measure_later(self) -> None:
        self._due = self._reactor.seconds() + LAG_INTERVAL
        self._timer = self._reactor.callLater(LAG_INTERVAL, self._measure)

    def _measure(self) -> None:
        self.metrics.reactor_lags.append(max(0.0, self._reactor.seconds() - self._due))
        self._measure_later()


@implementer(ILoggingContext)
class MetricsSite(MonitorSite):
    """The site of the figures. Twisted's log lines about its port call it the metrics."""

    def logPrefix(self) -> str:
        return "metrics"


class MetricsPages(Resource):
    """
    Answers all requests.

    Args:
        metrics: the figures, with the health.
        access: checks the name by which a request calls this machine.
    """

    isLeaf = True
    log = BoundedLogger()

    def __init__(self, metrics: Figures, access: Access) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._metrics = metrics
        self._access = access

    def render(self, request: Request) -> bytes:
        """Answer a request."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        try:
            answer = self._answer(request)
        except Denied as denied:
            request.setResponseCode(denied.status)
            request.setHeader("Content-Type", _TEXT)
            answer = f"{denied.text}\n".encode()
        except Exception:
            self.log.failure("the figures could not be shown")
            request.setResponseCode(500)
            request.setHeader("Content-Type", _TEXT)
            answer = b"the figures could not be shown: see the log\n"
        if request.method == b"HEAD":
            request.setHeader("Content-Length", str(len(answer)))
            return b""
        return answer

    def _answer(self, request: Request) -> bytes:
        if self._access.is_local:  # a page of another site must not read it through a browser here
            self._check_host(request)
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader("Allow", "GET, HEAD")
            raise Denied(405, "the figures can only be read")
        path = request.path.decode("ascii", "replace")
        if path == "/metrics":
            return self._figures(request)
        if path == "/healthz":
            return self._json(request, {"status": "ok", "reactor_lag_seconds": self._metrics.reactor_lag})
        if path == "/readyz":
            return self._readiness(request)
        raise Denied(404, "there are /metrics, /healthz and /readyz")

    def _check_host(self, request: Request) -> None:
        try:
            self._access.check_host(_header(request, "host"))
        except Denied:
            raise Denied(403, "ask by localhost or 127.0.0.1: other names are refused") from None

    def _figures(self, request: Request) -> bytes:
        exposition = load_prometheus().exposition
        encode, content_type = exposition.choose_encoder(_header(request, "accept") or "")
        request.setHeader("Content-Type", content_type)
        data: bytes = encode(self._metrics.registry)
        return data

    def _readiness(self, request: Request) -> bytes:
        results = self._metrics.health.results()
        up, links, down = self._metrics.link_problems()
        is_ready = not any(each.problem and each.required for each in results)
        if not is_ready:
            request.setResponseCode(503)
        found = {
            "status": "ready" if is_ready else "not ready",
            "checks": {each.name: {"problem": each.problem, "required": each.required} for each in results},
            "links": {"up": up, "all": links, "down": down},
        }
        return self._json(request, found)

    def _json(self, request: Request, value: Any) -> bytes:
        request.setHeader("Content-Type", "application/json")
        return json.dumps(value, ensure_ascii=True, indent=1).encode("ascii") + b"\n"


def split_place(text: str) -> tuple[str, int]:
    """Return the address and the port of a place. Raises ConfigurationError if it is not one."""
    match = _PLACE.fullmatch(text)
    try:
        if match is None or int(match["port"]) > _LARGEST_PORT:
            raise ValueError
        address = (match["address"] or _LOOPBACK).strip("[]")
        address = _LOOPBACK if address == "localhost" else address
        ip_address(address)
    except ValueError:
        raise ConfigurationError(
            f"the place of the metrics must be a port, such as 9100, or ADDRESS:PORT, not {text!r}"
        ) from None
    return address, int(match["port"])


def _header(request: Request, name: str) -> str | None:
    found = request.getHeader(name)
    return None if found is None else str(found)
