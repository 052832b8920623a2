"""The default numbers of sessions and unproven connections follow the open files of the system."""

from __future__ import annotations

import pytest

from tcpcomm.session import limits
from tcpcomm.session.limits import default_max_sessions, default_max_unproven
from tests.conftest import needs_module


@pytest.mark.parametrize(
    ("files", "unproven"), [(10_000, 128), (1024, 128), (1023, 127), (100, 12), (4, 1)]
)
def test_few_open_files_allow_few_unproven_connections(
    files: int, unproven: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_module("resource", "Windows does not have it")
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert unproven == default_max_unproven()


def test_windows_allows_384_sessions_and_64_unproven_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(limits, "import_module", missing)
    assert (384, 64) == (default_max_sessions(), default_max_unproven())
