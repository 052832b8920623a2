"""The site of a monitor, over loopback, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource

from tcpcomm import Recorder, Recording
from tcpcomm.server.service import CannotListen
from tcpcomm.tools.monitor.access import MOST_WRONG_TOKENS
from tcpcomm.tools.monitor.pages import MOST_PAGES
from tcpcomm.tools.monitor.service import Monitor
from tcpcomm.tools.monitor.web import (
    IDLE_CONNECTION,
    LARGEST_REQUEST,
    MOST_BROWSERS,
    MOST_DOWNLOADS,
    MonitorSite,
)
from tests.reactor import reactor, until
from tests.session.stage import staged
from tests.tools.monitor.test_model import Line

TOKEN = "a-token-of-some-length"


class Browser(Protocol):
    """One connection of a browser."""

    transport: Any

    def __init__(self) -> None:
        self.data = b""
        self.is_over = False

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_over = True


@frozen
class Answer:
    """The answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The words of a refusal."""
        return str(json.loads(self.body)["error"])


def _count(path: Path) -> int:
    with Recording(path) as recording:
        return recording.count("frames")


def _unchunked(answer: Answer) -> bytes:
    """Return the body of an answer that came in chunks."""
    if answer.headers.get("transfer-encoding") != "chunked":
        return answer.body
    body, rest = b"", answer.body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


class WebTests(TestCase):
    """Each test has a monitor at a free port."""

    def setUp(self) -> None:
        self.monitor = self.make()
        self.root = self.monitor.root

    def make(self, **options: Any) -> Monitor:
        monitor = Monitor(0, token=TOKEN, reactor=reactor, **options)
        monitor.listen()
        self.addCleanup(monitor.stop)
        return monitor

    async def connect(self, monitor: Monitor | None = None) -> Browser:
        port = (monitor or self.monitor).port
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        browser: Any = await endpoint.connect(Factory.forProtocol(Browser))
        self.addCleanup(browser.transport.abortConnection)
        return cast("Browser", browser)

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        monitor: Monitor | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request, and wait for its whole answer."""
        browser = await self.connect(monitor)
        sent = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
        if body:
            sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **sent}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        browser.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        await until(lambda: browser.is_over)
        head, _, content = browser.data.partition(b"\r\n\r\n")
        status, *found = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in found)
        return Answer(int(status.split()[1]), {name.lower(): value for name, _, value in pairs}, content)

    async def stream(self, path: str = "/api/stream", monitor: Monitor | None = None) -> Browser:
        """Open a stream of events."""
        browser = await self.connect(monitor)
        browser.transport.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: b"event: overview" in browser.data or browser.is_over)
        return browser

    def run_async(self, work: Coroutine[Any, Any, None]) -> Deferred[None]:
        return Deferred.fromCoroutine(work)

    def test_the_answers_have_headers_that_keep_other_sites_out(self) -> Any:
        async def work() -> None:
            answer = await self.ask("/api/overview")
            assert 200 == answer.status
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            assert ("nosniff", "no-store") == (
                answer.headers["x-content-type-options"],
                answer.headers["cache-control"],
            )
            assert "access-control-allow-origin" not in answer.headers
            assert [] == json.loads(answer.body)["sources"]

        return self.run_async(work())

    def test_a_host_and_an_origin_that_are_not_ours_are_refused(self) -> Any:
        async def work() -> None:
            rebound = await self.ask("/api/overview", headers={"Host": "attacker.example"})
            assert (403, True) == (rebound.status, "attacker.example" in rebound.error)
            page = await self.ask("/", headers={"Host": "attacker.example"})
            assert (403, "text/plain; charset=utf-8") == (page.status, page.headers["content-type"])
            origin = await self.ask("/api/overview", headers={"Origin": "http://attacker.example"})
            assert 403 == origin.status

        return self.run_async(work())

    def test_a_write_needs_the_token_in_its_header(self) -> Any:
        async def work() -> None:
            for path in ("/api/clear", f"/api/clear?token={TOKEN}"):
                assert 401 == (await self.ask(path, method="POST", body=b"{}")).status
            guess, right = {"X-Tcpcomm-Token": "guess"}, {"X-Tcpcomm-Token": TOKEN}
            for _ in range(MOST_WRONG_TOKENS):
                wrong = await self.ask("/api/clear", method="POST", body=b"{}", headers=guess)
                assert 401 == wrong.status
            locked = await self.ask("/api/clear", method="POST", body=b"{}", headers=right)
            assert (429, True) == (locked.status, "wait a minute" in locked.error)

        return self.run_async(work())

    def test_a_body_that_is_no_json_object_is_refused(self) -> Any:
        async def work() -> None:
            key = {"X-Tcpcomm-Token": TOKEN}
            for body in (b"[]", b"{", b"\xff\xfe", b"[" * 60_000, b"null"):
                assert 400 == (await self.ask("/api/clear", method="POST", body=body, headers=key)).status
            form = {**key, "Content-Type": "application/x-www-form-urlencoded"}
            assert 415 == (await self.ask("/api/clear", method="POST", body=b"{}", headers=form)).status
            assert 404 == (await self.ask("/api/nothing", method="POST", body=b"{}", headers=key)).status
            assert 404 == (await self.ask("/api/nothing")).status
            assert 405 == (await self.ask("/api/overview", method="DELETE")).status

        return self.run_async(work())

    def test_a_body_that_is_too_long_is_refused_unread(self) -> Any:
        async def work() -> None:
            long = str(LARGEST_REQUEST + 1)
            announced = await self.ask("/api/clear", method="POST", headers={"Content-Length": long})
            assert 413 == announced.status
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            chunked = await self.ask(
                "/api/clear", method="POST", body=chunk + chunk, headers={"Transfer-Encoding": "chunked"}
            )
            assert chunked.status in (400, 413)

        return self.run_async(work())

    def test_files_outside_of_the_page_are_not_served(self) -> Any:
        async def work() -> None:
            above = ("/../service.py", "/%2e%2e/service.py", "/page/..%2fservice.py", "/page/%2e%2e/web.py")
            for path in (*above, "//etc/passwd", "/x.py", "/page/../../x", "/page/"):
                assert 404 == (await self.ask(path)).status

        return self.run_async(work())

    def test_a_page_gets_rows_as_they_come_and_is_freed_when_it_goes(self) -> Any:
        async def work() -> None:
            browser = await self.stream()
            assert b"event: hello" in browser.data
            stage = staged(Line, observers=[self.monitor])
            stage.receive(b"TRG,3\r\n")
            await until(lambda: b"TRG,3".hex().encode() in browser.data)
            assert 1 == len(self.monitor.pages)
            browser.transport.abortConnection()
            await until(lambda: not len(self.monitor.pages))

        return self.run_async(work())

    def test_a_storm_of_reloads_is_refused_in_words_and_passes(self) -> Any:
        async def work() -> None:
            streams = [await self.stream() for _ in range(MOST_PAGES)]
            refused = await self.ask("/api/stream")
            assert (503, True) == (refused.status, "close one" in refused.error)
            for _ in range(10):
                for each in streams:
                    each.transport.abortConnection()
                await until(lambda: not len(self.monitor.pages))
                streams = [await self.stream() for _ in range(MOST_PAGES)]
                assert MOST_PAGES == len(self.monitor.pages)

        return self.run_async(work())

    def test_connections_are_bounded(self) -> Any:
        async def work() -> None:
            browsers = await gatherResults(
                [Deferred.fromCoroutine(self.connect()) for _ in range(MOST_BROWSERS + 5)]
            )
            await until(lambda: sum(each.is_over for each in browsers) == 5)
            assert MOST_BROWSERS == sum(not each.is_over for each in browsers)

        return self.run_async(work())

    def test_a_connection_that_asks_nothing_is_closed_after_a_minute(self) -> None:
        clock = Clock()
        site = MonitorSite(Resource(), clock)
        channel = site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        clock.advance(IDLE_CONNECTION - 1)
        assert not transport.disconnecting
        clock.advance(1)
        assert transport.disconnecting

    def test_an_address_that_others_can_reach_needs_the_token_for_everything(self) -> Any:
        async def work() -> None:
            monitor = self.make(interface="0.0.0.0")
            assert 401 == (await self.ask("/api/overview", monitor=monitor)).status
            assert 401 == (await self.ask("/api/stream", monitor=monitor)).status
            assert 200 == (await self.ask(f"/api/overview?token={TOKEN}", monitor=monitor)).status
            browser = await self.stream(f"/api/stream?token={TOKEN}", monitor)
            assert b'"writes":true' in browser.data

        return self.run_async(work())

    def test_a_page_that_does_not_read_is_noticed_before_the_system_holds_much_for_it(self) -> Any:
        async def work() -> None:
            browser = await self.stream()
            browser.transport.pauseProducing()
            (page,) = self.monitor.pages
            stage = staged(Line, observers=[self.monitor])
            before = self.monitor.last_row
            while not page.is_paused and self.monitor.last_row < before + 8000:
                stage.receive(b"x\r\n" * 200)
                await until(lambda: page.is_paused or not self.monitor.batch)
            assert page.is_paused

        return self.run_async(work())

    def test_read_only_changes_nothing_even_with_the_token(self) -> Any:
        async def work() -> None:
            monitor = self.make(read_only=True)
            key = {"X-Tcpcomm-Token": TOKEN}
            answer = await self.ask("/api/clear", method="POST", body=b"{}", monitor=monitor, headers=key)
            assert (403, True) == (answer.status, "read-only" in answer.error)
            browser = await self.stream(monitor=monitor)
            assert b'"writes":false' in browser.data

        return self.run_async(work())

    def test_downloads_are_bounded(self) -> Any:
        async def work() -> None:
            stage = staged(Line, observers=[self.monitor])
            for _ in range(600):  # more than the buffers of a connection take
                stage.receive(b"x" * 60_000 + b"\r\n")
            browsers = []
            for _ in range(MOST_DOWNLOADS):
                browser = await self.connect()
                browser.transport.pauseProducing()
                browser.transport.write(b"GET /api/download?format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
                browsers.append(browser)
            await until(lambda: self.root.downloads == MOST_DOWNLOADS)
            refused = await self.ask("/api/download?format=csv")
            assert (503, True) == (refused.status, "wait until one is complete" in refused.error)
            browsers[0].transport.abortConnection()
            await until(lambda: self.root.downloads == MOST_DOWNLOADS - 1)
            answer = await self.ask(f"/api/download?format=jsonl&first={self.monitor.last_row - 2}")
            assert (200, "application/x-ndjson") == (answer.status, answer.headers["content-type"])
            assert 3 == len(_unchunked(answer).splitlines())

        return self.run_async(work())

    def test_a_recording_is_downloaded_while_it_is_written(self) -> Any:
        async def work() -> None:
            temporary = TemporaryDirectory()
            self.addCleanup(temporary.cleanup)
            folder = Path(temporary.name)
            with Recorder(folder / "line.tcpcomm") as recorder:
                monitor = self.make(recordings=lambda: [recorder.path])
                stage = staged(Line, observers=[recorder])
                stage.receive(b"TRG,3\r\n")
                await until(lambda: _count(recorder.path) == 1)
                answer = await self.ask("/api/recordings/line.tcpcomm", monitor=monitor)
                assert 404 == (await self.ask("/api/recordings/other", monitor=monitor)).status
            assert "attachment" in answer.headers["content-disposition"]
            (folder / "copy.tcpcomm").write_bytes(_unchunked(answer))
            with Recording(folder / "copy.tcpcomm") as copy:
                assert [b"TRG,3"] == [each.frame for each in copy.frames()]
                assert [] == copy.problems

        return self.run_async(work())

    def test_the_end_of_the_monitor_is_told_and_closes_everything(self) -> Any:
        async def work() -> None:
            browser = await self.stream()
            await self.monitor.stop()
            await until(lambda: browser.is_over)
            assert b"event: bye" in browser.data

        return self.run_async(work())

    def test_a_port_that_is_taken_is_told_and_two_monitors_stand_side_by_side(self) -> None:
        taken = self.monitor.port
        other = Monitor(taken, reactor=reactor)
        self.addCleanup(other.stop)
        told = f"the monitor cannot listen at 127.0.0.1:{taken}: .*another port"
        with pytest.raises(CannotListen, match=told):
            other.listen()
        assert self.make().port != taken

    def test_the_address_has_the_token(self) -> None:
        assert f"http://127.0.0.1:{self.monitor.port}/#token={TOKEN}" == self.monitor.url
