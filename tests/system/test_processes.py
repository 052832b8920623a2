"""A link to a real server process that dies, hangs or restarts; and many clients of it at once."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from math import inf
from time import monotonic

import pytest
from twisted.trial.unittest import TestCase

from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat
from tests import conftest  # not skip itself: trial reads a global of that name as a reason to skip
from tests.reactor import reactor, until
from tests.system.load import (
    Figure,
    idle,
    main,
    non_reader,
    out_of_files,
    page,
    reconnecting,
    stopped,
    terminated,
)
from tests.system.running import ON_LOOPBACK, Server

pytestmark = pytest.mark.slow

if sys.platform == "win32":
    conftest.skip("Windows cannot kill or stop a process by a signal")


class TestLinkToAProcess(TestCase):
    """A link with the profile ``lan`` to a server that dies, hangs or restarts."""

    def setUp(self) -> None:
        self.stack = ExitStack()
        self.server = self.stack.enter_context(Server(*ON_LOOPBACK))
        self.port = self.server.port
        self.changes: list[tuple[LinkState, str]] = []
        self.link = Link(
            connect=f"tcp:127.0.0.1:{self.port}",
            framing=Lines(),
            heartbeat=Heartbeat(b"PING", b"PONG"),
            policy="lan",
            on_ready=[lambda link: link.request(b"ECHO login", timeout=1.0)],
        )
        self.link.observe(lambda state, reason: self.changes.append((state, reason)))
        self.link.startService()

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.link.stopService()
        self.stack.close()

    def restart(self) -> None:
        """Start the server again on the same port."""
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        self.server = self.stack.enter_context(Server("--listen", listen))
        assert self.port == self.server.port

    def states(self) -> list[LinkState]:
        """The states that the link has reported."""
        return [state for state, _ in self.changes]

    async def answers(self) -> None:
        """Send a request and check its reply."""
        assert b"Echo: hello" == await self.link.request(b"hello", timeout=5.0)

    async def test_it_is_ready_again_after_the_server_is_killed_and_restarted(self) -> None:
        await self.link.whenReady()

        self.server.signal(signal.SIGKILL)
        self.server.wait()
        await until(lambda: self.link.state is not LinkState.READY)
        assert self.changes[-1][0] in (LinkState.DOWN, LinkState.CONNECTING)
        self.restart()

        await self.link.whenReady()
        await self.answers()

    async def test_it_is_ready_again_after_the_server_is_stopped_and_restarted(self) -> None:
        await self.link.whenReady()

        self.server.signal(signal.SIGTERM)
        self.server.wait()
        await until(lambda: LinkState.DOWN in self.states())
        assert (LinkState.DOWN, "the peer closed the connection") in self.changes
        self.restart()

        await self.link.whenReady()
        await self.answers()

    async def test_it_reports_why_it_cannot_connect(self) -> None:
        await self.link.whenReady()

        self.server.signal(signal.SIGKILL)
        self.server.wait()

        refused = "refused: the machine is there, but no program listens on that port"
        await until(lambda: (LinkState.DOWN, refused) in self.changes)

    async def test_a_stopped_server_is_noticed_and_never_ready(self) -> None:
        await self.link.whenReady()

        stopped = monotonic()
        self.server.signal(signal.SIGSTOP)
        try:
            await until(lambda: self.link.state is LinkState.DOWN)
            assert monotonic() - stopped < 2.0
            assert self.changes[-1][1].startswith("no heartbeat for")
            # The stopped server's system still accepts connections, which does not make the link ready.
            self.changes.clear()
            await until(lambda: self.states().count(LinkState.HANDSHAKING) == 2)
            assert LinkState.READY not in self.states()
        finally:
            self.server.signal(signal.SIGCONT)

        await self.link.whenReady()
        await self.answers()

    async def test_it_stops_in_time_if_the_server_is_stopped(self) -> None:
        await self.link.whenReady()

        self.server.signal(signal.SIGSTOP)
        started = reactor.seconds()
        try:
            await self.link.stopService()
        finally:
            self.server.signal(signal.SIGCONT)

        assert reactor.seconds() - started < 6.0  # the profile's grace is 5 s
        assert LinkState.DOWN is self.link.state


def missed(figures: list[Figure]) -> list[Figure]:
    """Return the figures that miss their target."""
    return [each for each in figures if not each.reached]


def test_an_idle_connection_costs_little_memory() -> None:
    traced, stock, resident = idle(500)

    assert 0 < stock.value < traced.value < 4
    assert 0 < resident.value < 16


def test_many_clients_at_once_are_all_served_after_a_restart() -> None:
    half, everyone = reconnecting(500)

    assert half.value <= everyone.value < 10


def test_a_client_that_does_not_read_costs_little_memory() -> None:
    ours, stock = non_reader(1.0)

    assert [] == missed([ours])
    assert stock.value > ours.value


def test_sigterm_loses_nothing_that_was_queued() -> None:
    assert [] == missed(terminated(20 * 1024 * 1024))


def test_sigterm_does_not_wait_for_idle_clients() -> None:
    assert [] == missed(stopped(500))


@pytest.mark.parametrize("capped", [True, False])
def test_a_server_that_runs_out_of_files_survives_and_recovers(capped: bool) -> None:
    assert [] == missed(out_of_files(100, 200, capped=capped))


def test_the_page_has_each_figure_and_its_verdict() -> None:
    figures = [
        Figure("a wait", 1.234, "s", 2),
        Figure("bytes", 19.0, "MiB", 20, at_least=True),
        Figure("a file can be opened", True, ""),
        Figure("everyone", inf, "s", 2),
    ]

    text = page(figures, {"CPU": "a fast one"}, "python -m tests.system.load")

    assert "| a wait | 1.23 s | ≤ 2 | reached |\n" in text
    assert "| bytes | 19.0 MiB | ≥ 20 | **missed** |\n" in text
    assert "| a file can be opened | yes |  |  |\n" in text
    assert "| everyone | not within 60 s | ≤ 2 | **missed** |\n" in text
    assert "| CPU | a fast one |\n" in text


def test_the_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "--quick" in capsys.readouterr().out
