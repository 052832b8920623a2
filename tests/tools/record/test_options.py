"""The option ``--record``, and those that say how long values are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tcpcomm import ConfigurationError, Recording
from tcpcomm.cli.call import CallOptions
from tcpcomm.cli.recording import recorders_of
from tcpcomm.cli.simulate import SimulateOptions
from tcpcomm.cli.tools.tap import TapOptions
from tcpcomm.cli.watch import WatchOptions
from tcpcomm.tap import ServerOptions
from tcpcomm.tools.record.options import RecordingOptions
from tests.tools.record.sessions import Session

ALL = (CallOptions, WatchOptions, SimulateOptions, TapOptions, ServerOptions)


def options(*words: str) -> RecordingOptions:
    found = RecordingOptions()  # type: ignore[no-untyped-call]
    found.parseOptions([*words])  # type: ignore[no-untyped-call]
    return found


def test_without_the_option_nothing_is_recorded() -> None:
    assert ([], []) == (options().recorders(), options().recordings)


def test_the_option_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    found = options("--record", str(path), "--keep-hours", "2", "--keep-mib=8", "--keep-before-fault=5")
    assert [str(path)] == found.recordings
    (recorder,) = found.recorders()
    with recorder:
        recorder.received(Session(), b"x")
    with Recording(path) as recording:
        assert [b"x"] == [each.data for each in recording.chunks()]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--keep-hours", "2"], "--keep-hours has no effect without --record FILE"),
        (["--record", "a", "--keep-mib", "big"], "--keep-mib must be a number, not 'big'"),
        (["--record", "a", "--keep-mib", "0"], "keep_mib must be a number of at least 1, not 0.0"),
        (["--record", "no/where"], "there is no folder"),
    ],
)
def test_a_mistake_is_told(
    words: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=problem):
        options(*words).recorders()
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_these_commands_have_the_option(kind: Any) -> None:
    assert {"record", "keep-hours", "keep-mib", "keep-before-fault"} <= {*kind()}


def test_the_commands_refuse_a_mistake_in_one_line(tmp_path: Path) -> None:
    found = options("--record", str(tmp_path / "no" / "where"))
    with pytest.raises(Exception, match="there is no folder"):
        recorders_of(found)
