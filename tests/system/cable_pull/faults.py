"""The nine faults: how each is made, and how it is mended."""

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
    The network, with the equipment's program running on the server.

    Args:
        network: where it runs.
        equipment: the Python module that is the program, and its arguments. It tells ``listening``.
    """

    def __init__(self, network: Network, equipment: Sequence[str]) -> None:
        self.network = network
        self._command = [*network.within(SERVER), sys.executable, "-m", *equipment]
        self.equipment = self._start()

    def _start(self) -> Program:
        return Program("the equipment", self._command)

    def listening(self) -> float:
        """Wait until the equipment listens; return since when."""
        return self.equipment.wait_for("listening", timeout=START_TIMEOUT).time

    def restart(self) -> float:
        """Start the equipment's program anew; return since when it listens."""
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
    A way in which a link dies.

    Args:
        name: what it is called on the command line.
        title: what it is called in tables.
        make: brings it about.
        mend: undoes it; returns the instant from which the link could be used again. That is when the
            command that mends it was begun or, where a program has to start, when it listens.
    """

    name: str
    title: str
    make: Callable[[Scene], None]
    mend: Callable[[Scene], float]


def _begun(command: Callable[[Network], None]) -> Callable[[Scene], float]:
    """Mending by one command."""

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
