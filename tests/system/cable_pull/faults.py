"""The nine faults: how to make each of them, and how to mend it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from attrs import frozen

from tests.system.cable_pull.network import CLIENT, OTHER_ADDRESS, SERVER, SERVER_ADDRESS, Network
from tests.system.programs import Program

__all__ = ["FAULTS", "PORT", "Fault", "Scene"]

PORT: Final = 9999
START_TIMEOUT: Final = 30.0


class Scene:
    """
    The network, with the equipment's program on the server.

    Args:
        network: the network.
        equipment: the Python module of the program, and its arguments. It reports ``listening``.
    """

    def __init__(self, network: Network, equipment: Sequence[str]) -> None:
        self.network = network
        self._command = [*network.within(SERVER), sys.executable, "-m", *equipment]
        self.equipment = self._start()

    def _start(self) -> Program:
        return Program("the equipment", self._command)

    def listening(self) -> float:
        """Wait until the equipment listens; return the time since when it does."""
        return self.equipment.wait_for("listening", timeout=START_TIMEOUT).time

    def restart(self) -> float:
        """Start the equipment's program again; return the time since when it listens."""
        self.equipment.close()
        self.equipment = self._start()
        return self.listening()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.equipment.close()


@frozen
class Fault:
    """
    A fault that breaks a link.

    Args:
        name: its name on the command line.
        title: its name in tables.
        make: makes the fault.
        mend: ends the fault, and returns the time from which the link could be used again. This is the
            start of
            the mending command or, if a program must start, the time when it listens.
    """

    name: str
    title: str
    make: Callable[[Scene], None]
    mend: Callable[[Scene], float]


def _begun(command: Callable[[Network], None]) -> Callable[[Scene], float]:
    """Return a function that mends a fault by one command."""

    def mend(scene: Scene) -> float:
        now = time.monotonic()
        command(scene.network)
        return now

    return mend


def _host_gone(scene: Scene) -> None:
    scene.network.destroy(SERVER)
    scene.equipment.kill()


def _host_back(scene: Scene) -> float:
    scene.network.rebuild(SERVER)
    scene.network.plug(SERVER)
    return scene.restart()


def _continue(scene: Scene) -> float:
    now = time.monotonic()
    scene.equipment.signal(signal.SIGCONT)
    return now


FAULTS: Final = (
    Fault(
        "local-cable",
        "local cable pulled (no carrier)",
        lambda scene: scene.network.unplug(CLIENT),
        _begun(lambda network: network.plug(CLIENT)),
    ),
    Fault(
        "interface-down",
        "local interface down",
        lambda scene: scene.network.switch_off(CLIENT),
        _begun(lambda network: network.switch_on(CLIENT)),
    ),
    Fault(
        "far-cable",
        "cable behind the switch pulled",
        lambda scene: scene.network.unplug(SERVER),
        _begun(lambda network: network.plug(SERVER)),
    ),
    Fault(
        "inbound-dropped",
        "inbound packets dropped",
        lambda scene: scene.network.drop_inbound(),
        _begun(Network.admit_inbound),
    ),
    Fault(
        "outbound-dropped",
        "outbound packets dropped",
        lambda scene: scene.network.drop_outbound(),
        _begun(Network.admit_outbound),
    ),
    Fault(
        "address-changed",
        "address of the peer changed, and changed back",
        lambda scene: scene.network.readdress(SERVER, SERVER_ADDRESS, OTHER_ADDRESS),
        _begun(lambda network: network.readdress(SERVER, OTHER_ADDRESS, SERVER_ADDRESS)),
    ),
    Fault("host-gone", "the peer's machine gone, and restarted", _host_gone, _host_back),
    Fault(
        "kill-9",
        "the peer's program killed (SIGKILL), and restarted",
        lambda scene: scene.equipment.kill(),
        Scene.restart,
    ),
    Fault(
        "sigstop",
        "the peer's program hung (SIGSTOP), and continued",
        lambda scene: scene.equipment.signal(signal.SIGSTOP),
        _continue,
    ),
)
