"""The subcommand ``tcpcomm guess``: it finds the framing that explains captured bytes."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, ClassVar, Final, cast

from attrs import evolve
from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.runtime.safe_text import one_line, safe_json
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.binary.ready_device import device_page, with_device
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture
from tcpcomm.tools.guess.changes import CHANGES
from tcpcomm.tools.guess.draft.declaration import draft_declaration
from tcpcomm.tools.guess.facts import with_facts
from tcpcomm.tools.guess.mixtures import MIXED
from tcpcomm.tools.guess.report import doubt_lines, report_json, report_lines
from tcpcomm.tools.guess.search import guess_framing
from tcpcomm.tools.guess.sources.joining import listener, read, siblings, together
from tcpcomm.tools.guess.sources.opening import source_of
from tcpcomm.tools.guess.sources.source import Source, StreamInfo, UnreadableCapture
from tcpcomm.tools.guess.wording import framing_options

LIKELY: Final = 2
"""The exit code for a likely framing."""

NOTHING: Final = 3
"""The exit code if no framing was found."""

NO_DRAFT: Final = 4
"""The exit code if no draft can be written, whatever the framing."""

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""

_CODES: Final = {Verdict.CONFIDENT: 0, Verdict.LIKELY: LIKELY, Verdict.NOTHING: NOTHING}
_STANDARD_INPUT: Final = "-"
_FORMATS: Final = ("text", "json")
_SIDES: Final = {"opener": OPENER, "answerer": ANSWERER}
_MOST_LISTED: Final = 20
_SHOWN_EVERY: Final = 0.2
"""Seconds between two looks of the progress."""

_PLACE: Final = re.compile(r"(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_BUFFER: Final = 1024 * 1024
_RECOGNISED: Final = "this looks like "
"""The beginning of the doubt about a stream that has no framing, with its next step behind a colon."""

_ENOUGH: Final = 10
"""Messages that a confident guess needs at least."""


class GuessOptions(Subcommand):
    """The options of ``tcpcomm guess``."""

    synopsis = "guess FILE [options]"

    longdesc = f"""Finds the framing of a device that has no manual, from captured bytes. FILE is a pcap or
