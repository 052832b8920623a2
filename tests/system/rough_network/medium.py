"""Two machines and a rough network between them: :func:`rough_network`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from attrs import frozen

from tests.system.cable_pull.network import (
    CLIENT,
    CLIENT_ADDRESS,
    SERVER,
    SERVER_ADDRESS,
    Network,
    NetworkFailed,
    run,
)
from tests.system.programs import Program

__all__ = ["Medium", "Roughness", "obstacle", "rough_network"]

TUN: Final = Path("/dev/net/tun")
START_TIMEOUT: Final = 20.0


@frozen
class Roughness:
    """What happens to each packet, in each direction."""

    loss: float = 0.02
    """The share of packets that are lost."""
    delay: float = 0.02
    """The mean delay in seconds."""
    jitter: float = 0.02
    """The most seconds by which a packet differs from the mean. So packets overtake each other."""


class Medium(Protocol):
    """A rough network, as a context manager."""

    name: str
    """The means by which packets are disturbed, for the page."""

    def within(self, machine: str) -> Sequence[str]: ...
    def counts(self) -> dict[str, int] | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class NetemNetwork(Network):
    """The network of the cable pulls, with the kernel's netem at both ends."""

    name = "netem"

    def __init__(self, roughness: Roughness) -> None:
        super().__init__()
        self._roughness = roughness

    def __enter__(self) -> Self:
        super().__enter__()
        rough = self._roughness
        try:
            for machine in (CLIENT, SERVER):
                delay = (f"{1000 * rough.delay:g}ms", f"{1000 * rough.jitter:g}ms")
                qdisc = ("qdisc", "add", "dev", "eth0", "root", "netem", "loss", f"{100 * rough.loss:g}%")
                run(*self.within(machine), "tc", *qdisc, "delay", *delay)
        except NetworkFailed:
            self.__exit__(None, None, None)
            raise
        return self

    def counts(self) -> dict[str, int] | None:
        """Return the packets that were sent and lost; the kernel does not count those that overtook."""
        found = {"packets": 0, "lost": 0}
        for machine in (CLIENT, SERVER):
            (qdisc,) = json.loads(
                run(*self.within(machine), "tc", "-s", "-j", "qdisc", "show", "dev", "eth0", "root")
            )
            found["packets"] += qdisc["packets"]
            found["lost"] += qdisc["drops"]
        return found


class TunNetwork:
    """Two machines, each with a TUN device, and the program ``router`` between the devices."""

    name = "a router in user space, with TUN devices, because this kernel has no netem"

    def __init__(self, roughness: Roughness) -> None:
        self._roughness = roughness
        self._stack = ExitStack()
        self._router: Program | None = None

    def _namespace(self, machine: str) -> str:
        return f"tcpcomm-{os.getpid()}-rough-{machine}"

    def within(self, machine: str) -> Sequence[str]:
        """Return the beginning of a command that runs on a machine."""
        return ["ip", "netns", "exec", self._namespace(machine)]

    def __enter__(self) -> Self:
        rough = self._roughness
        with ExitStack() as stack:
            for machine in (CLIENT, SERVER):
                run("ip", "netns", "add", self._namespace(machine))
                stack.callback(run, "ip", "netns", "del", self._namespace(machine))
            devices = [f"rough{os.getpid() % 100000}{side}" for side in "cs"]
            values = map(str, (rough.loss, rough.delay, rough.jitter))
            command = [sys.executable, "-m", "tests.system.rough_network.router", *devices, *values]
            self._router = router = stack.enter_context(Program("the router", command))
            router.wait_for("ready", timeout=START_TIMEOUT)
            for machine, device, own, other in (
                (CLIENT, devices[0], CLIENT_ADDRESS, SERVER_ADDRESS),
                (SERVER, devices[1], SERVER_ADDRESS, CLIENT_ADDRESS),
            ):
                namespace = self._namespace(machine)
                run("ip", "link", "set", device, "netns", namespace)
                run("ip", "-n", namespace, "address", "add", own, "peer", other, "dev", device)
                run("ip", "-n", namespace, "link", "set", device, "up")
                run("ip", "-n", namespace, "link", "set", "lo", "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def counts(self) -> dict[str, int] | None:
        """Return the packets that came, were lost, or came late. The router tells them each second."""
        assert self._router is not None
        reports = self._router.events("packets")
        return {name: int(count) for name, count in reports[-1].about.items()} if reports else None


def rough_network(roughness: Roughness) -> Medium:
    """Return a rough network, with netem if this kernel has it."""
    return NetemNetwork(roughness) if _has_netem() else TunNetwork(roughness)


def _has_netem() -> bool:
    if shutil.which("tc") is None:
        return False
    try:
        with NetemNetwork(Roughness()):
            return True
    except (NetworkFailed, OSError):
        return False


def obstacle() -> str | None:
    """Return the reason why no rough network can be made here, or None."""
    if not hasattr(os, "geteuid"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if shutil.which("ip") is None:
        return "there is no ip: install iproute2"
    if _has_netem():
        return None
    if not TUN.exists():
        return "this kernel has neither netem nor TUN devices"
    try:
        with TunNetwork(Roughness()):
            return None
    except (NetworkFailed, OSError, AssertionError) as error:
        return f"TUN devices cannot be used here: {error}"
