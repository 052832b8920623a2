"""The site of the monitor in twisted.web: its files, its API, and the streams of its pages."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar, Final, Protocol, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.socket_options import socket_of
from tcpcomm.tools.monitor.access import Access, Denied
from tcpcomm.tools.monitor.downloads import Download, FileDownload
from tcpcomm.tools.monitor.pages import Page, Pages

MOST_BROWSERS: Final = 64
"""Connections of browsers that are open at once. Further ones are closed."""

MOST_DOWNLOADS: Final = 2
"""Files that are made and sent at once. A further one is refused with a message."""

LARGEST_REQUEST: Final = 65_536
"""Bytes of the body of a request. A larger one is refused unread."""

IDLE_CONNECTION: Final = 60.0
"""Seconds for which a connection of a browser asks nothing. Then it is closed."""

_SEND_BUFFER: Final = 65_536
"""
Bytes for a page that the system may hold. It would hold megabytes, so that a page which does not read is
noticed after seconds only, and sees old rows when it reads again.
"""

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_HEADERS: Final = {
    "Server": "tcpcomm",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


Query = dict[str, str]


class Api(Protocol):
    """The answers to requests of pages. A value is sent as JSON. Errors are :class:`Denied`."""

    def get(self, path: str, query: Query) -> Any:
        """Return the answer to a request that reads."""

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Carry out a request that writes. Return the answer, or its Deferred."""

    def open_page(self, page: Page, query: Query, token: str | None, address: str) -> None:
        """Begin to send events to a page. Call :meth:`Page.write` for each."""

    def watched(self, query: Query) -> frozenset[str] | None:
        """Return the ids of the sources that a page asks for, or None for all."""


class MonitorRequest(Request):
    """A request with a limited body. Twisted would keep any body in a temporary file."""

    channel: Any
    _received = 0
    _is_refused = False

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > LARGEST_REQUEST:
            self.content = io.BytesIO()
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_REQUEST:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> None:
        if not self._is_refused:
            super().process()

    def _refuse(self) -> None:
        if not self._is_refused:
            self._is_refused = True
            self.channel.transport.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n")
            self.channel.transport.loseConnection()


class _Channel(HTTPChannel):
    """One connection of a browser."""

    site: MonitorSite

    def timeoutConnection(self) -> None:
        self.loseConnection()  # Twisted would also log it

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.connections.discard(self)
        super().connectionLost(reason)


class MonitorSite(Site):
    """The site of a monitor. It logs no requests, and limits its connections."""

    protocol: Any = _Channel
    noisy = False
    displayTracebacks = False

    def __init__(self, resource: Resource, reactor: Any) -> None:
        super().__init__(resource, requestFactory=MonitorRequest, timeout=IDLE_CONNECTION, reactor=reactor)
        self.connections: set[Any] = set()
        """The connections that are open."""

    def log(self, request: Any) -> None:
        """Log nothing: a page makes many requests."""

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if len(self.connections) >= MOST_BROWSERS:
            return None
        channel = super().buildProtocol(addr)
        self.connections.add(channel)
        return channel

    def close_all(self) -> None:
        """End all connections at once."""
        for each in list(self.connections):
            if each.transport is not None:
                each.transport.abortConnection()


