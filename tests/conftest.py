"""What all tests share: one way to skip, which a complete machine turns into a failure."""

from __future__ import annotations

import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

__all__ = ["ROOT", "needs_module", "needs_program", "skip"]

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes many seconds; once in a run on one platform is enough")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # So a shell starts what runs in its background. The programs under test would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("tests", deadline=None)  # a busy machine is no fault of the code
    settings.load_profile("tests")


def skip(reason: str, *, for_comparison: bool = False) -> NoReturn:
    """
    Skip this test, or with TCPCOMM_NO_SKIP=1 let it fail: there, all that it needs should be there.

    It may be called in a test, in a fixture, or while a test module is imported.

    Args:
        reason: what is missing.
        for_comparison: whether that is for a comparison with others, which the extra ``bench`` brings;
            then only TCPCOMM_NO_SKIP=all lets the test fail.
    """
    forbidden = os.environ.get("TCPCOMM_NO_SKIP", "0")
    if forbidden == "all" or (forbidden not in ("", "0") and not for_comparison):
        pytest.fail(f"TCPCOMM_NO_SKIP is set, but: {reason}")
    pytest.skip(reason, allow_module_level=True)


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
