"""Mistakes on the command line of ``tcpcomm tap``, each told in one line before anything happens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tcpcomm.cli.command import main

HOST = "tcp:10.0.0.5:9999"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name the place to listen at, and the target, as in tcp:9998 tcp:10.0.0.5:9999"),
        (["9998"], "name the place to listen at, and the target"),
        (["9998", "10.0.0.5:9999"], "'10.0.0.5:9999' is not an endpoint: write tcp:10.0.0.5:9999"),
        (["127.0.0.1:9998", HOST], "is not an endpoint: write tcp:9998:interface=127.0.0.1"),
        (["tcp:9998:interface=0.0.0.0", HOST], "is open to other machines: name them with --allow"),
        (["9998", HOST, "--framing", "nonsense"], "--framing: no framing is called 'nonsense'"),
        (["9998", HOST, "--gap", "1"], "--reply-framing and --gap have no effect without --framing"),
        (
            ["9998", HOST, "--as", "modbus", "--framing", "lines"],
            "--framing has no effect with --as modbus",
        ),
        (["9998", HOST, "--fault", "dorp"], "--fault: 'dorp': no disturbance is called 'dorp'"),
        (["9998", HOST, "--fault", "drop next of locate"], "only a declaration tells names and events"),
        (["9998", HOST, "--fault", "reset"], "there is no open connection"),
        (["9998", HOST, "--seed", "x"], "--seed must be a whole number, not 'x'"),
        (["9998", HOST, "--most", "0"], "--most must be a number of at least 1"),
        (["9998", HOST, "--encoding", "klingon"], "--encoding klingon: there is no such encoding"),
        (["9998", HOST, "--script", "nowhere.py"], "nowhere.py: there is no such file"),
        (["9998", HOST, "--end-with-script"], "--end-with-script has no effect without --script FILE"),
        (["9998", HOST, "--record", "no/such/folder/x"], "there is no folder"),
        (["9998", HOST, "--monitor", "99999"], "the port of a monitor must be from 0 to 65535"),
    ],
)
def test_a_mistake_is_one_line(
    words: Sequence[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tap", *words])

    assert 1 == ended.value.code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tcpcomm tap: ")
    assert problem in line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def disturb(tap): pass", "write 'async def disturb(tap):', which the tap runs"),
        ("x = 1", "has no disturb"),
        ("async def disturb(tap)\n    pass", "SyntaxError"),
    ],
    ids=["not async", "without the function", "syntax"],
)
def test_a_script_that_cannot_run_is_refused(
    text: str,
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    script = tmp_path / f"script_{abs(hash(request.node.name))}.py"
    script.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["tap", "9998", HOST, "--script", str(script)])

    assert 1 == ended.value.code
    assert problem in capsys.readouterr().err
