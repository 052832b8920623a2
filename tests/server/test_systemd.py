"""What systemd hears of a service, on a real datagram socket and a test's clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tcpcomm.server.systemd import Notifier, notifier_of
from tests.conftest import skip

if not hasattr(socket, "AF_UNIX"):
    skip("Windows has no systemd, and no such sockets")


class Systemd:
    """The socket of systemd."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        """Return the messages that came, each as lines."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    found = Systemd(str(tmp_path / "notify"))
    yield found
    found.close()


def notifier(systemd: Systemd, clock: Clock, **variables: str) -> Notifier:
    found = notifier_of({"NOTIFY_SOCKET": systemd.address, **variables}, clock)
    assert found is not None
    return found


def test_a_service_tells_its_life(systemd: Systemd) -> None:
    service = notifier(systemd, Clock())

    service.ready()
    service.reloading()
    service.ready()
    service.status("3 of 4 links are up")
    service.stopping()

    heard = systemd.heard()
    assert ["READY=1", "STATUS=serving"] == heard[0] == heard[2]
    assert heard[1][0] == "RELOADING=1"
    name, _, microseconds = heard[1][1].partition("=")
    assert "MONOTONIC_USEC" == name
    assert int(microseconds) > 0
    assert [["STATUS=3 of 4 links are up"], ["STOPPING=1", "STATUS=stopping"]] == heard[3:]


def test_the_watchdog_hears_of_a_reactor_that_turns(systemd: Systemd) -> None:
    clock = Clock()
    service = notifier(systemd, clock, WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid()))
    clock.advance(60.0)
    assert [] == systemd.heard()  # it has not started yet

    service.ready()
    clock.pump([2.5] * 8)

    assert 5 == systemd.heard().count(["WATCHDOG=1"])
    service.ready()  # after a reload
    clock.advance(5.0)
    assert 1 == systemd.heard().count(["WATCHDOG=1"])
    service.stop()
    assert [] == clock.getDelayedCalls()


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}],
    ids=["none", "wrong", "for another process"],
)
def test_no_watchdog_no_timer(systemd: Systemd, variables: dict[str, str]) -> None:
    clock = Clock()

    notifier(systemd, clock, **variables).ready()

    assert [] == clock.getDelayedCalls()


def test_an_abstract_socket_is_reached() -> None:
    if not Path("/proc/self/ns").exists():
        skip("only Linux has abstract sockets")
    systemd = Systemd(f"@tcpcomm-{os.getpid()}")

    notifier(systemd, Clock()).ready()

    assert [["READY=1", "STATUS=serving"]] == systemd.heard()
    systemd.close()


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_without_a_socket_nothing_is_told(address: str) -> None:
    assert notifier_of({"NOTIFY_SOCKET": address}, Clock()) is None
    assert notifier_of({}, Clock()) is None


def test_programs_that_the_service_starts_do_not_speak_for_it(systemd: Systemd) -> None:
    variables = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}

    notifier_of(variables, Clock())

    assert {"HOME": "/"} == variables


def test_a_socket_that_is_gone_is_logged_once(tmp_path: Path, logged: list[str]) -> None:
    service = Notifier(str(tmp_path / "gone"), Clock())

    service.ready()
    service.stopping()

    assert ["systemd does not take messages: {reason}"] == logged
    logged.clear()


def test_a_status_is_one_line(systemd: Systemd) -> None:
    notifier(systemd, Clock()).status("a\nREADY=0")

    assert [["STATUS=a\\x0aREADY=0"]] == systemd.heard()
