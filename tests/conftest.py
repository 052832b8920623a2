"""
The base of all tests: marks by folder, and one way to skip, which a complete machine turns into a failure.

``pytest -m quick`` leaves out :data:`LONG` and :data:`ALONE`. Tests outside :data:`ALONE`
can run in several processes: ``pytest -n auto --dist loadgroup -m "not alone"``, then ``pytest -m alone``.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

from tcpcomm.runtime.bounded_logger import peer_events
from tests import ROOT
from tests.portability.every_process import sitecustomize

__all__ = ["ALONE", "LONG", "REACTORS", "ROOT", "needs_module", "needs_program", "skip", "stable_id"]

sitecustomize.begin()

LONG = (
    "tests/cli/tools/test_replay.py",
    "tests/cli/tools/test_send.py",
    "tests/codec/test_conformance.py",
    "tests/conversation/differential/",
    "tests/docs/test_comparison.py",
    "tests/docs/test_docs.py",
    "tests/docs/test_example_pairs.py",
    "tests/docs/test_examples.py",
    "tests/docs/test_site.py",
    "tests/equipment/test_typing.py",
    "tests/framing/test_broken.py",
    "tests/framing/test_frame_by_frame.py",
    "tests/framing/test_large_frame.py",
    "tests/framing/test_laws.py",
    "tests/fuzz/",
    "tests/interop/",
    "tests/link/test_mutants.py",
    "tests/soak/",
    "tests/system/",
    "tests/test_bench.py",
    "tests/testing/test_check_equipment.py",
    "tests/testing/test_hostile_suite.py",
    "tests/testing/test_strategies.py",
    "tests/tools/tap/test_fault_proxy.py",
    "tests/transports/test_sessions.py",
    "tests/transports/test_twisted.py",
)
"""Tests that take many seconds or start processes, by the beginning of their ids: not in the quick run."""

ALONE = (
    "tests/system/test_cable_pull.py",  # pulls cables in network namespaces, and measures seconds
    "tests/system/test_flood.py",  # measures a second beside a flood of connections
    "tests/system/test_fairness.py",  # measures how long a server keeps others waiting
    "tests/system/test_hostile.py",  # good peers must be served in time beside hostile ones
    "tests/system/test_measuring.py",  # counts packets in a second
    "tests/system/test_rough_network.py",  # loses packets, and counts links that are lost for that
    "tests/system/test_processes.py",  # measures the memory and the processor time of a server
)
"""Files that measure real time or the whole machine: they run beside no other test."""


REACTORS = (
    "tests/link/test_certificates.py",
    "tests/link/test_named_port.py",
    "tests/link/test_transports.py",
    "tests/runtime/test_socket_options.py",
    "tests/server/test_observed.py",
    "tests/server/test_running.py",
    "tests/server/test_serving.py",
    "tests/server/test_tap.py",
    "tests/session/test_transports.py",
    "tests/system/test_blocking.py",
    "tests/system/test_echo_server.py",
    "tests/system/test_options.py",
    "tests/system/test_stopping.py",
    "tests/tools/tap/test_fault_proxy.py",
    "tests/tools/tap/test_over_tls.py",
)
"""Files whose tests use the real reactor, or programs that do: they also run on other reactors."""

COLLECTED = {"alone": ALONE, "reactor and not alone": REACTORS}
"""The only files that a run with this ``-m`` imports, because the import of all takes 15 s."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    files = COLLECTED.get(config.option.markexpr)
    if files is None or collection_path.suffix != ".py":
        return None
    return collection_path.relative_to(ROOT).as_posix() not in files or None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes many seconds; once in a run on one platform is enough")
    config.addinivalue_line("markers", "reactor: uses real sockets; also run on other reactors")
    config.addinivalue_line("markers", "quick: belongs to the run of at most 90 s, for while you work")
    config.addinivalue_line(
        "markers", "alone: measures real time or the machine; runs beside no other test"
    )
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell starts its background jobs like this. The programs under test would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("tests", deadline=None)  # a busy machine must not fail a test
    settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
        elif not item.nodeid.startswith(LONG) and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.quick)
        if item.nodeid.startswith(REACTORS):
            item.add_marker(pytest.mark.reactor)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist calls it, if it is there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give tests that share something to one process, with ``--dist loadgroup``."""
    from tests.scheduling import Groups

    return Groups(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at all that was collected, again and again."""
    gc.collect()
    gc.freeze()


TESTS_BETWEEN_FREEZES = 250

_ended = count(1)


def pytest_runtest_logfinish() -> None:
    """Keep it from the reports of the tests that ended, too: pytest has them all until the end."""
    if next(_ended) % TESTS_BETWEEN_FREEZES == 0:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _every_event_is_logged() -> Iterator[None]:
    """Lift the limit on the log, because a property is tried more often than a line may be logged."""
    with peer_events.lifted():
        yield


@pytest.fixture(autouse=True)
def _no_test_starts_the_reactor_in_a_thread() -> Iterator[None]:
    """Find the test that uses ``tcpcomm.blocking`` in this process, where trial's tests run the reactor."""
    yield
    assert "tcpcomm reactor" not in {each.name for each in threading.enumerate()}, "use another process"


def skip(reason: str, *, for_comparison: bool = False) -> NoReturn:
    """
    Skip this test. With TCPCOMM_NO_SKIP=1 it fails instead, because that machine must have everything.

    Call it in a test, in a fixture, or while a test module is imported.

    Args:
        reason: names the missing thing.
        for_comparison: True if the extra ``bench`` or ``fuzz`` brings the missing thing. Then the test
            fails only with TCPCOMM_NO_SKIP=all.
    """
    forbidden = os.environ.get("TCPCOMM_NO_SKIP", "0")
    if forbidden == "all" or (forbidden not in ("", "0") and not for_comparison):
        pytest.fail(f"TCPCOMM_NO_SKIP is set, but: {reason}")
    pytest.skip(reason, allow_module_level=True)


def stable_id(value: object) -> str:
    """
    Return the repr of a value for a test's name, without the addresses of objects in it.

    Addresses differ from process to process, and pytest-xdist needs the same names in all processes.
    """
    return re.sub(r"<(?:function )?([^ ]+)(?: object)? at 0x[0-9a-f]+>", r"\1", repr(value))


def needs_program(name: str, hint: str) -> str:
    """Return the path of a program, or skip."""
    path = shutil.which(name)
    if path is None:
        skip(f"there is no {name} on this machine ({hint})")
    return path


def needs_module(name: str, hint: str) -> None:
    """Skip unless a Python module is installed."""
    if find_spec(name) is None:
        skip(f"the module {name} is not installed ({hint})")