pcapng file, a recording, or a dump as text: with '>' and '<' before each chunk, the log of 'tcpcomm tap',
or a copy from Wireshark; '-' is standard input. Standard output says the framing as other commands take it,
the evidence, and what is not explained. '>' is the side that opened the connection, '<' the other one. Give
it at least {_ENOUGH} messages."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "confident; with --draft, the draft is written",
        1: "the command line has a mistake, or the file cannot be read",
        LIKELY: "likely: the output names the doubts; with --draft, the draft is written",
        NOTHING: "nothing was found, or nothing that the bytes prove",
        NO_DRAFT: "with --draft: no draft can be written, and standard error says why",
        INTERRUPTED: "Ctrl-C ended it",
    }

    examples = r"""
Examples:
  tcpcomm guess capture.pcapng --stream 10.0.0.9:8501
  tcpcomm tap tcp:9998 tcp:10.0.0.9:8501 --record line.tcpcomm, and then: tcpcomm guess line.tcpcomm
  tcpcomm guess line.tcpcomm --draft > device.py
"""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "stream",
            "s",
            None,
            "The stream: its number, an address such as 10.0.0.9:8501, or a port such as :8501. If several "
            "fit, or none is given, the largest one.",
        ],
        ["side", None, None, "Only the bytes of one side: opener or answerer."],
        ["format", "f", "text", "text, or json: one object with all that the text says."],
    ]
    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["raw", "r", "The file has the bytes of one side, as they passed."],
        [
            "draft",
            "d",
            "Print a draft of the declaration as a module, with notes on standard error.",
        ],
    ]

    guess: Callable[[Capture], Guess] = staticmethod(guess_framing)

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one file, as in capture.pcapng, or - for standard input")
        self.name = args[0]

    def run(self) -> int:
        if self["format"] not in _FORMATS:
            raise Refusal(f"--format must be {' or '.join(_FORMATS)}, not {self['format']!r}")
        if self["side"] is not None and self["side"] not in _SIDES:
            raise Refusal(f"--side must be {' or '.join(_SIDES)}, not {self['side']!r}")
        try:
            streams, stream, capture = self._read()
            guess = with_device(capture, with_facts(capture, self.guess(capture)))
        except UnreadableCapture as problem:
            raise Refusal(f"{self._shown_name}: {problem}") from None
        except KeyboardInterrupt:
            raise Refusal("interrupted: nothing is guessed", code=INTERRUPTED) from None
        next_step = self._next_step(guess, stream, is_bare=capture.is_bare)
        if self["draft"]:
            return self._draft(capture, guess, next_step)
        if self["format"] == "json":
            about = {"file": self._shown_name, "stream": _facts(stream), "streams": [*map(_facts, streams)]}
            found = {**about, **report_json(guess), "next": next_step}
            print(safe_json(json.dumps(found, ensure_ascii=False)))
        else:
            for line in report_lines(guess):
                print(line)
            print(f"next: {next_step}")
            if guess.verdict is Verdict.CONFIDENT and self.name != _STANDARD_INPUT:
                print(self._then(capture, guess, self._chosen_again(stream) if len(streams) > 1 else ""))
        return _CODES[guess.verdict]

    def _then(self, capture: Capture, guess: Guess, chosen: str) -> str:
        """Return the line with the command that writes a draft, or with the reason why there is none."""
        if guess.device:
            return f"then: tcpcomm describe {guess.device}; {device_page(guess.device)} shows its use"
        problem = draft_declaration(capture, guess).problem  # it takes less time than the guess took
        if problem:
            return one_line(f"no draft: {problem}")
        side = "" if self["side"] is None else f" --side {self['side']}"
        return f"then: tcpcomm guess {shlex.quote(self.name)}{chosen}{side} --draft > device.py"

    def _draft(self, capture: Capture, guess: Guess, next_step: str) -> int:
        if guess.best is None or guess.verdict is Verdict.NOTHING:
            problem = f"No framing is known, so that nothing can be drafted. Next: {next_step}"
            raise Refusal(problem, code=NO_DRAFT)
        if guess.device:
            _tell(
                f"no draft is needed: {guess.facts[0]}. 'tcpcomm describe {guess.device}' shows it, and "
                f"{device_page(guess.device)} its use"
            )
        draft = draft_declaration(capture, guess)
        for line in doubt_lines(guess):
            _tell(line)
        for note in draft.notes:
            _tell(one_line(note))
        if draft.problem:
            raise Refusal(draft.problem, code=NO_DRAFT)
        print(draft.text, end="")
        return _CODES[guess.verdict]

    def _chosen_again(self, stream: StreamInfo) -> str:
        """Return the option that takes this stream again, or these joined ones."""
        wanted = str(stream.number) if stream.number else self["stream"]
        return f" --stream {shlex.quote(wanted)}" if wanted else ""

    @property
    def _shown_name(self) -> str:
        return "standard input" if self.name == _STANDARD_INPUT else self.name

    def _read(self) -> tuple[list[StreamInfo], StreamInfo, Capture]:
        """Return the streams of the file, the one that is wanted, and its bytes."""
        progress = _Progress()
        try:
            with self._file(progress) as (file, path):
                source = source_of(file, path, is_raw=bool(self["raw"]), passed=progress.passed)
                streams = source.streams()
                wanted = self._chosen(streams)
                progress.end()
                self._tell_streams(source, streams, wanted)
                capture = read(source, wanted)
        finally:
            progress.end()
        return streams, together(wanted), self._one_side(capture)

    @contextmanager
    def _file(self, progress: _Progress) -> Iterator[tuple[BinaryIO, Path | None]]:
        """Open the file. Standard input becomes a file that is deleted at its end."""
        if self.name == _STANDARD_INPUT:
            with tempfile.TemporaryFile() as copy:
                if sys.stdin.isatty():
                    _tell("type or paste a dump, and end it with an empty input")
                shutil.copyfileobj(sys.stdin.buffer, copy)
                yield cast("BinaryIO", copy), None  # on Windows it wraps one
            return
        path = Path(self.name)
        try:
            with io.BufferedReader(_Watched(path, progress.passed), _BUFFER) as file:
                yield file, path
        except OSError as error:
            raise Refusal(f"{path}: cannot read it: {error.strerror or error}") from None

    def _chosen(self, streams: list[StreamInfo]) -> list[StreamInfo]:
        """Return the stream that is wanted, or the largest one, with others that it is joined to."""
        wanted = self["stream"]
        found = [each for each in streams if wanted is None or _is_called(each, wanted)]
        if not found:
            names = "; ".join(_stream_text(each) for each in streams[:_MOST_LISTED])
            raise Refusal(
                f"--stream {wanted}: there is no such stream in {self._shown_name}; it has {names}"
            )
        return siblings(found, max(found, key=lambda each: each.size))

    def _tell_streams(self, source: Source, streams: list[StreamInfo], wanted: list[StreamInfo]) -> None:
        """List the streams on standard error, if there are several and none was named."""
        if len(streams) == 1 or self["stream"] is not None:
            return
        if len(wanted) == 1:
            taken = f"this is the largest one, {_stream_text(wanted[0])}; another one"
        else:
            taken = f"each is short, so these are joined: {together(wanted).name}; one alone"
        _tell(
            f"{self._shown_name} is {source.kind} with {len(streams):,} streams; {taken}: "
            "--stream NUMBER or ADDRESS"
        )
        if len(wanted) > 1:
            streams = [each for each in streams if listener(each) != listener(wanted[0])]
        largest = sorted(streams, key=lambda each: -each.size)[:_MOST_LISTED]
        for each in sorted(largest, key=lambda each: each.number):
            _tell(f"  {_stream_text(each)}: {each.size:,} bytes in {each.chunks:,} chunks")
        if len(streams) > len(largest):
            _tell(f"  and {len(streams) - len(largest):,} smaller ones")

    def _one_side(self, capture: Capture) -> Capture:
        """Return the bytes of the side that is wanted, with notes if a side or messages are missing."""
        wanted = self["side"]
        notes = list(capture.notes)
        chunks = capture.chunks
        if wanted is not None:
            chunks = tuple(each for each in chunks if each.side == _SIDES[wanted])
            if not chunks:
                raise UnreadableCapture(f"the {wanted} sent nothing in this stream: leave out --side")
            notes.append(f"only the bytes of the {wanted} are looked at")
        elif len({each.side for each in chunks}) == 1 and not any("one side" in each for each in notes):
            side = "opener" if chunks[0].side == OPENER else "answerer"
            notes.append(f"only the {side} speaks: a capture of both sides shows more")
        if len(chunks) == 1 and not self["raw"] and not any("one side" in each for each in notes):
            notes.append(f"it holds one chunk only: capture {_ENOUGH} messages or more")
        return evolve(capture, chunks=chunks, notes=tuple(notes))

    def _next_step(self, guess: Guess, stream: StreamInfo, *, is_bare: bool) -> str:
        more = "capture more: from the beginning of the connection, both sides, different commands"
        if is_bare:
            more = (
                "capture it with 'tcpcomm tap', or write each chunk on a line of its own, behind '>' or "
                "'<' for the side that sent it"
            )
        known = [each for each in guess.doubts if each.startswith(_RECOGNISED)]
        if known:
            return known[0].partition(": ")[2]
        advice = [each.rpartition(": ")[2] for each in guess.doubts if each.startswith((CHANGES, MIXED))]
        if advice:
            return advice[0]
        if guess.best is None or guess.verdict is Verdict.NOTHING:
            return more
        options = f"--as {guess.device}" if guess.device else framing_options(*guess.best.framings)
        step = f"tcpcomm tap tcp:9998 {_target(stream)} {options}"
        return (
            f"see the messages: {step}" if guess.verdict is Verdict.CONFIDENT else f"{more}; or try: {step}"
        )


