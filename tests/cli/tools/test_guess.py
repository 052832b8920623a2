"""``tcpcomm guess``: its answers, its exit codes, and the files and options that it refuses."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcpcomm import Recorder
from tcpcomm.cli import main
from tcpcomm.cli.tools import guess as guess_module
from tcpcomm.cli.tools.guess import GuessOptions
from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import Capture
from tests.tools.guess.sources.made_packets import Talk, pcap, pcapng
from tests.tools.record.sessions import Session

Run = Callable[..., tuple[int, str, str]]

LINES = Explanation(
    framings=(r"delimited:\r\n", r"delimited:\r\n"),
    variants=((r"delimited:\n", r"delimited:\n"), ("lines", "lines")),
    evidence=("4 of 4 ends of chunks are ends of messages", "the decoder finds 4 messages and 0 faults"),
)
DIFFERENT = Explanation(framings=("length:2", r"delimited:\r"), variants=(("length:2", "lines"),))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def run_to_its_end(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["guess", *words])
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return run_to_its_end


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Capture]:
    """Put a guesser in place that is confident. Return the captures that it gets."""
    captures: list[Capture] = []

    def guess(capture: Capture) -> Guess:
        captures.append(capture)
        return Guess(verdict=Verdict.CONFIDENT, best=LINES, notes=capture.notes)

    monkeypatch.setattr(GuessOptions, "guess", staticmethod(guess))
    return captures


def answer(monkeypatch: pytest.MonkeyPatch, guess: Guess) -> None:
    monkeypatch.setattr(GuessOptions, "guess", staticmethod(lambda capture: guess))


def dump(exchanges: int = 12) -> str:
    """Return a dump of a text protocol."""
    lines = []
    for number in range(exchanges):
        lines += [
            f"> {f'TRG,{number}'.encode().hex(' ')} 0d 0a",
            f"< {f'OK,{number * 7.25:.2f}'.encode().hex(' ')} 0d 0a",
        ]
    return "\n".join(lines)


@pytest.fixture
def _dump(tmp_path: Path) -> None:
    (tmp_path / "dump.txt").write_text(dump(), "utf-8")


# -- the answer


@pytest.mark.usefixtures("_dump")
def test_a_dump_gives_its_framing_with_the_evidence(run: Run) -> None:
    code, output, errors = run("dump.txt")
    assert (0, "") == (code, errors)
    first, *rest = output.splitlines()
    assert r"confident  delimited:\r\n" == first
    assert "24 of 24" in rest[0]
    assert (
        r"next: see the messages: tcpcomm tap tcp:9998 tcp:HOST:PORT --framing 'delimited:\r\n'" == rest[-2]
    )


def test_the_evidence_the_variants_and_the_rest_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    guess = Guess(
        verdict=Verdict.LIKELY,
        best=LINES,
        others=(Explanation(framings=DIFFERENT.framings, behind=123.4),),
        doubts=("4 messages are few",),
        unexplained=("bytes 2 to 15", "byte 17"),
        facts=("byte 3 counts",),
        notes=("line 7 is not understood: \x1b[2J",),
    )
    answer(monkeypatch, guess)
    Path("dump.txt").write_text("> 41\n", "utf-8")
    code, output, _ = run("dump.txt")
    assert 2 == code
    assert output == (
        "likely     delimited:\\r\\n\n"
        "           but 4 messages are few\n"
        "           4 of 4 ends of chunks are ends of messages; the decoder finds 4 messages and 0 faults\n"
        "           cuts alike: delimited:\\n or lines\n"
        "           next best: > length:2 with < delimited:\\r, 123 bits behind\n"
        "not explained: bytes 2 to 15, byte 17\n"
        "fact: byte 3 counts\n"
        "note: line 7 is not understood: \\x1b[2J\n"
        "next: capture more: from the beginning of the connection, both sides, different commands; or try: "
        "tcpcomm tap tcp:9998 tcp:HOST:PORT --framing 'delimited:\\r\\n'\n"
    )


def test_different_framings_stand_beside_their_sides(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.CONFIDENT, best=DIFFERENT))
    made = Talk().open().say(0, b"A").say(1, b"B")
    Path("line.pcap").write_bytes(pcap(made.packets))
    assert run("line.pcap")[1].splitlines() == [
        "confident  > length:2",
        "           < delimited:\\r",
        "           cuts alike: < lines",
        "next: see the messages: tcpcomm tap tcp:9998 tcp:10.0.0.9:8501 --framing length:2 --reply-framing "
        r"'delimited:\r'",
        "no draft: Only one side has messages, and a draft needs requests and their replies.",
    ]


def test_a_side_that_sent_nothing_has_no_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=(None, "length:2"))))
    made = Talk(client="::1:50000", server="::2:8501").open().say(1, b"B")
    Path("line.pcap").write_bytes(pcap(made.packets))
    assert run("line.pcap")[1].splitlines() == [
        "confident  < length:2",
        r"next: see the messages: tcpcomm tap tcp:9998 'tcp6:\:\:2:8501' --framing length:2",
        "no draft: Only one side has messages, and a draft needs requests and their replies.",
    ]


def test_nothing_is_told_with_the_hint_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.NOTHING, doubts=("4 messages are few",)))
    Path("dump.txt").write_text("> 41\n", "utf-8")
    code, output, _ = run("dump.txt")
    assert 3 == code
    assert output == (
        "nothing    no framing explains these bytes\n"
        "           but 4 messages are few\n"
        "next: capture more: from the beginning of the connection, both sides, different commands\n"
    )
    answer(monkeypatch, Guess(verdict=Verdict.NOTHING, best=LINES))
    assert r"           delimited:\r\n explains most, and proves nothing" in run("dump.txt")[1].splitlines()


def test_a_stream_that_is_encrypted_says_so_and_what_to_do(run: Run) -> None:
    made = Talk(server="10.0.0.9:443").open()
    made.say(0, b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + bytes(0x3A))
    made.say(1, b"\x16\x03\x03\x00\x40\x02\x00\x00\x3c\x03\x03" + bytes(0x3A))
    for number in range(10):
        made.say(number % 2, b"\x17\x03\x03\x00\x20" + bytes([number]) * 32)
    Path("line.pcap").write_bytes(pcap(made.packets))
    code, output, _ = run("line.pcap")
    assert 3 == code
    assert "this looks like TLS" in output
    assert "next: the bytes are encrypted: capture behind the TLS" in output


def test_a_login_before_other_messages_says_where_it_ends_and_what_to_do(run: Run) -> None:
    lines = ["< login: ", "> admin{0D}{0A}", "< OK{0D}{0A}"]
    for job in range(12):
        lines += [f"> {{02}}TRG,{job}{{03}}", f"< {{02}}OK,{job * 7}{{03}}"]
    Path("dump.txt").write_text("\n".join(lines) + "\n", "utf-8")
    code, output, _ = run("dump.txt")
    words = " ".join(output.split())
    assert 2 == code
    assert output.startswith("likely     stx-etx\n")
    assert "but the stream changes: it begins with text such as 'login: ', and this framing" in words
    assert "fits from byte 7 of > and byte 11 of < on" in words
    assert "next: declare it as login, in a framing that reads both, or capture behind it" in output
    assert 3 == json.loads(run("dump.txt", "--format", "json")[1])["skipped"]
    code, output, told = run("dump.txt", "--draft")
    assert 2 == code
    assert '@command("TRG,{value}", reply="OK,{value' in output
    assert "The first 3 chunks have another framing" in told


@pytest.mark.usefixtures("_dump")
def test_json_has_the_whole_answer(run: Run) -> None:
    code, output, errors = run("dump.txt", "--format", "json")
    found = json.loads(output)
    assert (0, "") == (code, errors)
    assert {"opener": r"delimited:\r\n", "answerer": r"delimited:\r\n"} == found["best"]["framings"]
    assert ("confident", "dump.txt") == (found["verdict"], found["file"])
    assert {"number": 1, "name": "", "bytes": 24 * 7 + 24 + 24 + 16 + 8, "chunks": 24}.keys() == found[
        "stream"
    ].keys()
    assert [found["stream"]] == found["streams"]
    assert found["next"].startswith("see the messages: tcpcomm tap")


# -- the file


def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(dump().encode())))
    assert 0 == run("-")[0]


def test_a_recording_is_read(run: Run, looked_at: list[Capture], tmp_path: Path) -> None:
    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        session = Session()
        recorder.received(session, b"TRG,3\r\n")
        recorder.sent(session, b"OK\r\n")
    assert 0 == run("line.tcpcomm")[0]
    assert "10.0.0.7:50432 > 10.0.0.9:9999" == looked_at[0].name


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name one file"),
        (["missing.txt"], "missing.txt: cannot read it: No such file or directory"),
        (["."], ".: cannot read it: "),
        (["empty.txt"], "empty.txt: it is empty: capture while the two machines speak"),
        (["odd.bin"], "odd.bin: its form is not known"),
        (["line.pcap"], "line.pcap: it holds no packets"),
        (["cut.pcapng"], "cut.pcapng: the file is cut before its first packet: copy it again"),
        (["raw.txt"], "raw.txt: it follows a stream without bytes: follow another one"),
        (["yaml.txt"], "yaml.txt: it follows a stream without bytes: follow another one"),
        (["ascii.txt"], "ascii.txt: the form ascii does not show all bytes: follow the stream in hex"),
        (["dump.txt", "--format", "xml"], "--format must be text or json, not 'xml'"),
        (["dump.txt", "--side", "left"], "--side must be opener or answerer, not 'left'"),
        (["dump.txt", "--side", "answerer"], "dump.txt: the answerer sent nothing in this stream"),
        (["dump.txt", "--stream", "9"], "--stream 9: there is no such stream in dump.txt; it has 1"),
        (["dump.txt", "--stream", "9" * 5000], "--stream 9999"),
    ],
    ids=[
        "none",
        "missing",
        "folder",
        "empty",
        "unknown",
        "no packets",
        "cut head",
        "empty stream",
        "empty stream in YAML",
        "stream in ASCII",
        "format",
        "side",
        "silent",
        "stream",
        "number without end",
    ],
)
def test_mistakes_are_told_with_the_next_step(run: Run, words: list[str], problem: str) -> None:
    Path("empty.txt").touch()
    Path("odd.bin").write_bytes(bytes(range(32)) * 9)
    Path("line.pcap").write_bytes(pcap([]))
    Path("cut.pcapng").write_bytes(pcapng([])[:20])
    line, nodes = "=" * 67, "Filter: tcp.stream eq 5\nNode 0: :0\nNode 1: :0\n"
    Path("raw.txt").write_text(f"\n{line}\nFollow: tcp,raw\n{nodes}{line}\n", "utf-8")
    Path("ascii.txt").write_text(f"\n{line}\nFollow: tcp,ascii\n{nodes}3\nM0.\n{line}\n", "utf-8")
    peers = "".join(f"  - peer: {each}\n    host: \n    port: 0\n" for each in (0, 1))
    Path("yaml.txt").write_text(f"peers:\n{peers}packets:\n", "utf-8")
    Path("dump.txt").write_text("> 41\n", "utf-8")
    code, output, errors = run(*words)
    assert (1, "") == (code, output)
    assert f"tcpcomm guess: {problem}" in errors


def test_ctrl_c_ends_it_with_the_code_of_shells(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(capture: Capture) -> Guess:
        raise KeyboardInterrupt

    monkeypatch.setattr(GuessOptions, "guess", staticmethod(interrupted))
    Path("dump.txt").write_text("> 41\n", "utf-8")
    assert (130, "", "tcpcomm guess: interrupted: nothing is guessed\n") == run("dump.txt")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_much_is_read(
    run: Run, looked_at: list[Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("dump.txt").write_text("> 41\n" * 10, "utf-8")
    monkeypatch.setattr(guess_module, "_SHOWN_EVERY", 0.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run("dump.txt")
    shown = terminal.getvalue()
    assert "\rreading, 100 %" in shown
    assert shown.endswith("\r" + " " * 20 + "\r")


# -- streams and sides


@pytest.fixture
def _three(tmp_path: Path) -> None:
    """A capture of three connections, of which the second is the largest."""
    packets = []
    for host, port, size in (("10.0.0.7", 50001, 1), ("10.0.0.8", 50002, 3), ("10.0.0.7", 50003, 2)):
        made = Talk(client=f"{host}:{port}", server=f"10.0.0.9:{port - 42000}").open()
        for number in range(size):
            made.say(0, b"%d" % number).say(1, b"%d" % number)
        packets += made.packets
    (tmp_path / "line.pcap").write_bytes(pcap(packets))


@pytest.mark.usefixtures("_three")
def test_the_largest_stream_is_taken_and_all_are_listed(run: Run, looked_at: list[Capture]) -> None:
    code, _, errors = run("line.pcap")
    assert 0 == code
    assert ["10.0.0.8:50002 > 10.0.0.9:8002"] == [each.name for each in looked_at]
    assert errors.splitlines() == [
        "tcpcomm guess: line.pcap is a packet capture with 3 streams; this is the largest one, "
        "2 (10.0.0.8:50002 > 10.0.0.9:8002); another one: --stream NUMBER or ADDRESS",
        "tcpcomm guess:   1 (10.0.0.7:50001 > 10.0.0.9:8001): 2 bytes in 2 chunks",
        "tcpcomm guess:   2 (10.0.0.8:50002 > 10.0.0.9:8002): 6 bytes in 6 chunks",
        "tcpcomm guess:   3 (10.0.0.7:50003 > 10.0.0.9:8003): 4 bytes in 4 chunks",
    ]


@pytest.mark.usefixtures("_three")
@pytest.mark.parametrize(
    ("wanted", "port"),
    [
        ("3", 8003),
        ("10.0.0.9:8001", 8001),
        ("10.0.0.7:50003", 8003),
        (":8001", 8001),
        ("10.0.0.7", 8003),
        ("10.0.0.7:50001 > 10.0.0.9:8001", 8001),
    ],
)
def test_a_stream_has_several_names(run: Run, looked_at: list[Capture], wanted: str, port: int) -> None:
    assert (0, "") == run("line.pcap", "--stream", wanted)[::2]
    assert looked_at[0].name.endswith(f":{port}")


@pytest.mark.usefixtures("_three")
def test_many_streams_are_listed_in_part(
    run: Run, looked_at: list[Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guess_module, "_MOST_LISTED", 2)
    listed = run("line.pcap")[2].splitlines()[1:]
    assert ["2 (", "3 (", "and"] == [line.split(":   ")[-1].split(":  ")[-1].strip()[:3] for line in listed]


@pytest.fixture
def _anew(tmp_path: Path) -> None:
    """A capture of a host that connects anew for each command, and of another one."""
    packets = Talk(client="10.0.0.7:50999", server="10.0.0.9:80").open().say(0, b"GET / HTTP/1.1").packets
    for number in range(12):
        made = Talk(client=f"10.0.0.7:{50001 + number}", server="10.0.0.9:8501").open()
        packets += made.say(0, b"TRG,%d\r" % number).say(1, b"OK,%d.25\r" % (number * 9)).close().packets
    (tmp_path / "line.pcap").write_bytes(pcap(packets))


@pytest.mark.usefixtures("_anew")
def test_connections_of_one_command_each_are_joined(run: Run) -> None:
    code, output, errors = run("line.pcap")
    assert 0 == code
    first, *rest = output.splitlines()
    assert r"confident  delimited:\r" == first
    assert "note: 12 connections to 10.0.0.9:8501 are read one after the other as one capture" in rest
    assert r"tcp:10.0.0.9:8501 --framing 'delimited:\r'" in output
    assert "13 streams; each is short, so these are joined: 12 connections > 10.0.0.9:8501;" in errors


@pytest.mark.usefixtures("_anew")
def test_connections_to_a_named_address_are_joined_and_a_numbered_one_is_alone(run: Run) -> None:
    code, output, _ = run("line.pcap", "--stream", ":8501")
    assert 0 == code
    assert "then: tcpcomm guess line.pcap --stream :8501 --draft > device.py" in output
    joined = json.loads(run("line.pcap", "--stream", ":8501", "--format", "json")[1])["stream"]
    assert (0, "12 connections > 10.0.0.9:8501", 24) == (joined["number"], joined["name"], joined["chunks"])
    alone = json.loads(run("line.pcap", "--stream", "3", "--format", "json")[1])["stream"]
    assert (3, 2) == (alone["number"], alone["chunks"])


@pytest.mark.usefixtures("_anew")
def test_a_draft_is_written_of_connections_that_are_joined(run: Run) -> None:
    code, output, told = run("line.pcap", "--stream", ":8501", "--draft")
    assert 0 == code
    assert "It reads 12 of 12 lines of the equipment, and 12 of 12 requests." in told
    assert "a capture of 12 connections to 10.0.0.9:8501 shows it" in output


@pytest.mark.usefixtures("_dump")
def test_one_side_alone_is_looked_at(run: Run, looked_at: list[Capture]) -> None:
    code, output, _ = run("dump.txt", "--side", "answerer")
    assert 0 == code
    assert {1} == {each.side for each in looked_at[0].chunks}
    assert "note: only the bytes of the answerer are looked at" in output.splitlines()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("> 41\n> 42\n", "only the opener speaks: a capture of both sides shows more"),
        ("< 41\n< 42\n", "only the answerer speaks: a capture of both sides shows more"),
        ("> 41\n", "it holds one chunk only: capture 10 messages or more"),
        ("41 42\n43 44\n", "it shows no directions, so all bytes are taken for those of one side"),
    ],
)
def test_a_capture_that_lacks_something_says_so(
    run: Run, looked_at: list[Capture], text: str, note: str
) -> None:
    Path("dump.txt").write_text(text, "utf-8")
    assert f"note: {note}" in run("dump.txt")[1].splitlines()


@pytest.mark.parametrize("end", ["{0D}", "\n"], ids=["escapes", "as it is"])
def test_a_copy_without_chunks_is_not_told_that_few_frames_end_one(run: Run, end: str) -> None:
    Path("copy.txt").write_text(
        "".join(f"OK,{job * 1.25:.3f},{90 - job}{end}" for job in range(14)), "utf-8"
    )
    code, output, _ = run("copy.txt")
    assert 2 == code
    assert "of the frames end a chunk" not in output
    assert (
        "next: capture it with 'tcpcomm tap', or write each chunk on a line of its own, behind '>'"
        in output
    )


def test_a_chunk_of_several_lines_is_told(run: Run) -> None:
    text = "".join(f"OK,{job * 1.25:.3f},{90 - job}{{0D}}" for job in range(14))
    Path("copy.txt").write_text(f"< {text}\n", "utf-8")
    assert "of the frames end a chunk: several lines may be one message" in " ".join(
        run("copy.txt")[1].split()
    )


def test_bytes_of_one_side_are_taken_as_they_are(run: Run, looked_at: list[Capture]) -> None:
    Path("dump.txt").write_bytes(b"> 41\n")
    run("dump.txt", "--raw")
    assert b"> 41\n" == looked_at[0].chunks[0].data


def test_the_help_names_the_exit_codes(run: Run) -> None:
    shown: Any = run("--help")[1]
    assert re.search(r"Exit codes: 0 confident.* 2 likely.* 3 nothing was found", " ".join(shown.split()))
    assert "4 with --draft: no draft can be written" in " ".join(shown.split())


def test_a_draft_is_printed_as_a_module_with_its_notes_on_standard_error(run: Run) -> None:
    lines = [line for job in range(12) for line in (f"> TRG,{job}{{0D}}", f"< OK,{job / 8:.3f}{{0D}}")]
    Path("dump.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, output, told = run("dump.txt", "--draft")
    assert 0 == code
    compile(output, "draft", "exec")
    assert '@command("TRG,{value}", reply="OK,{value1:.3f}")' in output.replace(
        "{value:.3f}", "{value1:.3f}"
    )
    assert "It reads 12 of 12 lines of the equipment, and 12 of 12 requests." in told


def test_a_draft_by_a_likely_framing_says_why_it_is_not_certain(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = Guess(
        verdict=Verdict.LIKELY, best=LINES, doubts=("a doubt\n    x = 1",), notes=("a part is left out",)
    )
    answer(monkeypatch, guess)
    Path("dump.txt").write_text("> A{0D}{0A}\n< 1{0D}{0A}\n" * 8, encoding="utf-8")
    code, output, told = run("dump.txt", "--draft")
    assert 2 == code
    assert "    # unsure: a doubt\\x0a    x = 1\n    framing = Delimited" in output
    for line in (r"likely: delimited:\r\n", "but a doubt", "note: a part is left out"):
        assert f"tcpcomm guess: {line}" in told


def test_a_capture_that_cannot_be_drafted_is_told_with_the_reason(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.CONFIDENT, best=LINES))
    lines = ["> A{0D}{0A}", "> B{0D}{0A}", "< 1{0D}{0A}", "< 2{0D}{0A}"] * 20
    Path("dump.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, output, told = run("dump.txt", "--draft")
    assert (4, "") == (code, output)
    assert "Capture again with one command at a time." in told


def test_a_draft_is_offered_only_where_one_can_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.CONFIDENT, best=LINES))
    for lines, begin in (
        (["> A{0D}{0A}", "> B{0D}{0A}", "< 1{0D}{0A}", "< 2{0D}{0A}"], "no draft: 20 requests were sent"),
        (["> A{0D}{0A}", "< 1{0D}{0A}"], "then: tcpcomm guess dump.txt --draft > device.py"),
    ):
        Path("dump.txt").write_text("\n".join(lines * 20) + "\n", encoding="utf-8")
        assert run("dump.txt")[1].splitlines()[-1].startswith(begin)


def test_the_next_step_for_a_known_protocol_is_its_ready_device(run: Run) -> None:
    lines = []
    for number in range(12):
        lines += [f"> 00{number:02x} 0000 0006 01 03 00{number * 7:02x} 0001"]
        lines += [f"< 00{number:02x} 0000 0005 01 03 02 00{number * 9:02x}"]
    Path("dump.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    output = run("dump.txt")[1]
    assert "fact: the ready device modbus reads 24 of 24 messages\n" in output
    assert "see the messages: tcpcomm tap tcp:9998 tcp:HOST:PORT --as modbus\n" in output
    assert "modbus" == json.loads(run("dump.txt", "--format", "json")[1])["device"]
    told = run("dump.txt", "--draft")[2]
    assert "no draft is needed: the ready device modbus reads 24 of 24 messages." in told
    assert "docs/devices/modbus.md" in told


def test_the_next_step_of_a_stream_without_a_framing_stands_in_the_refusal_of_a_draft(run: Run) -> None:
    lines = [f"> GET /{job} HTTP/1.1{{0D}}{{0A}}{{0D}}{{0A}}" for job in range(12)]
    Path("dump.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, _, told = run("dump.txt", "--draft")
    assert 4 == code
    assert "nothing can be drafted. Next: use an HTTP client or server for it" in told


def test_a_capture_of_one_side_has_no_draft(run: Run) -> None:
    Path("dump.txt").write_text("".join(f"> TRG,{job}{{0D}}\n" for job in range(12)), encoding="utf-8")
    code, output, told = run("dump.txt", "--draft")
    assert (4, "") == (code, output)
    assert "a draft needs requests and their replies" in told


@pytest.mark.parametrize("hint", [None, LINES], ids=["none", "hint"])
def test_no_draft_is_written_by_a_framing_that_proves_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, hint: Explanation | None
) -> None:
    answer(monkeypatch, Guess(verdict=Verdict.NOTHING, best=hint))
    Path("dump.txt").write_text("> 41\n", "utf-8")
    code, output, told = run("dump.txt", "--draft")
    assert (4, "") == (code, output)
    assert "No framing is known, so that nothing can be drafted." in told
