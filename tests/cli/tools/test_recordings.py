"""``tcpcomm record`` and ``export``: their output, and the mistakes on their command lines."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tcpcomm import Recorder, Recording
from tcpcomm.cli import main
from tcpcomm.cli.common import Refusal
from tcpcomm.cli.tools.moments import moment_of
from tcpcomm.tools.export.output import Progress, write_file
from tcpcomm.tools.export.source import Source
from tcpcomm.tools.record.store import PAGE_SIZE
from tests.tools.export.reader import packets, streams
from tests.tools.record.sessions import Session, bad_checksum, command, reply

Run = Callable[..., tuple[int, str, str]]
HOW = "'tcpcomm tap 9998 tcp:10.0.0.5:9999 --record FILE' makes one"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording of two sessions, the first one declared, with a fault."""
    found = tmp_path / "line.tcpcomm"
    with Recorder(found) as recorder:
        declared, raw = Session(is_declared=True), Session(peer="10.0.0.8:40000")
        recorder.opened(declared)
        recorder.received(declared, b"TRG,3\r\n")
        asked = command(job=3)
        recorder.message(declared, asked)
        recorder.message(declared, reply(asked, result=4.5))
        recorder.sent(declared, b"OK,4.5\r\n")
        recorder.closed(declared, "the peer closed the connection")
        recorder.received(raw, b"TRG,9\r\n")
        recorder.fault(raw, bad_checksum("in 0a"))
        recorder.half_frame(raw, "the peer sent 3 bytes")
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def run_to_its_end(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return run_to_its_end


def test_a_recording_is_listed(run: Run, path: Path) -> None:
    code, output, errors = run("record", "line.tcpcomm")
    assert (0, "") == (code, errors)
    lines = output.splitlines()
    assert "3 chunks, 2 messages, 1 fault, 1 half frame, 2 sessions" == lines[2]
    assert "10.0.0.7:50432, 2 chunks, closed " in lines[5]
    assert lines[6].endswith("10.0.0.8:40000, 1 chunk, open at the end")
    assert (
        "session 2  BadChecksum: the checksum is wrong (frame at byte 7 of the stream): in 0a" in lines[9]
    )


def test_the_list_as_json_has_the_same(run: Run, path: Path) -> None:
    _, output, _ = run("record", str(path), "--json")
    facts = json.loads(output)
    assert {"chunks": 3, "faults": 1, "half frames": 1, "sessions": 2} == {
        name: facts["counts"][name] for name in ("chunks", "faults", "half frames", "sessions")
    }
    assert [1, 2] == [each["number"] for each in facts["sessions"]]
    assert 1 == len(facts["runs"])


def test_only_the_newest_are_listed_unless_all_are_wanted(run: Run, tmp_path: Path) -> None:
    with Recorder(tmp_path / "many.tcpcomm") as recorder:
        for number in range(50):
            session = Session(peer=f"10.0.0.7:{number + 1}")
            recorder.fault(session, bad_checksum())
            recorder.closed(session, "over")
    newest = run("record", "many.tcpcomm")[1]
    assert "sessions: 50, the newest 20; --all shows the others" in newest
    assert 2 * 20 == sum(line.startswith("  ") for line in newest.splitlines())
    everything = run("record", "many.tcpcomm", "--all")[1]
    assert 2 * 50 == sum(line.startswith("  ") for line in everything.splitlines())


def test_a_file_without_values_says_so(run: Run, tmp_path: Path) -> None:
    Recorder(tmp_path / "new.tcpcomm").close()
    assert "it holds nothing yet" == run("record", "new.tcpcomm")[1].splitlines()[1]


@pytest.mark.parametrize("kind", ["pcapng", "csv", "jsonl"])
def test_an_export_has_the_name_of_the_recording(run: Run, path: Path, kind: str) -> None:
    assert (0, f"line.{kind}\n", "") == run("export", "line.tcpcomm", "--to", kind)
    assert path.with_suffix(f".{kind}").stat().st_size > 100
    assert {"line.tcpcomm", f"line.{kind}"} == {each.name for each in path.parent.iterdir()}


def test_a_capture_has_the_bytes_of_both_sessions(run: Run, path: Path) -> None:
    run("export", "line.tcpcomm", "--to", "pcapng", "--output", "all.pcapng")
    first, second = streams((path.parent / "all.pcapng").read_bytes())
    assert (b"TRG,3\r\n", b"OK,4.5\r\n") == (bytes(first.from_client), bytes(first.from_server))
    assert b"TRG,9\r\n" == bytes(second.from_client)


def exported(run: Run, folder: Path, *words: str) -> list[tuple[int, str]]:
    """Return the session and the kind of each row with bytes."""
    run("export", "line.tcpcomm", "--to", "jsonl", *words)
    rows = map(json.loads, (folder / "line.jsonl").read_text().splitlines())
    return [(each["session"], each["what"]) for each in rows if "hex" in each]


def test_each_message_has_one_row_and_chunks_have_some_only_without_a_framing(run: Run, path: Path) -> None:
    declared, raw = [(1, "command"), (1, "reply")], [(2, "chunk")]
    assert [*declared, *raw] == exported(run, path.parent)
    with_chunks = [(1, "chunk"), *declared, (1, "chunk"), *raw]
    assert with_chunks == exported(run, path.parent, "--chunks")
    assert [(1, "frame"), (1, "frame"), (2, "frame")] == exported(run, path.parent, "--framing", "raw")


def test_one_session_and_a_time_are_selected(run: Run, path: Path) -> None:
    run("export", "line.tcpcomm", "--to", "pcapng", "--session", "2", "--output", "one.pcapng")
    assert {"10.0.0.8"} == {
        each.source[0] for each in packets((path.parent / "one.pcapng").read_bytes()) if each.data
    }
    run("export", "line.tcpcomm", "--to", "jsonl", "--until", "10m")
    assert b"" == (path.parent / "line.jsonl").read_bytes()


def test_bytes_are_decoded_afresh(run: Run, path: Path) -> None:
    words = ("--to", "jsonl", "--as", "tests.tools.export.test_decoding:Camera")
    assert 0 == run("export", "line.tcpcomm", *words)[0]
    found = [json.loads(line) for line in (path.parent / "line.jsonl").read_text("utf-8").splitlines()]
    assert [{"job": 3}, {"result": 4.5}, {"job": 9}] == [
        each["values"] for each in found if "values" in each
    ]


def test_standard_output_gets_the_bytes_alone(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)
    run("export", "line.tcpcomm", "--to", "pcapng", "--output", "-")
    assert isinstance(output.buffer, io.BytesIO)
    assert 2 == len(streams(output.buffer.getvalue()))


def test_a_cut_recording_is_exported_as_far_as_it_goes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    with Recorder(path) as recorder:
        for _ in range(20):
            recorder.received(Session(), b"x" * 5000)
            assert recorder.flush()
    whole = path.read_bytes()
    path.write_bytes(whole[: 3 * len(whole) // 4])
    code, output, errors = run("export", "line.tcpcomm", "--to", "csv")
    assert (0, "line.csv\n") == (code, output)
    assert 1 == errors.count("the file is cut or damaged")


@pytest.mark.parametrize("words", [["record"], ["export", "--to", "csv"]])
def test_a_recording_of_which_nothing_can_be_read_is_an_error(
    run: Run, path: Path, words: list[str]
) -> None:
    path.write_bytes(path.read_bytes()[: 2 * PAGE_SIZE])
    code, output, errors = run(words[0], "line.tcpcomm", *words[1:])
    assert (1, "", 1) == (code, output, len(errors.splitlines()))
    assert "line.tcpcomm: nothing in it can be read: the file is cut or damaged" in errors
    assert ["line.tcpcomm"] == [each.name for each in path.parent.iterdir()]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["record"], "name one recording"),
        (["record", "tcp:9998", "tcp:10.0.0.5:9999"], f"name one recording, such as line.tcpcomm; {HOW}"),
        (["record", "missing.tcpcomm"], f"missing.tcpcomm: there is no such file; {HOW}"),
        (["export", "line.tcpcomm"], "--to must be pcapng, csv or jsonl"),
        (["export", "line.tcpcomm", "--to", "pcap"], "--to must be pcapng, csv or jsonl, not 'pcap'"),
        (["export", "line.tcpcomm", "--to", "csv", "--session", "3"], "has no session 3; it has 1 to 2"),
        (["export", "line.tcpcomm", "--to", "csv", "--session", "x"], "must be the number of a session"),
        (["export", "line.tcpcomm", "--to", "csv", "--since", "noon"], "--since must be a time"),
        (["export", "line.tcpcomm", "--to", "jsonl", "--bom"], "--bom has no effect with --to jsonl"),
        (["export", "line.tcpcomm", "--to", "pcapng", "--chunks"], "--chunks has no effect"),
        (["export", "line.tcpcomm", "--to", "csv", "--encoding", "klingon"], "there is no such encoding"),
        (
            ["export", "line.tcpcomm", "--to", "csv", "--output", "no/where.csv"],
            "no/where.csv: cannot write",
        ),
        (["export", "line.tcpcomm", "--to", "csv", "--output", "line.tcpcomm"], "is the recording itself"),
    ],
)
def test_a_mistake_is_one_line(run: Run, path: Path, words: list[str], problem: str) -> None:
    code, output, errors = run(*words)
    assert (1, "", 1) == (code, output, len(errors.splitlines()))
    assert problem in errors


