"""The hostile suite finds a bad server wrong, and a good one right."""

from __future__ import annotations

import json
import os
import sys

import pytest

from tcpcomm.testing.hostile import __main__ as program
from tcpcomm.testing.hostile.catalogue import CASES, cases_for
from tcpcomm.testing.hostile.options import target_options
from tcpcomm.testing.hostile.runner import CannotRun, Result, run_suite
from tcpcomm.testing.hostile.target import Target
from tcpcomm.testing.hostile.verdict import Verdict
from tests.conftest import skip
from tests.system.running import DEADLINE
from tests.testing.bad_servers import KEY, SERVER, BadServer, answer_everything

PATIENCE = 2.0
"""Seconds for which the suite waits until a bad server drops a peer that does nothing right."""

LINES = (103, 121, 123, 125, 126, 152, 203, 269, 351, 363)
"""Cases on which a flaw of this server shows."""

WAITING = 111
"""Another one, in which a good server ends the session by itself."""


def run(bad: BadServer, /, *numbers: int, kind: str = "lines", **options: object) -> dict[int, Result]:
    """Run cases against a server, and return the results by number. A busy machine is in time."""
    settings = {"max_frame": 65_536, "patience": DEADLINE, "within": DEADLINE, **options}
    target = Target(target_options(f"127.0.0.1:{bad.port}", kind, **settings))  # type: ignore[arg-type]
    cases = [case for case in cases_for(kind) if case.number in numbers]
    assert len(numbers) == len(cases)
    return {result.case.number: result for result in run_suite(target, cases, at_first=DEADLINE)}


def wrong(results: dict[int, Result]) -> list[int]:
    return [number for number, result in results.items() if result.verdict is Verdict.WRONG]


def test_a_good_server_is_found_right() -> None:
    with BadServer(partial=DEADLINE) as server:  # a busy machine may be late with half of a line
        results = run(server, *LINES)
    with BadServer() as server:
        results |= run(server, WAITING)

    assert [] == [results[number] for number in wrong(results)]


@pytest.mark.parametrize(
    ("flaw", "number"),
    [
        ("crashes", 351),
        ("never times out", WAITING),
        ("carries out HTTP", 152),
        ("has no limit", 203),
        ("answers twice", 123),
        ("carries out beginnings", 269),
        ("fills in formats", 363),
        ("drops replies at half close", 103),
    ],
)
def test_a_bad_server_is_found_wrong(flaw: str, number: int) -> None:
    with BadServer(flaw) as server:
        assert [number] == wrong(run(server, number, patience=PATIENCE))


@pytest.mark.parametrize(
    ("flaw", "number"), [("hangs", 121), ("takes a chunk for a message", 123), ("is slow", 123)]
)
def test_a_server_that_does_not_answer_in_time_is_found_wrong(flaw: str, number: int) -> None:
    with BadServer(flaw) as server:
        assert [number] == wrong(run(server, number, patience=PATIENCE, within=0.25))


def test_a_server_that_needs_each_request_in_one_packet_is_found_wrong() -> None:
    request = b"PING" * 15  # in so many places can it be cut, because two packets can be one chunk

    def answer(line: bytes) -> bytes:
        return b"PONG" if line == request else b"unknown"

    with BadServer("takes a chunk for a message", answer=answer) as server:
        found = run(server, 125, ask=request.decode(), patience=PATIENCE, within=0.25)
    assert [125] == wrong(found)


def test_open_files_are_found_in_the_process_of_the_server() -> None:
    if not sys.platform.startswith("linux"):
        skip("the suite reads a process on Linux only")
    with BadServer("leaks files") as server:
        assert [901] == wrong(run(server, 901, patience=PATIENCE, pid=os.getpid()))


@pytest.mark.parametrize(
    ("flaw", "found", "within"), [("has no limit", [203], 1.0), ("never times out", [], DEADLINE)]
)
def test_a_message_without_an_end_is_found_in_the_memory_of_the_server(
    flaw: str, found: list[int], within: float
) -> None:
    if not sys.platform.startswith("linux"):
        skip("the suite reads a process on Linux only")
    with BadServer(flaw) as server:
        assert found == wrong(run(server, 203, patience=PATIENCE, within=within, pid=os.getpid()))


