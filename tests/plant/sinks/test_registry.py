"""A sink of the user is named by its module or its file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.sinks.registry import find_kind


@pytest.mark.parametrize("kind", ["sink_of_a_test.py", "sink_of_a_test:Printer"])
def test_a_sink_in_a_file_is_found(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "sink_of_a_test", raising=False)
    Path("sink_of_a_test.py").write_text(
        "from tcpcomm.plant import Sink\n\n\nclass Printer(Sink):\n    pass\n\n\nclass Other:\n    pass\n"
    )

    assert "Printer" == find_kind(kind).__name__


def test_a_file_without_a_sink_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    Path("no_sink_of_a_test.py").write_text("class Other:\n    pass\n")

    with pytest.raises(ConfigurationError, match="defines no sink; its classes: Other"):
        find_kind("no_sink_of_a_test.py")
