"""The equipment that several tests declare, and a bench on which both ends run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from random import Random
from typing import Any, TypeVar

import pytest
from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm import Equipment, Fault, command, event, remote, serve
from tcpcomm.codec import Acknowledged, JsonRpc, OneOf, Template, Until
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tcpcomm.testing import Network

E = TypeVar("E", bound=Equipment)

PORT = 9999
QUIET = evolve(PROFILES["lan"], heartbeats=None)


@frozen
class Position:
    """The position of the part. x, y in mm in the robot's frame, angle in degrees."""

    x: float
    y: float
    angle: float


class Lamp(Enum):
    """The lamp of the camera."""

    ON = "ON"
    OFF = "OFF"


class VisionCamera(Equipment):
    """A camera that locates and judges the part under it."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="ascii", fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.3f}", timeout=2.0)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @command("LAMP,{lamp}", reply="LAMP OK", idempotent=True)
    def light(self, lamp: Lamp) -> None:
        """Switch the lamp."""
        raise NotImplementedError

    @command("RESET", reply=None)
    def reset(self) -> None:
        """Forget everything. There is no reply."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


class RpcCamera(Equipment):
    """A camera like that for hosts that speak JSON-RPC."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @event()
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


@frozen
class Weight:
    """A weight, and whether the scale has settled."""

    grams: float
    stable: bool


class Scale(Equipment):
    """A scale that answers in several ways, and says no in several ways."""

    framing = Delimited(b"\r\n")
    codec = Template(fault={"ES": "ES", "ERR {code:d}[ {reason}]": None})

    @command("SI", reply=OneOf("S {stable:S|D} {grams:10.2f} g", "S E"), faults={"S I": "I", "S +": "+"})
    def weigh(self) -> Weight | None:
        """Return the weight, or None if nothing is on the scale."""
        raise NotImplementedError

    @command("LOG", reply=Acknowledged("LOG A", Until("LOG E", OneOf("{grams:.2f} g", "- {text}"))))
    def log(self) -> list[float | str]:
        """Return what it has weighed, and its notes."""
        raise NotImplementedError

    @command("TXT", reply=("TXT", Until(".", "{line}")))
    def text(self) -> list[str]:
        """Return the text of its display."""
        raise NotImplementedError


class Scripted:
    """The bodies of the tests' cameras: each job returns, raises or waits as the test says."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.jobs: dict[int, Callable[[], Any]] = {}

    async def locate(self, job: int) -> Position:
        self.done.append(job)
        result = self.jobs.get(job, lambda: Position(1.0, 2.0, float(job)))()
        if isinstance(result, Awaitable):
            result = await result
        assert isinstance(result, Position)
        return result


class MyCamera(Scripted, VisionCamera):
    def light(self, lamp: Lamp) -> None:
        self.done.append(lamp)

    def reset(self) -> None:
        self.done.append("reset")


class MyRpcCamera(Scripted, RpcCamera):
    pass


KINDS = pytest.mark.parametrize(
    ("kind", "mine"), [(VisionCamera, MyCamera), (RpcCamera, MyRpcCamera)], ids=["in order", "by id"]
)


def raises(error: Exception) -> Callable[[], Any]:
    """A job that fails."""

    def fail() -> Any:
        raise error

    return fail


NO_PART = raises(Fault(3, "no part"))


class Bench:
    """A network with a camera and a robot, and a program on each."""

    def __init__(self, seed: int = 1, cuts: float = 0.0) -> None:
        self.network = Network(seed, cuts=cuts)
        self.camera = self.network.machine("camera")
        self.robot = self.network.machine("robot")

    def serve(self, equipment: Any, **options: Any) -> Any:
        """Serve equipment at the camera."""
        service: Any = serve(
            equipment, at=self.camera.listening(PORT), reactor=self.camera.clock, **options
        )
        service.startService()
        return service

    def serve_actively(self, equipment: Any, **options: Any) -> Any:
        """Serve equipment at the camera, which connects to the robot."""
        service: Any = serve(
            equipment,
            connect=self.camera.connecting(self.robot, PORT),
            reactor=self.camera.clock,
            **options,
        )
        service.startService()
        return service

    def remote(self, kind: type[E], **options: Any) -> E:
        """A proxy at the robot, which connects to the camera."""
        options.setdefault("policy", QUIET)
        if "listen" not in options:
            options["at"] = self.robot.connecting(self.camera, PORT)
        return remote(kind, reactor=self.robot.clock, random=Random(7), **options)

    def until(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        assert self.network.run_until(condition, within), f"not by {self.network.clock.now}"

    def result(self, deferred: Any, within: float = 10.0) -> Any:
        """Wait for a command. Return its result, or its exception."""
        results: list[Any] = []
        if not isinstance(deferred, Deferred):
            deferred = Deferred.fromCoroutine(deferred)
        deferred.addBoth(results.append)
        self.until(lambda: bool(results), within)
        return results[0].value if isinstance(results[0], Failure) else results[0]