@pytest.mark.parametrize(
    ("flaw", "numbers", "found"),
    [
        ("psk", (602, 604, 607, 608, 616), []),
        ("psk with one nonce", (602, 607), [602, 607]),
        ("psk with reflection", (608,), [608]),
        ("psk without a check", (604, 607, 628), [604, 607, 628]),
    ],
)
def test_a_bad_proof_is_found_wrong(flaw: str, numbers: tuple[int, ...], found: list[int]) -> None:
    with BadServer(flaw) as server:
        keys = (("robot-1", KEY),)
        patience = PATIENCE if found else DEADLINE
        results = run(server, *numbers, kind="psk", keys=keys, server=SERVER, patience=patience)
    assert found == wrong(results)


def test_careless_json_rpc_is_found_wrong() -> None:
    with BadServer(answer=answer_everything) as server:
        results = run(server, 451, 453, 455, 459, 469, 483, kind="json-rpc")

    assert [451, 453, 455, 459] == wrong(results)
    assert "answered a notification" in results[455].text


def test_nothing_is_judged_if_the_server_does_not_answer_a_good_request() -> None:
    with BadServer() as server:
        target = Target(target_options(f"127.0.0.1:{server.port}", "lines", expect="never", within=0.1))
        with pytest.raises(CannotRun, match=r"Check --kind, --framing"):
            run_suite(target, [])


def test_nothing_is_judged_if_the_reply_has_another_framing() -> None:
    with BadServer() as server, pytest.raises(CannotRun, match="not a message of its own framing"):
        run(server, kind="binary", framing=r"length:2,offset=2,sync=\xaa\x55", ask="PING\n")


def test_the_program_prints_a_table_and_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    patient = ["--within", f"{DEADLINE:g}"]
    with BadServer("answers twice") as server:
        at = f"127.0.0.1:{server.port}"
        assert 1 == program.main([at, "--kind", "lines", "--only", "123", "--json", *patient])
        report = json.loads(capsys.readouterr().out)
    with BadServer() as server:
        at = f"127.0.0.1:{server.port}"
        assert 0 == program.main([at, "--kind", "lines", "--only", "123,351", *patient])
        table = capsys.readouterr().out
        assert 2 == program.main([at, "--kind", "lines", "--ask", "?", "--only", "123", "--within", "0.1"])

    assert "123  ok" in table
    assert "2 cases: 2 ok" in table
    assert ["wrong"] == [each["verdict"] for each in report["cases"]]
    assert "does not answer b'?'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["127.0.0.1:9", "--kind", "lines", "--only", "x"], "--only must be numbers"),
        (["127.0.0.1:9", "--kind", "lines", "--only", "601"], "names no case of this kind"),
        (["127.0.0.1:9", "--kind", "lines", "--only", "1-20"], "its cases are in the range 101-"),
        (["tcp:127.0.0.1:9", "--kind", "lines"], "must be HOST:PORT, without tcp:"),
        (["127.0.0.1", "--kind", "lines"], "must be HOST:PORT"),
        (["127.0.0.1:9", "--kind", "lines", "--framing", "length:4"], "does not fit"),
        (["127.0.0.1:9", "--kind", "json", "--ask", "PING"], "must be JSON"),
        (["127.0.0.1:9", "--kind", "binary", "--ask", "hex:x"], "hexadecimal digits"),
        (["127.0.0.1:9", "--kind", "psk", "--key", "robot"], "--key must be"),
        (["127.0.0.1:9"], "--kind are needed"),
    ],
)
def test_mistakes_in_the_options_are_told(
    options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == program.main(options)
    assert problem in capsys.readouterr().err


def test_the_list_says_what_each_case_sends_and_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == program.main(["--list", "--kind", "tls"])
    listed = capsys.readouterr().out

    assert "705  CBC only" in listed
    assert "right: an alert or the end" in listed


def test_there_are_enough_cases_and_each_is_explained() -> None:
    assert 150 <= len(CASES)
    names = [(case.name, case.kinds) for case in CASES]
    assert sorted(set(names)) == sorted(names)
    for case in CASES:
        assert case.sentence.endswith("."), case.number
        assert case.sends, case.number
        assert case.right, case.number


def test_a_length_may_count_its_own_header() -> None:
    found = target_options("127.0.0.1:9999", "binary", framing="tpkt")
    assert 65531 == found.framing.max_frame
