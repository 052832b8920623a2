"""Two machines and a switch between them, as network namespaces: :class:`Network`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Final, Self

__all__ = [
    "CLIENT",
    "CLIENT_ADDRESS",
    "OTHER_ADDRESS",
    "SERVER",
    "SERVER_ADDRESS",
    "TUNED_RETRANSMIT",
    "Network",
    "NetworkFailed",
    "obstacle",
]

CLIENT: Final = "client"
BRIDGE: Final = "bridge"
SERVER: Final = "server"

CLIENT_ADDRESS: Final = "198.18.0.1"  # RFC 2544: a network for benchmarks, which no real network uses
SERVER_ADDRESS: Final = "198.18.0.2"
OTHER_ADDRESS: Final = "198.18.0.3"

_ADDRESSES: Final = {CLIENT: CLIENT_ADDRESS, SERVER: SERVER_ADDRESS}
_HARDWARE: Final = {CLIENT: "02:00:00:00:00:01", SERVER: "02:00:00:00:00:02"}
_INTERFACE: Final = "eth0"

TUNED_RETRANSMIT: Final = 50
"""Milliseconds between two ARP requests. With Linux's 1000, a cable is found up to 1 s after it is back."""


_NUMBERS: Final = count(1)


class NetworkFailed(Exception):
    """A command that should change the network failed."""


def run(*command: str) -> str:
    """
    Run a command; return its output.

    Raises:
        NetworkFailed: the command failed; the error has its message.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise NetworkFailed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def obstacle() -> str | None:
    """Return the reason why no network can be made here, or None."""
    if not hasattr(os, "geteuid"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if shutil.which("ip") is None:
        return "there is no ip: install iproute2"
    if shutil.which("iptables") is None and shutil.which("nft") is None:
        return "there is no packet filter: install iptables"
    try:
        with Network() as network:
            network.drop_inbound()
    except (NetworkFailed, OSError) as error:
        return f"network namespaces cannot be made here: {error}"
    return None


class Network:
    """
    The machines ``client`` and ``server``, each with a cable to a switch.

    It is a context manager: it makes the namespaces on entry, and always removes them on exit. Their names
    have
    the id of this process and a number, so that several networks can exist at the same time.

    Args:
        retransmit: milliseconds between two ARP requests; None: the default of the system.
    """

    def __init__(self, retransmit: int | None = TUNED_RETRANSMIT) -> None:
        self._retransmit = retransmit
        self._number = next(_NUMBERS)
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for machine in (CLIENT, BRIDGE, SERVER):
                self._make_namespace(stack, machine)
            self._ip(BRIDGE, "link", "add", "switch", "type", "bridge")
            self._ip(BRIDGE, "link", "set", "switch", "up")
            for machine in (CLIENT, SERVER):
                self._wire(machine)
                self.plug(machine)
            self._undo = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    def within(self, machine: str) -> Sequence[str]:
        """Return the beginning of a command that runs on a machine."""
        return ["ip", "netns", "exec", self._namespace(machine)]

    # -- cables, interfaces, addresses ----------------------------------------------------------------

    def unplug(self, machine: str) -> None:
        """Pull the machine's cable out of the switch, so that the machine has no carrier."""
        self._ip(BRIDGE, "link", "set", machine, "down")

    def plug(self, machine: str) -> None:
        """Plug the machine's cable in again."""
        self._ip(BRIDGE, "link", "set", machine, "up")

    def switch_off(self, machine: str) -> None:
        """Take the machine's interface down, as an administrator does."""
        self._ip(machine, "link", "set", _INTERFACE, "down")

    def switch_on(self, machine: str) -> None:
        """Bring the machine's interface up again."""
        self._ip(machine, "link", "set", _INTERFACE, "up")

    def readdress(self, machine: str, old: str, new: str) -> None:
        """Give the machine another address."""
        self._ip(machine, "address", "del", f"{old}/24", "dev", _INTERFACE)
        self._ip(machine, "address", "add", f"{new}/24", "dev", _INTERFACE)

    def traffic(self, machine: str) -> tuple[int, int]:
        """Return the packets and bytes that the machine has sent or received, with Ethernet headers."""
        link = json.loads(self._ip(machine, "-j", "-s", "link", "show", "dev", _INTERFACE))[0]
        ways = [link["stats64"][way] for way in ("rx", "tx")]
        return sum(way["packets"] for way in ways), sum(way["bytes"] for way in ways)

    # -- packet filters, on the client ----------------------------------------------------------------

    def drop_inbound(self) -> None:
        """Drop all packets that come in."""
        self._filter("-A", "INPUT", "-i")

    def admit_inbound(self) -> None:
        """Admit incoming packets again."""
        self._filter("-D", "INPUT", "-i")

    def drop_outbound(self) -> None:
        """Drop all packets that go out."""
        self._filter("-A", "OUTPUT", "-o")

    def admit_outbound(self) -> None:
        """Admit outgoing packets again."""
        self._filter("-D", "OUTPUT", "-o")

    def _filter(self, operation: str, chain: str, direction: str) -> None:
        within = self.within(CLIENT)
        if shutil.which("iptables") is not None:
            run(*within, "iptables", "-w", operation, chain, direction, _INTERFACE, "-j", "DROP")
        elif operation == "-A":
            hook = chain.lower()
            made = f"add chain ip pull {hook} {{ type filter hook {hook} priority 0; }}"
            rule = f"add rule ip pull {hook} {direction[1:]}ifname {_INTERFACE} drop"
            run(*within, "nft", f"add table ip pull; {made}; {rule}")
        else:
            run(*within, "nft", "delete table ip pull")

    # -- machines -------------------------------------------------------------------------------------

    def destroy(self, machine: str) -> None:
        """Remove the machine with all its connections. Its programs must be ended separately."""
        self._ip(BRIDGE, "link", "del", machine)  # at once, because removing a namespace takes a while
        run("ip", "netns", "del", self._namespace(machine))

    def rebuild(self, machine: str) -> None:
        """
        Make the machine again, as after a restart: with the same addresses, without connections, unplugged.
        """
        self._make_namespace(self._undo, machine)
        self._wire(machine)

    def _make_namespace(self, stack: ExitStack, machine: str) -> None:
        run("ip", "netns", "add", self._namespace(machine))
        stack.callback(_remove, self._namespace(machine))
        self._ip(machine, "link", "set", "lo", "up")

    def _wire(self, machine: str) -> None:
        """Lay a cable from the machine to the switch."""
        far = ("peer", "name", machine, "netns", self._namespace(BRIDGE))
        hardware = ("address", _HARDWARE[machine])
        self._ip(machine, "link", "add", _INTERFACE, *hardware, "type", "veth", *far)
        self._ip(BRIDGE, "link", "set", machine, "master", "switch")
        self._ip(machine, "address", "add", f"{_ADDRESSES[machine]}/24", "dev", _INTERFACE)
        if self._retransmit is not None:
            # This sets sysctl net.ipv4.neigh.eth0.retrans_time_ms.
            table = ("ntable", "change", "name", "arp_cache", "dev", _INTERFACE)
            self._ip(machine, *table, "retrans", str(self._retransmit))
        self._ip(machine, "link", "set", _INTERFACE, "up")

    def _namespace(self, machine: str) -> str:
        return f"tcpcomm-{os.getpid()}-{self._number}-{machine}"

    def _ip(self, machine: str, *arguments: str) -> str:
        return run("ip", "-n", self._namespace(machine), *arguments)


def _remove(namespace: str) -> None:
    """Remove a namespace, if it exists."""
    if namespace in run("ip", "netns", "list").split():
        run("ip", "netns", "del", namespace)
