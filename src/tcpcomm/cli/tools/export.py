"""The subcommand ``tcpcomm export``: it writes a recording for Wireshark, spreadsheets and programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.cli.tools.moments import moment_of
from tcpcomm.cli.tools.speech import speech_of
from tcpcomm.codec.encoding import charset
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.export.capture import capture
from tcpcomm.tools.export.decoding import decoded
from tcpcomm.tools.export.output import FORMATS, Progress, write, write_file
from tcpcomm.tools.export.source import Exported, Source, without_chunks
from tcpcomm.tools.export.tables import csv_lines, json_lines
from tcpcomm.tools.record.recording import Recording

_STANDARD_OUTPUT: Final = "-"


class ExportOptions(Subcommand):
    """The options of ``tcpcomm export``."""

    synopsis = "export FILE --to pcapng|csv|jsonl [options]"

    longdesc = """Writes a recording for other programs: pcapng for Wireshark, with the messages as
comments; CSV for spreadsheets and JSON lines for programs, with a row for each frame, or for each chunk of
a session that no framing cut. A pcapng file has the recorded bytes in TCP packets that are made up, so that
Wireshark follows each stream, also what TLS encrypted on the line. A time is '2026-11-29 08:30', '08:30:15'
on the last day of the recording, or '10m', ten minutes before its end; also s, h and d. Ctrl-C leaves no
half file."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the file is written; standard error says what a damaged recording lacks",
        1: "the command line has a mistake, or nothing can be read or written",
        130: "Ctrl-C ended it, and there is no new file",
    }

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["to", "t", None, "pcapng for Wireshark, csv for spreadsheets, or jsonl for programs."],
        [
            "output",
            "o",
            None,
            "The file to write; - is standard output.  [default: FILE with the new ending]",
        ],
        ["session", "s", None, "Only the session with this number, which 'tcpcomm record' lists."],
        ["since", None, None, "Only what passed at this time or later."],
        ["until", None, None, "Only what passed before this time."],
        ["as", None, None, "A device or MODULE:NAME: decode the bytes afresh, as it declares."],
        ["framing", None, None, r"Cut the bytes afresh by this framing, such as 'delimited:\r\n'."],
        ["reply-framing", None, None, "The framing of what the equipment sends, if that differs."],
        ["gap", None, None, "With --framing, seconds of silence that also end a message."],
        ["encoding", "e", "utf-8", "The encoding of the text in csv and jsonl, such as cp949."],
    ]
    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["bom", None, "Begin a csv with the mark by which Excel knows UTF-8."],
        ["chunks", None, "Add a row for each chunk, as TCP cut it, to csv and jsonl."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("name one recording, as in line.tcpcomm --to pcapng")
        self.path = Path(args[0])

    def run(self) -> int:
        kind = self["to"]
        if kind not in FORMATS:
            given = "" if kind is None else f", not {kind!r}"
            raise Refusal(f"--to must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}{given}")
        self._check_encoding()
        if self["bom"] and kind != "csv":
            raise Refusal(f"--bom has no effect with --to {kind}")
        if self["chunks"] and kind == "pcapng":
            raise Refusal("--chunks has no effect with --to pcapng, which has the chunks")
        speech = speech_of(self["as"], self["framing"], self["reply-framing"], self["gap"])
        output = self["output"]
        path = self.path.with_suffix(f".{kind}") if output is None else Path(output)
        if path == self.path:
            raise Refusal(f"{path} is the recording itself: name another file with --output")
        with Recording(self.path) as recording:
            source = self._source(recording)
            progress = Progress(sys.stderr, *_numbers(recording))
            try:
                pieces = self._pieces(source, progress, speech)
                if output == _STANDARD_OUTPUT:
                    write(pieces, sys.stdout.buffer)
                else:
                    write_file(pieces, path)
            except KeyboardInterrupt:
                raise Refusal("interrupted: nothing is written", code=130) from None
            finally:
                progress.end()
            for problem in recording.problems:
                print(f"tcpcomm export: {self.path}: {problem}", file=sys.stderr)
        if output != _STANDARD_OUTPUT:
            print(path)
        return 0

    def _check_encoding(self) -> None:
        try:
            "".encode(charset(self["encoding"]))
        except LookupError:
            raise Refusal(f"--encoding {self['encoding']}: there is no such encoding; try cp949") from None

    def _source(self, recording: Recording) -> Source:
        span = recording.span()
        ends_at = span[1] if span is not None else 0
        moments: dict[str, Any] = {
            option: None if self[option] is None else moment_of(self[option], ends_at, option=option)
            for option in ("since", "until")
        }
        number = self["session"]
        if number is not None and not number.isdecimal():
            raise Refusal(f"--session must be the number of a session, not {number!r}")
        session = None if number is None else recording.session(int(number))
        return Source(recording=recording, session=session, **moments)

    def _pieces(self, source: Source, progress: Progress, speech: Speech) -> Iterator[bytes]:
        values: Iterator[Exported] = progress.of(source)
        is_decoded = self["as"] is not None or self["framing"] is not None
        if is_decoded:
            values = decoded(values, source.sessions, speech, from_beginning=source.since is None)
        if self["to"] == "pcapng":
            return capture(values, source.sessions)
        if not self["chunks"]:
            framed = {*source.sessions} if is_decoded else source.recording.framed_sessions()
            values = without_chunks(values, framed)
        if self["to"] == "csv":
            with_bom = bool(self["bom"])
            return csv_lines(values, source.sessions, encoding=self["encoding"], with_bom=with_bom)
        return json_lines(values, source.sessions, encoding=self["encoding"])


def _numbers(recording: Recording) -> tuple[int, int]:
    """Return the numbers of the first and the last value, for the progress."""
    return recording.numbers() or (0, 0)