def _target(stream: StreamInfo) -> str:
    """Return the endpoint of the side that was connected to, as far as it is known."""
    match = _PLACE.fullmatch(stream.name.partition(" > ")[2])
    if match is None:
        return "tcp:HOST:PORT"
    host, port = match["host"].strip("[]"), match["port"]
    return shlex.quote(
        f"tcp6:{host.replace(':', chr(92) + ':')}:{port}" if ":" in host else f"tcp:{host}:{port}"
    )


def _is_called(stream: StreamInfo, wanted: str) -> bool:
    """Return True if a stream has this number, name, address or port."""
    if wanted.isdecimal():
        return str(stream.number) == wanted.lstrip("0")
    places = stream.name.split(" > ")
    names = {stream.name, *places}
    for place in places:
        host, _, port = place.rpartition(":")
        names |= {host, host.strip("[]"), f":{port}"}
    return wanted in names


def _stream_text(stream: StreamInfo) -> str:
    return f"{stream.number} ({stream.name})" if stream.name else f"{stream.number}"


def _facts(stream: StreamInfo) -> dict[str, Any]:
    return {"number": stream.number, "name": stream.name, "bytes": stream.size, "chunks": stream.chunks}


def _tell(text: str) -> None:
    print(one_line(f"tcpcomm guess: {text}"), file=sys.stderr)


class _Watched(io.FileIO):
    """A file that tells how many bytes have been read."""

    def __init__(self, path: Path, passed: Callable[[int, int], object]) -> None:
        super().__init__(path)
        self._size = max(1, os.fstat(self.fileno()).st_size)
        self._passed = passed

    def readinto(self, buffer: Any, /) -> int:
        read = super().readinto(buffer)
        self._passed(self.tell(), self._size)
        return read


class _Progress:
    """Shows on a terminal how much of the file is read."""

    def __init__(self) -> None:
        self._terminal = sys.stderr if sys.stderr.isatty() else None
        self._due = monotonic() + _SHOWN_EVERY
        self._is_shown = False

    def passed(self, done: int, size: int) -> None:
        """Show the progress, if the last look is some time ago."""
        if self._terminal is not None and monotonic() >= self._due:
            self._due = monotonic() + _SHOWN_EVERY
            self._is_shown = True
            self._terminal.write(f"\rreading, {100 * done // size} %")
            self._terminal.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._terminal is not None and self._is_shown:
            self._terminal.write("\r" + " " * 20 + "\r")
            self._terminal.flush()
            self._is_shown = False
