"""The programs in docs/examples, each run in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Final

from tcpcomm.cli import main
from tcpcomm.testing import check_equipment
from tcpcomm.tools.guess.draft.declaration import Draft
from tcpcomm.tools.guess.sources.opening import source_of
from tests.conftest import ROOT
from tests.docs.processes import SECONDS, Server, environment
from tests.tools.guess.draft.reading import drafted, read_part

__all__ = [
    "ANY_PORT",
    "EXAMPLES",
    "PATIENT_PYTHON",
    "draft_reads",
    "ended",
    "guessed",
    "run",
    "serving",
    "started",
    "tapped",
    "without_draft",
]

EXAMPLES: Final = ROOT / "docs/examples"

ANY_PORT: Final = "tcp:0:interface=127.0.0.1"
"""An endpoint with a port that the system chooses."""

PATIENT_PYTHON: Final = (sys.executable, "-m", "tests.patient")
"""The command that runs an example with times for a busy machine."""

_LISTENING: Final = "...listening on 127.0.0.1:..."


def started(name: str, *arguments: str) -> subprocess.Popen[str]:
    """Start an example, and return its process, for :func:`ended`."""
    return subprocess.Popen(
        [*PATIENT_PYTHON, EXAMPLES / name, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> str:
    """Wait until an example ends and return its output; it must print nothing to standard error."""
    try:
        output, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"it did not end, and printed:\n{output}{errors}") from None
    assert (0, "") == (process.returncode, errors)
    return output


def run(name: str, *arguments: str) -> str:
    """Run an example to its end and return its output."""
    return ended(started(name, *arguments))


@contextmanager
def serving(command: str, folder: Path) -> Iterator[tuple[Server, str]]:
    """
    Run a server, and return it with its port.

    Args:
        command: the command that starts it; if it names port 0, it gets a free one.
        folder: its current folder.
    """
    running = Server(command, folder)
    try:
        line = running.wait_for(_LISTENING)
        yield running, line.split("listening on 127.0.0.1:")[1].split()[0]
    finally:
        running.stop()


@contextmanager
def tapped(port: str, recording: Path) -> Iterator[str]:
    """
    Run a tap that records, and return its port.

    Args:
        port: the port of this machine to which it connects its clients.
        recording: the file.
    """
    command = f"{sys.executable} -m tcpcomm tap tcp:0 tcp:127.0.0.1:{port} --record {recording.name}"
    running = Server(command, recording.parent)
    try:
        found = re.search(r"127\.0\.0\.1:(\d+) ", running.wait_for("...listening, for..."))
        assert found is not None
        yield found[1]
    finally:
        running.stop()


def guessed(recording: Path) -> tuple[str, str]:
    """Return the verdict of ``tcpcomm guess``, and the framing of both sides, which must be the same."""
    output = StringIO()
    with redirect_stdout(output), suppress(SystemExit):
        main(["guess", str(recording), "--format", "json"])
    answer = json.loads(output.getvalue())
    (framing,) = {*answer["best"]["framings"].values()}
    return answer["verdict"], framing


def _drafted(recording: Path) -> tuple[int, str, str]:
    """Return the exit code of ``tcpcomm guess --draft``, and what it prints on both outputs."""
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            main(["guess", str(recording), "--draft"])
        except SystemExit as end:
            return int(end.code or 0), output.getvalue(), errors.getvalue()
    raise AssertionError("it did not end")


def draft_reads(recording: Path) -> float:
    """Return the part of the replies in a recording that its draft reads. The draft must be sound."""
    code, text, told = _drafted(recording)
    assert code in (0, 2), told
    with recording.open("rb") as file:
        source = source_of(file, recording)
        capture = source.capture(max(source.streams(), key=lambda each: each.size))
    with drafted(Draft(text=text), recording.parent, "Equipment1") as found:
        check_equipment(found, max_examples=2)
        return read_part(found, capture)


def without_draft(recording: Path) -> str:
    """Return the last line of what ``tcpcomm guess --draft`` says if it cannot write one."""
    code, text, told = _drafted(recording)
    assert (4, "") == (code, text)
    return told.splitlines()[-1]
