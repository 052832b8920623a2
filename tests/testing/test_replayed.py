"""A recording is a test, in one line: of equipment, and of a host's program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from tcpcomm import (
    ConfigurationError,
    Equipment,
    Fault,
    Login,
    Recorder,
    Recording,
    command,
    event,
    in_thread,
    remote,
)
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.devices.hsms import Gem, GemTool
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.host.host import link_of
from tcpcomm.net.endpoints import Listener
from tcpcomm.server.service import ServerService
from tcpcomm.server.serving import EquipmentFactory
from tcpcomm.testing import Network, replayed
from tcpcomm.tools.record.values import RecordedChunk

Program = Callable[[Any], Awaitable[None]]


def record(path: Path, equipment: Equipment, program: Program, **options: Any) -> Path:
    """Record the talk of equipment with a host's program, on a network in memory."""
    network = Network(seed=1)
    there, here = network.machine("equipment"), network.machine("host")
    with Recorder(path) as recorder:
        factory = EquipmentFactory(equipment, clock=there.clock, observers=[recorder])
        place = Listener("equipment", there.listening(1), local=True, proves_peers=False)
        service = ServerService(factory, [place])
        service.startService()
        kind = type(equipment)
        proxy = remote(kind, at=here.connecting(there, 1), reactor=here.clock, **options)
        done: list[Any] = []
        Deferred.fromCoroutine(program(proxy)).addBoth(done.append)  # type: ignore[arg-type]
        assert network.run_until(lambda: bool(done), within=100.0)
        assert [None] == done
        link_of(proxy).stopService()
        network.advance(5.0)
        service.stopService()
        network.advance(5.0)
    return path


class Camera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")
    heartbeat = "ping"

    offset = 0.0

    @command("TRG,{job}", reply="OK,{x:.1f}")
    async def locate(self, job: int) -> float:
        if job > 8:
            raise Fault(7, "no such job")
        self.located(job)
        return job * 1.5 + self.offset

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        pass

    @event("GOT,{job}")
    def located(self, job: int) -> None: ...


class InThread(Camera):
    @command("TRG,{job}", reply="OK,{x:.1f}")
    @in_thread
    def locate(self, job: int) -> float:
        if job > 8:
            raise Fault(7, "no such job")
        return job * 1.5


async def robot(camera: Camera, *jobs: int) -> None:
    for job in jobs or (1, 2):
        await camera.locate(job)
    with pytest.raises(Fault):
        await camera.locate(9)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("recording") / "line.tcpcomm", Camera(), robot)


def test_the_same_equipment_passes(recording: Path) -> None:
    replayed(recording, Camera())
    replayed(recording, Camera)


def test_the_recorded_declaration_is_taken_if_none_is_given(recording: Path) -> None:
    replayed(recording)


def test_equipment_that_says_something_else_is_told(recording: Path) -> None:
    changed = Camera()
    changed.offset = 0.2
    with pytest.raises(AssertionError) as complaint:
        replayed(recording, changed)
    lines = str(complaint.value).splitlines()
    assert lines[0] == f"{recording}: the equipment differs from the recording"
    assert lines[-1] == "  differs:  locate.result: expected 1.5, got 1.7"


def test_values_may_differ_on_request(recording: Path) -> None:
    class Changed(Camera):
        offset = 0.2

    replayed(recording, Changed(), ignore=["locate.result"])
    replayed(recording, Changed(), tolerance=0.25)
    with pytest.raises(AssertionError):
        replayed(recording, Changed(), tolerance=0.1)


def test_equipment_that_does_not_send_its_event_is_told(recording: Path) -> None:
    class Mute(Camera):
        @command("TRG,{job}", reply="OK,{x:.1f}")
        async def locate(self, job: int) -> float:
            return job * 1.5

    with pytest.raises(AssertionError) as complaint:
        replayed(recording, Mute())
    assert "expected: event located(job=1)" in str(complaint.value)


def test_equipment_that_fails_is_told_with_its_error(recording: Path) -> None:
    class Broken(Camera):
        @command("TRG,{job}", reply="OK,{x:.1f}")
        async def locate(self, job: int) -> float:
            raise KeyError("no such lens")

    with pytest.raises(AssertionError, match="no such lens"):
        replayed(recording, Broken())


def test_handlers_in_threads_run_in_the_test(tmp_path: Path) -> None:
    class Plain(InThread):
        @command("TRG,{job}", reply="OK,{x:.1f}")
        async def locate(self, job: int) -> float:
            if job > 8:
                raise Fault(7, "no such job")
            return job * 1.5

    recording = record(tmp_path / "line.tcpcomm", Plain(), robot)
    replayed(recording, InThread())