def test_an_interrupted_export_leaves_nothing(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Any, values: Any) -> Any:
        yield next(iter(values))
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "of", interrupt)
    code, output, errors = run("export", "line.tcpcomm", "--to", "csv")
    assert (130, "", "tcpcomm export: interrupted: nothing is written\n") == (code, output, errors)
    assert ["line.tcpcomm"] == [each.name for each in path.parent.iterdir()]


def test_an_older_export_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "line.csv"
    target.write_bytes(b"old")

    def pieces() -> Any:
        yield b"new"
        raise ValueError

    with pytest.raises(ValueError):
        write_file(pieces(), target)
    assert (b"old", ["line.csv"]) == (target.read_bytes(), os.listdir(tmp_path))


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_progress(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.tools.export.output._SHOWN_EVERY", 0.0)
    terminal = Terminal()
    with Recording(path) as recording:
        progress = Progress(terminal, 1, 10)
        assert 10 <= len([*progress.of(Source(recording=recording))])
    progress.end()
    assert "\r5 of 10 values, 50 %" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_a_pipe_shows_no_progress(path: Path) -> None:
    pipe = io.StringIO()
    with Recording(path) as recording:
        progress = Progress(pipe, 1, 10)
        assert [*progress.of(Source(recording=recording))]
    progress.end()
    assert "" == pipe.getvalue()


ENDS_AT = round(datetime(2026, 11, 29, 12, 0).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29 08:30", datetime(2026, 11, 29, 8, 30)),
        ("2026-11-29", datetime(2026, 11, 29)),
        ("08:30:15", datetime(2026, 11, 29, 8, 30, 15)),
        ("10m", datetime(2026, 11, 29, 11, 50)),
        ("2h", datetime(2026, 11, 29, 10, 0)),
    ],
)
def test_times_are_local_or_before_the_end(text: str, expected: datetime) -> None:
    assert round(expected.timestamp() * 1_000_000) == moment_of(text, ENDS_AT, option="since")


@pytest.mark.parametrize("text", ["", "10x", "25:00", "2026-13-01"])
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(Refusal, match="--since must be a time"):
        moment_of(text, ENDS_AT, option="since")
