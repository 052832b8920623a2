"""
Programs whose name server is slow or dead, as processes of their own.

The lookups of the operating system are replaced before Twisted is imported: they sleep, as they do while a
name server does not answer. Where network namespaces can be made, there is a real one that never answers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import skip
from tests.system.cable_pull.network import obstacle
from tests.system.running import DEADLINE, Server, environment, twistd

SITE = """
import os, socket, time

delays = [float(each) for each in os.environ["LOOKUP_SECONDS"].split()]
real = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    if host is not None and not host[:1].isdigit() and ":" not in host:
        time.sleep(delays.pop(0) if len(delays) > 1 else delays[0])
        host = "127.0.0.1"
    return real(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
socket.gethostbyname = lambda host: getaddrinfo(host, 1)[0][4][0]
"""
"""A module that Python imports at its start: each lookup takes LOOKUP_SECONDS, in turn."""

PRELUDE = """
import sys, threading, time
from twisted.internet import defer, protocol, reactor, task
from twisted.protocols.basic import LineReceiver
from tcpcomm import Heartbeat, Link, ReconnectingFactory, client

class Camera(LineReceiver):
    def connectionMade(self):
        cameras.append(self)
    def lineReceived(self, line):
        self.sendLine(b"PONG")

cameras = []
PORT = reactor.listenTCP(0, protocol.Factory.forProtocol(Camera), interface="127.0.0.1").getHost().port

def linked(name, **options):
    link = Link(connect=f"tcp:{name}:{PORT}", heartbeat=Heartbeat(b"PING", b"PONG"), **options)
    link.startService()
    return link

def threads():
    return [each.name for each in threading.enumerate() if each is not threading.main_thread()]

def run(main):
    @task.react
    def react(reactor):
        reactor.addSystemEventTrigger("after", "shutdown", print, "reactor ended", flush=True)
        return defer.Deferred.fromCoroutine(main())
"""

FOREVER = "100000"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sitecustomize.py").write_text(SITE)
    return tmp_path


def variables(site: Path, seconds: str) -> dict[str, str]:
    path = os.pathsep.join([str(site), environment()["PYTHONPATH"]])
    return {"PYTHONPATH": path, "LOOKUP_SECONDS": seconds, "PYTHONUNBUFFERED": "1"}


def printed(site: Path, seconds: str, program: str) -> list[str]:
    """Return the lines that a program printed. It must end by itself, soon after its reactor."""
    ended = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env={**environment(), **variables(site, seconds)},
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert (0, "") == (ended.returncode, ended.stderr)
    return ended.stdout.splitlines()


@pytest.mark.parametrize("seconds", ["0.1", "1"])
def test_a_lookup_that_takes_longer_than_an_attempt_may_does_not_keep_a_lan_link_down(
    site: Path, seconds: str
) -> None:
    program = """
async def main():
    link = linked("camera.local")
    await link.whenReady()
    print(link.state.value, reactor.threadpool)
    await link.stopService()
run(main)
"""
    assert ["ready None", "reactor ended"] == printed(site, seconds, program)


def test_dead_names_keep_no_thread_of_the_handlers_and_no_process(site: Path) -> None:
    program = """
from tcpcomm import Equipment, command, in_thread, remote, serve

class Vision(Equipment):
    @command("LIGHT", reply="OK", timeout=60)
    @in_thread
    def light(self) -> None:
        pass

async def main():
    links = [linked(f"camera-{number}.local") for number in range(20)]
    await task.deferLater(reactor, 7, lambda: None)
    service = serve(Vision(), at="tcp:0:interface=127.0.0.1")
    service.privilegedStartService()
    service.startService()
    camera = remote(Vision, at=f"tcp:127.0.0.1:{service.ports[0].getHost().port}")
    for _ in range(20):
        await camera.light()
    print("20 handlers done")
    lookups = [each for each in threads() if each.startswith("tcpcomm lookup of ")]
    print(len(lookups), len(threads()) - len(lookups) <= 10)
    print(all("did not resolve within 5 s" in link.engine.supervisor.status_text for link in links))
    for link in links:
        await link.stopService()
run(main)
"""
    assert ["20 handlers done", "16 True", "True", "reactor ended"] == (printed(site, FOREVER, program))


def test_a_link_comes_back_at_once_by_the_last_answer_while_lookups_hang(site: Path) -> None:
    program = """
from tcpcomm.net import names
names.REFRESH_AFTER = 0.0  # so that each attempt begins a lookup, which hangs

async def main():
    link = linked("camera.local")
    for number in range(5):
        await link.whenReady()
        lost = defer.Deferred()
        end = link.observe(lambda state, reason: state.value == "down" and lost.callback(None))
        cameras[-1].transport.abortConnection()
        await lost
        end()
    await link.whenReady()
    print(len(cameras), [each for each in threads() if "lookup" in each])
    await link.stopService()
run(main)
"""
    assert ["6 ['tcpcomm lookup of camera.local']", "reactor ended"] == (
        printed(site, f"0 {FOREVER}", program)
    )


@pytest.mark.parametrize("connect", ["connectTCP", "client"])
def test_a_factory_of_twisted_is_kept_connected_by_name(site: Path, connect: str) -> None:
    connecting = {
        "connectTCP": 'reactor.connectTCP("camera.local", PORT, factory)',
        "client": 'factory.connect(client(reactor, f"tcp:camera.local:{PORT}"))',
    }
    program = f"""
class Robot(protocol.Protocol):
    pass

async def main():
    factory = ReconnectingFactory(Robot)
    {connecting[connect]}
    for number in range(3):
        robot = await factory.whenReady()
        robot.transport.abortConnection()
        await task.deferLater(reactor, 0, lambda: None)
    await factory.whenReady()
    print(reactor.threadpool)
    await factory.stop()
run(main)
"""
    assert ["None", "reactor ended"] == printed(site, "0.2", program)


def test_a_twistd_program_with_dead_names_ends_at_sigterm(site: Path) -> None:
    application = site / "application.py"
    application.write_text("""
from twisted.application.service import Application, MultiService
from tcpcomm import Link
application = Application("links")
for number in range(20):
    Link(connect=f"tcp:camera-{number}.local:9999").setServiceParent(application)
from twisted.internet import reactor
reactor.callLater(1.0, print, "lookups are under way", flush=True)
""")
    command = [twistd(), "-n", "--pidfile=", "-y", str(application)]
    with Server(command=command, cwd=site, variables=variables(site, FOREVER)) as server:
        server.wait_for("lookups are under way")
        began = monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait() in (0, -signal.SIGTERM)  # twistd passes the signal on when all is stopped
        assert monotonic() - began < DEADLINE / 2


def test_a_blocking_script_ends_although_its_lookup_hangs(site: Path) -> None:
    program = """
from tcpcomm import Equipment, NotReady, blocking, command

class Vision(Equipment):
    @command("LIGHT", reply="OK")
    def light(self) -> None: ...

camera = blocking.remote(Vision, at="tcp:camera.local:9999", wait=0.5)
try:
    camera.light()
except NotReady as error:
    print(error)
"""
    told = "Vision was not ready within 0.5 s: it is connecting: looking up the name camera.local"
    assert [told] == printed(site, FOREVER, program)


# -- a name server that never answers


@pytest.fixture
def namespace() -> Iterator[list[str]]:
    """Return the beginning of a command that runs in a network namespace with a dead name server."""
    hindered = obstacle()
    if hindered is not None:
        skip(hindered)
    name = f"tcpcomm-names-{os.getpid()}"
    folder = Path("/etc/netns") / name
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield ["ip", "netns", "exec", name]
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
        (folder / "resolv.conf").unlink()
        folder.rmdir()


def test_a_name_server_that_never_answers_keeps_no_process(namespace: list[str]) -> None:
    program = """
import socket
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))

async def main():
    links = [linked(f"camera-{number}.example") for number in range(20)]
    await task.deferLater(reactor, 6, lambda: None)
    print(links[0].engine.supervisor.status_text)
    print(len(silent.recv(512)) > 0, reactor.threadpool)
    for link in links:
        await link.stopService()
run(main)
"""
    began = monotonic()
    ended = subprocess.run(
        [*namespace, sys.executable, "-c", PRELUDE + program],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert (0, "") == (ended.returncode, ended.stderr)
    assert monotonic() - began < DEADLINE
    told, *rest = ended.stdout.splitlines()
    assert "did not resolve within 5 s" in told
    assert ["True None", "reactor ended"] == rest