class Root(Resource):
    """
    Answers all requests.

    Args:
        access: decides who may do what.
        api: answers the requests below ``/api/``.
        pages: the open pages.
    """

    isLeaf = True
    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(self, access: Access, api: Api, pages: Pages) -> None:
        super().__init__()
        self._access = access
        self._api = api
        self._pages = pages
        self._files = files("tcpcomm.tools.monitor") / "page"
        self.downloads = 0
        """The files that are being downloaded."""

    def render(self, request: Request) -> Any:
        """Answer a request, or begin to."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        path = request.path.decode("ascii", "replace")
        try:
            self._access.check_host(_header(request, "host"))
            if path.startswith("/api/"):
                return self._answer_api(request, path.removeprefix("/api/"))
            if request.method not in (b"GET", b"HEAD"):
                raise Denied(405, "the files of the page can only be read")
            return self._file(request, path)
        except Denied as denied:
            return self._refuse(request, denied, as_json=path.startswith("/api/"))
        except Exception:
            self.log.failure("the monitor could not answer {path}", path=path)
            return self._refuse(request, Denied(500, "the monitor has failed: see its log"), as_json=True)

    # -- the page's files -------------------------------------------------------------------------------

    def _file(self, request: Request, path: str) -> bytes:
        words = [word for word in path.split("/") if word] or ["index.html"]
        words = words[1:] if words[0] == "page" and len(words) > 1 else words
        found: Traversable = self._files
        for word in words:
            if not _NAME.fullmatch(word):
                raise Denied(404, "there is no such file")
            found = found / word
        suffix = f".{words[-1].rpartition('.')[2]}"
        if suffix not in _TYPES or not found.is_file():
            raise Denied(404, "there is no such file")
        data = found.read_bytes()
        tag = f'"{sha256(data).hexdigest()[:20]}"'
        request.setHeader("Cache-Control", "no-cache")
        request.setHeader("ETag", tag)
        if _header(request, "if-none-match") == tag:
            request.setResponseCode(304)
            return b""
        request.setHeader("Content-Type", _TYPES[suffix])
        return data

    # -- the API ----------------------------------------------------------------------------------------

    def _answer_api(self, request: Request, path: str) -> Any:
        address = str(getattr(request.getClientAddress(), "host", ""))
        query = _query(request)
        token = _header(request, "x-tcpcomm-token") or query.get("token")
        origin, fetched_by = _header(request, "origin"), _header(request, "sec-fetch-site")
        self._access.check_origin(origin, _header(request, "host") or "", fetched_by)
        if request.method == b"POST":
            self._access.check_writing(_header(request, "x-tcpcomm-token"), address)
            answer = self._api.post(path, _body(request))
        elif request.method == b"GET":
            self._access.check_reading(token, address)
            if path == "stream":
                return self._stream(request, query, token, address)
            if path == "download" or path.startswith("recordings/"):
                self._count_download(request)
            answer = self._api.get(path, query)
        else:
            raise Denied(405, "the monitor knows GET and POST only")
        if isinstance(answer, FileDownload):
            return self._send_file(request, answer.open(), answer.name, "application/octet-stream")
        if not isinstance(answer, Deferred):
            return self._send(request, answer)
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)  # the browser may go before the answer comes

        def finish(outcome: Any) -> None:
            if gone:
                return
            if isinstance(outcome, Download):
                data = succeed(io.BytesIO(outcome.data))
                self._send_file(request, data, outcome.name, outcome.content_type)
                return
            if isinstance(outcome, Failure):
                request.write(self._failed(request, outcome))
            else:
                request.write(self._send(request, outcome))
            request.finish()

        answer.addBoth(finish)
        return NOT_DONE_YET

    def _count_download(self, request: Request) -> None:
        if self.downloads >= MOST_DOWNLOADS:
            raise Denied(503, f"{MOST_DOWNLOADS} files are being downloaded: wait until one is complete")
        self.downloads += 1

        def end(_: object) -> None:
            self.downloads -= 1

        request.notifyFinish().addBoth(end)

    def _send_file(self, request: Request, opened: Deferred[Any], name: str, content_type: str) -> Any:
        """Send a file as fast as the browser reads it, and close it."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def send(file: Any) -> Deferred[Any]:
            request.setHeader("Content-Type", content_type)
            request.setHeader("Content-Disposition", f'attachment; filename="{name}"')
            sender: Any = FileSender()
            sent: Deferred[Any] = succeed(None) if gone else sender.beginFileTransfer(file, request)

            def close(outcome: Any) -> Any:
                file.close()
                return outcome

            return sent.addErrback(gone.append).addBoth(close)  # it fails if the browser goes

        def finish(outcome: Any) -> None:
            if gone:
                return
            if isinstance(outcome, Failure):
                request.write(self._failed(request, outcome))
            request.finish()

        opened.addCallback(send).addBoth(finish)
        return NOT_DONE_YET

    def _send(self, request: Request, answer: Any) -> bytes:
        request.setHeader("Content-Type", "application/json")
        return json.dumps(answer, ensure_ascii=True).encode("ascii")

    def _failed(self, request: Request, failure: Failure) -> bytes:
        if isinstance(failure.value, Denied):
            return self._refuse(request, failure.value, as_json=True)
        self.log.failure("the monitor could not carry out a request", failure)
        return self._refuse(request, Denied(500, "the monitor has failed: see its log"), as_json=True)

    def _refuse(self, request: Request, denied: Denied, *, as_json: bool) -> bytes:
        request.setResponseCode(denied.status)
        if not as_json:
            request.setHeader("Content-Type", "text/plain; charset=utf-8")
            return f"{denied.text}\n".encode()
        request.setHeader("Content-Type", "application/json")
        field = {} if denied.field is None else {"field": denied.field}
        return json.dumps({"error": denied.text, **field}).encode("ascii")

    def _stream(self, request: Request, query: Query, token: str | None, address: str) -> Any:
        self._pages.check_room()
        last = _header(request, "last-event-id")
        if last is not None and "after" not in query:
            query = {**query, "after": last}
        request.setHeader("Content-Type", "text/event-stream")
        channel: Any = request.channel
        connection = socket_of(channel.transport)
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        page = Page(request.write, _end_of(request), self._api.watched(query))
        request.registerProducer(_PageProducer(page, self._pages), True)
        request.notifyFinish().addBoth(lambda _: self._pages.close(page))
        self._api.open_page(page, query, token, address)
        return NOT_DONE_YET


@implementer(IPushProducer)
class _PageProducer:
    """Learns from the transport that a page does not read."""

    def __init__(self, page: Page, pages: Pages) -> None:
        self._page = page
        self._pages = pages

    def pauseProducing(self) -> None:
        self._pages.pause(self._page)

    def resumeProducing(self) -> None:
        self._pages.resume(self._page)

    def stopProducing(self) -> None:
        self._pages.close(self._page)


def _end_of(request: Request) -> Callable[[], object]:
    def end() -> None:
        channel: Any = request.channel
        if channel is not None:  # it is None when the browser has gone
            request.unregisterProducer()
            request.finish()
            channel.loseConnection()

    return end


def _header(request: Request, name: str) -> str | None:
    found = request.getHeader(name)
    return None if found is None else str(found)


def _query(request: Request) -> dict[str, str]:
    arguments: Any = request.args or {}
    return {
        name.decode("utf-8", "replace"): values[0].decode("utf-8", "replace")
        for name, values in arguments.items()
    }


def _body(request: Request) -> dict[str, Any]:
    content_type = (_header(request, "content-type") or "").partition(";")[0].strip()
    if content_type != "application/json":
        raise Denied(415, "the body of the request must be application/json")
    try:
        body = json.loads(cast("Any", request.content).read())
    except (ValueError, RecursionError):
        raise Denied(400, "the body of the request is not JSON") from None
    if not isinstance(body, dict):
        raise Denied(400, "the body of the request is not a JSON object")
    return body