def test_the_same_host_passes(recording: Path) -> None:
    replayed(recording, host=robot)


def test_a_host_that_asks_something_else_is_told(recording: Path) -> None:
    with pytest.raises(AssertionError) as complaint:
        replayed(recording, host=lambda camera: robot(camera, 1, 3))
    assert str(complaint.value).endswith("  differs:  locate.job: expected 2, got 3")


def test_a_host_that_asks_less_is_told(recording: Path) -> None:
    with pytest.raises(AssertionError) as complaint:
        replayed(recording, host=lambda camera: robot(camera, 1))
    assert "expected: command locate(job=2)" in str(complaint.value)


def test_a_host_that_asks_more_is_told(recording: Path) -> None:
    async def more(camera: Camera) -> None:
        await robot(camera)
        await camera.locate(4)

    with pytest.raises(AssertionError) as complaint:
        replayed(recording, host=more)
    assert "expected: nothing more" in str(complaint.value)


def test_an_error_of_the_hosts_program_is_raised(recording: Path) -> None:
    async def failing(camera: Camera) -> None:
        await robot(camera)
        raise KeyError("its own mistake")

    with pytest.raises(KeyError, match="its own mistake"):
        replayed(recording, host=failing)


def test_a_host_that_never_connects_is_told(recording: Path) -> None:
    async def broken(camera: Camera) -> None:
        raise KeyError("before anything else")

    with pytest.raises(
        AssertionError, match="the host's program ended with KeyError: 'before anything else'"
    ):
        replayed(recording, host=broken)


class Renumbered(Recording):
    """A recording of a host that numbers its requests otherwise."""

    def everything(self, *args: Any, **options: Any) -> Iterator[Any]:
        for each in super().everything(*args, **options):
            if isinstance(each, RecordedChunk):
                yield evolve(
                    each, data=each.data.replace(b'"id":1', b'"id":7').replace(b'"id":0', b'"id":9')
                )
            else:
                yield each


class Rpc(Equipment):
    framing = LengthPrefixed(2)
    codec = JsonRpc()
    pipeline = 4

    @command()
    async def locate(self, job: int) -> float:
        return job * 1.5

    @command()
    async def version(self) -> str:
        return "1.0"


def test_a_host_may_number_its_requests_otherwise(tmp_path: Path) -> None:
    async def first(rpc: Rpc) -> None:
        assert "1.0" == await rpc.version()
        assert 1.5 == await rpc.locate(1)
        assert 3.0 == await rpc.locate(2)

    recording = record(tmp_path / "line.tcpcomm", Rpc(), first)
    with Renumbered(recording) as changed:
        assert any(
            b'"id":7' in each.data for each in changed.everything() if isinstance(each, RecordedChunk)
        )
        replayed(changed, host=first)
        replayed(changed, Rpc())


class Guarded(Camera):
    greeting = "CAMERA 1.0"
    login = (Login(expect="USER", send="{user}"), Login(expect="PASS", send="{password}"))

    def authenticate(self, **credentials: str) -> bool:
        return credentials == {"user": "robot", "password": "geheim"}


def test_logins_are_carried_out_again(tmp_path: Path) -> None:
    credentials = {"user": "robot", "password": "geheim"}
    recording = record(tmp_path / "line.tcpcomm", Guarded(), robot, credentials=credentials)
    assert b"geheim" not in recording.read_bytes()
    replayed(recording, Guarded(), credentials=credentials)
    replayed(recording, host=robot)
    with pytest.raises(AssertionError):
        replayed(recording, Guarded())  # with other credentials


def test_hsms_is_replayed_at_both_ends(tmp_path: Path) -> None:
    async def host(tool: Gem) -> None:
        await tool.status([1, 2])
        assert 0 == await tool.remote_command("START", {"PPID": "a"})

    recording = record(tmp_path / "line.tcpcomm", GemTool(), host)
    replayed(recording, GemTool())
    replayed(recording, host=host)
    with pytest.raises(AssertionError, match=r"differs:  s1f3\.result\.0: expected 'IDLE', got 'RUN'"):
        replayed(recording, GemTool(status={1: "RUN", 2: 0}))


def test_a_recording_without_a_declaration_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    with Recorder(path):
        pass
    with pytest.raises(ConfigurationError, match="no session with a single byte is recorded"):
        replayed(path)


def test_a_host_is_compared_with_one_session(tmp_path: Path) -> None:
    path = record(tmp_path / "line.tcpcomm", Camera(), robot)
    record(path, Camera(), robot)
    with pytest.raises(ConfigurationError, match="one session, and there are 1, 2: name it"):
        replayed(path, host=robot)
    replayed(path, host=robot, sessions=[2])
    replayed(path, Camera())
