"""
The first screen without a terminal: links, servers, taps and their sessions, one :class:`Entry` each.

A text with its meaning is a piece: a pair of the text, and the name of a style (:data:`STYLES`), which
the terminal shows in a colour. The words say the same, so the colour alone tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console import texts
from tcpcomm.tools.console.words import Words

STYLES: Final = ("good", "warn", "bad", "off", "dim", "strong", "plain", "to", "from", "match")
"""The names of the styles of pieces."""

Piece = tuple[str, str]

_CLOSED_SHOWN: Final = 3
"""Sessions of a source that ended, which are shown below those that live."""

_WIDE: Final = 100
"""Columns from which reconnects and faults have columns of their own; the facts tell them, too."""


@frozen
class Entry:
    """A source, or one of its sessions."""

    source: Mapping[str, Any]
    session: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, int | None]:
        """The ids of the source and of the session, which stay the same."""
        return self.source["id"], None if self.session is None else self.session["id"]

    @property
    def shown(self) -> Mapping[str, Any]:
        """The facts of the session or, if this is a source, of that."""
        return self.source if self.session is None else self.session

    @property
    def level(self) -> str:
        """The style of its state."""
        return level_of(self.source) if self.session is None else _SESSION_LEVELS[self.session["state"]]

    @property
    def peer(self) -> str:
        """The place of the other side, or where it listens."""
        if self.session is not None:
            return str(self.session["peer"])
        return str(self.source["address"])


_SESSION_LEVELS: Final = {"ready": "good", "open": "warn", "closed": "off"}


def level_of(source: Mapping[str, Any]) -> str:
    """Return the style of the state of a source."""
    state = source["state"]
    if state == "ready":
        return "good"
    if source["kind"] != "link":
        return "good" if state == "listening" or source["sessions"] else "off"
    error = source["error"]
    is_outage = error is not None and error["time"] >= source["since"] - 1
    return "bad" if state == "down" or (state == "connecting" and is_outage) else "warn"


def entries_of(overview: Mapping[str, Any]) -> list[Entry]:
    """Return the entries: each source, and below a server or a tap its sessions, the closed ones last."""
    found = []
    for source in overview["sources"]:
        found.append(Entry(source))
        if source["kind"] == "link":
            continue
        sessions = [each for each in overview["sessions"] if each["source"] == source["id"]]
        closed = [each for each in sessions if each["state"] == "closed"][-_CLOSED_SHOWN:]
        found += [Entry(source, each) for each in sessions if each["state"] != "closed"]
        found += [Entry(source, each) for each in closed]
    return found


def state_words(entry: Entry, now: float, words: Words) -> str:
    """Return the state in words, and how long an outage lasts."""
    shown = entry.shown
    text = words(f"state.{shown['state']}")
    if (
        entry.session is None
        and entry.source["kind"] == "link"
        and shown["state"] in ("down", "connecting")
    ):
        return f"{text} {texts.age(max(now - shown['since'], 0.0))}"
    return text


@frozen
class Columns:
    """The widths of the columns of the first screen."""

    state: int
    name: int
    peer: int
    rate: int
    trips: int
    minute: int
    again: int
    faults: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """Return the widths for so many columns in all."""
        again, faults = (6, 7) if width >= _WIDE else (0, 0)
        rest = max(width - (15 + 8 + 16) - again - faults - 5 - 2 * bool(faults), 20)
        name = min(30, rest * 3 // 10)
        peer = min(40, rest // 2)
        return cls(15, name, peer, 8, 16, min(60, rest - name - peer), again, faults)


def title_pieces(columns: Columns, words: Words) -> list[Piece]:
    """Return the line above the entries."""
    cells = [
        texts.fitted(words("column.state"), columns.state),
        texts.fitted(words("column.name"), columns.name),
        texts.fitted(words("column.peer"), columns.peer),
        texts.fitted(words("column.rate"), columns.rate, right=True),
        texts.fitted(words("column.trips"), columns.trips, right=True),
        texts.fitted(words("column.minute"), columns.minute),
        texts.fitted(words("column.again"), columns.again, right=True),
        texts.fitted(words("column.faults"), columns.faults, right=True),
    ]
    return [(" ".join(each for each in cells if each), "dim")]


def entry_pieces(entry: Entry, now: float, columns: Columns, words: Words) -> list[Piece]:
    """Return the line of an entry."""
    shown = entry.shown
    is_session = entry.session is not None
    history = shown.get("history") or {}
    bars = texts.sparkline(history.get("rate") or [], columns.minute)
    name = one_line(str(entry.source["name"]))
    if entry.session is not None:
        name = f"  {one_line(entry.session['identity']) or '#' + str(entry.session['id'])}"
    reconnects, faults = 0 if is_session else shown["reconnects"], shown["faults"]
    pieces = [
        (
            texts.fitted(("  " if is_session else "") + state_words(entry, now, words), columns.state),
            entry.level,
        ),
        (texts.fitted(name, columns.name), "plain" if is_session else "strong"),
        (texts.fitted(one_line(entry.peer).removeprefix("tcp:"), columns.peer), "plain"),
        (texts.fitted(texts.rate(shown["rate"]), columns.rate, right=True), "plain"),
        (texts.fitted(trips_text(shown), columns.trips, right=True), "plain"),
        (texts.fitted(bars, columns.minute), "dim"),
    ]
    if columns.faults:
        pieces.append(
            (texts.fitted(f"{reconnects:,}×" if reconnects else "", columns.again, right=True), "warn")
        )
        pieces.append((texts.fitted(f"{faults:,}" if faults else "", columns.faults, right=True), "bad"))
    return _spaced(pieces)


def _spaced(pieces: Sequence[Piece]) -> list[Piece]:
    found = [pieces[0]]
    for each in pieces[1:]:
        found += [(" ", "plain"), each]
    return found


def trips_text(shown: Mapping[str, Any]) -> str:
    """Return the round trips, such as ``1.19 / 4.02 ms``, or an empty text if there were none."""
    if shown["p50"] is None:
        return ""
    half, most = texts.took(shown["p50"]), texts.took(shown["p99"])
    unit = most.partition(" ")[2]
    return f"{half.removesuffix(f' {unit}')} / {most}"


def facts_pieces(entry: Entry, now: float, words: Words) -> list[list[Piece]]:
    """Return lines with all that is known of the chosen entry."""
    source, shown = entry.source, entry.shown
    is_named_so = source["declaration"] in (None, source["name"])
    declared = "" if is_named_so else f" · {one_line(source['declaration'])}"
    kind = words(f"kind.{source['kind']}")
    first: list[Piece] = [(f"{kind} {one_line(source['name'])}{declared}", "strong")]
    if entry.session is not None:
        first.append((f" · {one_line(entry.peer)}", "plain"))
    elif source["kind"] != "link":
        count = source["sessions"]
        first.append(
            (f" · {words('sessions.1') if count == 1 else words('sessions', count=f'{count:,}')}", "plain")
        )
    state: list[Piece] = [(state_words(entry, now, words), entry.level)]
    if shown["reason"]:
        state.append((f": {one_line(shown['reason'])}", "plain"))
    state.append((f" ({words('for', age=texts.age(now - shown['since']))})", "dim"))
    counts = words("counts", frames_in=f"{shown['frames_in']:,}", frames_out=f"{shown['frames_out']:,}")
    figures: list[Piece] = [(counts, "plain")]
    if entry.session is None and shown["reconnects"]:
        figures.append((f" · {words('reconnects', count=format(shown['reconnects'], ','))}", "warn"))
    if shown["faults"]:
        figures.append((f" · {words('faults', count=format(shown['faults'], ','))}", "bad"))
    return [first, state, figures, _error_pieces(source, words), *_disturbed(source, words)]


def _error_pieces(source: Mapping[str, Any], words: Words) -> list[Piece]:
    error = source["error"]
    if error is None:
        return [(words("error.none"), "dim")]
    text = words("error", time=texts.short_clock(error["time"]), text=one_line(error["text"]))
    return [(text, "plain" if level_of(source) == "good" else "bad")]


def _disturbed(source: Mapping[str, Any], words: Words) -> list[list[Piece]]:
    active = (source.get("disturbances") or {}).get("active") or []
    return [[(words("active", list=", ".join(map(one_line, active))), "warn")]] if active else []
