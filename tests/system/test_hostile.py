"""The hostile suite against our own servers: each kind, all cases, nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tcpcomm.testing.hostile.catalogue import cases_for
from tests.certificates import Authority
from tests.system.attacked import Attacked
from tests.system.running import ON_LOOPBACK, Server

KEYS: Final = {"robot-1": "11" * 32, "robot-2": "22" * 32, "robot-3": "33" * 32}

APPS: Final = "tests.system.hostile_equipment"

TARGETS: Final = {
    "echo": ("echo", []),
    "lines": ("lines", ["--framing", "lines"]),
    "length": ("length", ["--framing", "length:4"]),
    "template": ("lines", ["--app", f"{APPS}:TemplatePing"]),
    "json": ("json", ["--app", f"{APPS}:JsonPing"]),
    "json-rpc": ("json-rpc", ["--app", f"{APPS}:JsonRpcPing"]),
    "binary": ("binary", ["--app", f"{APPS}:BinaryPing"]),
    "psk": ("psk", ["--framing", "lines"]),
    "tls": ("tls", ["--framing", "lines"]),
}
"""The kind of each server, and its options."""

EVERY_CASE: Final = {"lines", "psk", "tls"}
"""Servers on which all cases run. The others leave out the manners of TCP, and the floods."""

ZERO_WINDOW: Final = 116
"""Waits ten seconds for the end of a session; one kind of server is enough for that."""

WAITING: Final = ("lines", "length", "psk", "tls")
"""Servers on which the cases run that wait."""

WITHIN: Final = 2.0
"""Seconds in which a good peer must be served, beside the hostile peers of all servers."""

AT_ONCE: Final = 5
"""Servers that are attacked at the same time, because most of the time of an attack is waiting."""


def options_for(name: str, folder: Path) -> tuple[list[str], list[str]]:
    """Return the options of a server in TARGETS, and those of the suite that attacks it."""
    kind, options = TARGETS[name]
    listen = [*ON_LOOPBACK]
    given = ["--max-frame", "65535" if kind == "binary" else "1048576"]
    if kind == "psk":
        keys = folder / "keys"
        keys.write_text("".join(f"{peer} {key}\n" for peer, key in KEYS.items()))
        keys.chmod(0o600)
        options = [*options, "--psk", str(keys), "--name", "camera-1"]
        given += ["--server", "camera-1", *(f"--key={peer}={key}" for peer, key in KEYS.items())]
    if kind == "tls":
        authority = Authority(folder)
        own = authority.issue()
        at = "ssl:0:interface=127.0.0.1"
        listen = ["--listen", f"{at}:privateKey={own.key}:certKey={own.certificate}"]
        given += ["--ca", str(authority.certificate)]
    return [*listen, *options], given


def attack(name: str, folder: Path, *, waits: bool) -> list[str]:
    """Attack a server of ours with the cases that wait, or with all others. Return the findings."""
    folder.mkdir()
    options, given = options_for(name, folder)
    with Server(*options) as server:
        attacked = Attacked(name, server, TARGETS[name][0], given)
        return attacked.attack(numbers_for(name, waits=waits), within=WITHIN)


def numbers_for(name: str, *, waits: bool) -> list[int]:
    """Return the numbers of the cases for a server that wait, or of all others."""
    kind = TARGETS[name][0]
    numbers = [case.number for case in cases_for(kind) if case.waits is waits]
    if not waits and name not in EVERY_CASE:
        numbers = [number for number in numbers if not (number < 150 or 800 < number < 850)]
    if kind in ("psk", "tls"):
        numbers = [number for number in numbers if number != ZERO_WINDOW]
    return numbers


Attacks = dict[tuple[str, bool], Future[list[str]]]


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacks]:
    """Start all attacks, several at a time, each on a server of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    each = [*((name, False) for name in TARGETS), *((name, True) for name in WAITING)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (name, waits): pool.submit(attack, name, folder / f"{name}-{waits}", waits=waits)
            for name, waits in each
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_peers_find_nothing_wrong(name: str, attacks: Attacks) -> None:
    assert [] == attacks[name, False].result()


@pytest.mark.parametrize("name", WAITING)
def test_peers_that_do_nothing_right_are_dropped(name: str, attacks: Attacks) -> None:
    assert [] == attacks[name, True].result()
