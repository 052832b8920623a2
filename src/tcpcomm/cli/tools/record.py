"""The subcommand ``tcpcomm record``: it lists what a recording holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, Final

from twisted.python import usage

from tcpcomm.cli.common import Subcommand
from tcpcomm.runtime.safe_text import one_line, safe_json
from tcpcomm.session.observer import MessageKind
from tcpcomm.tools.export.texts import fault_text, gap_text, message_text, time_text
from tcpcomm.tools.record.recording import HOW_TO_RECORD, Recording
from tcpcomm.tools.record.rows import HALF_FRAME
from tcpcomm.tools.record.values import RecordedSession

_MOST_SHOWN: Final = 20
"""Faults that are shown unless --all is given, and sessions: the newest ones."""

_COUNTED = ("chunks", "frames", "messages", "faults", "alterations", "states", "gaps")


class RecordOptions(Subcommand):
    """The options of ``tcpcomm record``."""

    synopsis = "record FILE [options]"

    longdesc = """Lists what a recording holds: its times, its sessions, its faults, and what is missing.
To make a recording, give --record FILE to 'tcpcomm tap', 'call', 'watch' or 'simulate', or to 'twistd
tcpcomm'; in a program, give observers=[Recorder(FILE)] to serve or remote. A recording may be listed while
it is made. 'tcpcomm export' writes it for Wireshark and others."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the content is listed; standard error says what is missing",
        1: "the command line has a mistake, or nothing in the file can be read",
    }

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["all", "a", f"List all sessions and faults, not only the newest {_MOST_SHOWN}."],
        ["json", "j", "Print JSON."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError(f"name one recording, such as line.tcpcomm; {HOW_TO_RECORD}")
        self.path = Path(args[0])

    def run(self) -> int:
        most = None if self["all"] else _MOST_SHOWN
        with Recording(self.path) as recording:
            facts = _facts(recording, most)
        if self["json"]:
            print(safe_json(json.dumps(facts, ensure_ascii=False)))
        else:
            for line in _lines(facts):
                print(one_line(line))
        for problem in facts["problems"]:
            print(one_line(f"tcpcomm record: {self.path}: {problem}"), file=sys.stderr)
        return 0


def _facts(recording: Recording, most: int | None) -> dict[str, Any]:
    span = recording.span()
    counts = {name: recording.count(name) for name in _COUNTED}
    chunks = recording.count_by_session()
    sessions = recording.sessions()
    faults = _Newest(most)
    for fault in recording.faults():
        if fault.kind != HALF_FRAME:
            faults.add(fault.number, fault.at, fault.session, fault_text(fault))
    counts["half frames"] = counts["faults"] - faults.count
    for message in recording.messages(kind=MessageKind.UNREADABLE):
        faults.add(message.number, message.at, message.session, message_text(message))
    counts |= {"faults": faults.count, "sessions": len(sessions)}
    return {
        "file": str(recording.path),
        "bytes": recording.path.stat().st_size,
        "from": time_text(span[0]) if span else None,
        "to": time_text(span[1]) if span else None,
        "runs": [
            {
                "began": time_text(each.began_at),
                "ended": None if each.ended_at is None else time_text(each.ended_at),
                "program": each.program,
            }
            for each in recording.runs()
        ],
        "counts": counts,
        "sessions": [_session(each, chunks.get(each.number, 0)) for each in sessions[-(most or 0) :]],
        "faults": faults.shown,
        "gaps": [gap_text(each) for each in recording.gaps()],
        "problems": recording.problems,
    }


class _Newest:
    """The newest faults, and their number."""

    def __init__(self, most: int | None) -> None:
        self._found: list[dict[str, Any]] = []
        self._most = most
        self.count = 0

    def add(self, number: int, at: int, session: int, text: str) -> None:
        """Add a fault."""
        self.count += 1
        self._found.append({"number": number, "time": time_text(at), "session": session, "text": text})
        if self._most and len(self._found) > 2 * self._most:
            self._found = self.shown

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The newest faults, in order."""
        return sorted(self._found, key=itemgetter("number"))[-(self._most or 0) :]


def _session(session: RecordedSession, chunks: int) -> dict[str, Any]:
    return {
        "number": session.number,
        "peer": session.peer,
        "target": session.target,
        "declaration": session.declaration,
        "opened": time_text(session.opened_at),
        "closed": None if session.closed_at is None else time_text(session.closed_at),
        "reason": session.reason,
        "cut": session.is_cut,
        "chunks": chunks,
    }


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    counts = facts["counts"]
    yield f"{facts['file']}: {facts['bytes']:,} bytes"
    if facts["from"] is None:
        yield "it holds nothing yet"
        return
    yield f"from {_local(facts['from'])} to {_local(facts['to'])}"
    yield ", ".join(
        f"{count:,} {name if count != 1 else name.removesuffix('s')}"
        for name, count in counts.items()
        if count
    )
    for title in ("sessions", "faults"):
        rows, all_of_them = facts[title], counts[title]
        if rows:
            newest = f", the newest {len(rows)}; --all shows the others" if len(rows) < all_of_them else ""
            yield from ("", f"{title}: {all_of_them:,}{newest}")
        for each in rows:
            yield _session_line(each) if title == "sessions" else _fault_line(each)
    if facts["gaps"]:
        yield from ("", "gaps, in which the disk was full or too slow:")
        yield from (f"  {each}" for each in facts["gaps"])


def _fault_line(fault: dict[str, Any]) -> str:
    return f"  {_local(fault['time'])}  session {fault['session']}  {fault['text']}"


def _session_line(session: dict[str, Any]) -> str:
    about = f" as {session['declaration']}" if session["declaration"] else ""
    end = (
        f"closed {_local(session['closed'])}: {session['reason']}"
        if session["closed"]
        else "open at the end"
    )
    chunks = session["chunks"]
    return (
        f"  {session['number']}  {_local(session['opened'])}  {session['peer']}{about}, "
        f"{chunks:,} {'chunk' if chunks == 1 else 'chunks'}, {end}"
    )


def _local(text: str) -> str:
    """Return a time of :func:`time_text` as local time."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S.%f}"
