"""The list of frames as the console shows it, without a terminal: :class:`FrameList` of :class:`Line`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from tcpcomm.tools.console.filters import Matches, compile_filter
from tcpcomm.tools.console.texts import readable, signature
from tcpcomm.tools.monitor.rows import SHOWN_BYTES, Row, plain

MOST_LINES: Final = 5000
"""Rows in the list of frames of the console. The oldest are forgotten."""

_MOST_SESSIONS: Final = 1000
_SLACK: Final = 500  # lines that are removed at once
_WRONG: Final = ("error", "unreadable", "fault")
_PLAIN_TEXT: Final = ("half", "state", "altered", "dropped")
"""Kinds whose text is a reason, or a piece of news, and no sign of trouble."""


class Line:
    """
    A row, and its relations to its neighbours.

    Attributes:
        row: the row of the model.
        gap: seconds since the row before it in its session, or None for the first.
        request: the line of the command that this one answers, if it is kept.
        reply: the line that answers this command, if it came.
        to_equipment: True if the equipment got it, False if the equipment sent it, None for a state.
    """

    def __init__(self, row: Row, *, gap: float | None, to_equipment: bool | None, encoding: str) -> None:
        self.row = row
        self.gap = gap
        self.to_equipment = to_equipment
        self.encoding = encoding
        self.request: Line | None = None
        self.reply: Line | None = None
        self.is_before_glued = False

    @property
    def kind(self) -> str:
        """The kind of the row."""
        return self.row.kind

    @property
    def is_bad(self) -> bool:
        """True if something is wrong with it: an unreadable frame, a fault, a reply nobody waits for."""
        return self.row.kind in _WRONG or (self.row.text != "" and self.row.kind not in _PLAIN_TEXT)

    @property
    def is_cut(self) -> bool:
        """True if it came in several chunks, or if it is the first half of such a frame."""
        return self.row.chunks > 1 or self.row.kind == "half"

    @property
    def is_glued(self) -> bool:
        """True if another frame came in the same chunk."""
        return self.row.place > 1 or self.is_before_glued

    @property
    def frame(self) -> bytes:
        """The bytes of the frame that are kept."""
        return self.row.frame

    @cached_property
    def values(self) -> Mapping[str, Any] | None:
        """The decoded values in plain types, or None if there are none."""
        if not self.row.values:
            return None
        try:
            return {str(name): plain(value) for name, value in self.row.values.items()}
        except RuntimeError:  # the program, in its own thread, changes a result while it is read here
            return {"…": "changes while it is shown"}

    @cached_property
    def signature(self) -> str:
        """The decoded row as a call, such as ``locate(job=3)``."""
        if self.row.kind in ("dropped", "state", "half", "error", "altered"):
            return ""  # the text tells it all
        return signature(self.row.kind, self.row.name, self.values)

    @cached_property
    def text(self) -> str:
        """The first bytes of the frame as text."""
        return readable(self.row.frame[:SHOWN_BYTES], self.encoding)

    @cached_property
    def searched(self) -> str:
        """All that the filter searches, in small letters."""
        row = self.row
        return f"{row.kind} {row.name} {self.signature} {row.text} {self.text}".lower()


class FrameList:
    """
    The newest rows of a source or a session, those that the filter lets through, and the frozen ones.

    Args:
        most: the lines that are kept.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self._most = most
        self._all: list[Line] = []
        self._waiting: list[Line] = []
        self._lost_while_frozen = 0
        self._matches: Matches | None = None
        self._times: dict[int | None, float] = {}
        self._last: dict[tuple[int | None, bool | None], Line] = {}
        self._commands: dict[int, Line] = {}
        self.filter = ""
        """The text of the filter."""
        self.shown: list[Line] = []
        """The lines that the filter lets through, the oldest one first."""
        self.is_frozen = False
        """True if new lines wait until somebody thaws the list."""
        self.left_out = 0
        """The rows that were never shown, because they came faster than the console takes them."""

    @property
    def waiting(self) -> int:
        """The lines that wait for the list to thaw."""
        return len(self._waiting)

    @property
    def kept(self) -> int:
        """The lines that are kept, with those that the filter hides."""
        return len(self._all)

    def add(
        self, rows: Iterable[Row], left_out: int = 0, *, is_equipment: bool = False, encoding: str = "ascii"
    ) -> None:
        """
        Add rows, in order.

        Args:
            rows: the rows.
            left_out: the rows that were left out behind them.
            is_equipment: True if this side is the equipment.
            encoding: the encoding of the texts in the frames.
        """
        lines = [self._line(row, is_equipment, encoding) for row in rows]
        if left_out:
            self.left_out += left_out
            lines.append(_left_out(left_out, lines[-1].row if lines else self._newest()))
        self._put(lines)

    def _newest(self) -> Row | None:
        newest = self._waiting or self._all
        return newest[-1].row if newest else None

    def _line(self, row: Row, is_equipment: bool, encoding: str) -> Line:
        before = self._times.get(row.session)
        if len(self._times) > _MOST_SESSIONS:
            self._times.clear()
        self._times[row.session] = row.time
        line = Line(
            row,
            gap=None if before is None else max(0.0, row.time - before),
            to_equipment=None if row.sent is None else row.sent is not is_equipment,
            encoding=encoding,
        )
        if row.kind == "command":
            self._commands[row.number] = line
        elif row.answers is not None:
            line.request = self._commands.get(row.answers)
            if line.request is not None and row.kind != "part":
                line.request.reply = line
        way = row.session, row.sent
        if row.place > 1 and way in self._last:
            self._last[way].is_before_glued = True
        if row.frame:
            if len(self._last) > _MOST_SESSIONS:
                self._last.clear()
            self._last[way] = line
        return line

    def _put(self, lines: list[Line]) -> None:
        if self.is_frozen:
            self._waiting += lines
            self._lost_while_frozen += max(0, len(self._waiting) - self._most)
            del self._waiting[: -self._most]
            return
        self._all += lines
        self.shown += lines if self._matches is None else filter(self._matches, lines)
        if len(self._all) > self._most + _SLACK:
            gone = self._all[: -self._most]
            del self._all[: -self._most]
            for each in gone:
                self._commands.pop(each.row.number, None)
            oldest = self._all[0].row.number
            first = next((at for at, each in enumerate(self.shown) if each.row.number >= oldest), None)
            del self.shown[:first]

    def set_filter(self, text: str) -> None:
        """Show only the lines that a filter lets through; an empty text shows all."""
        self.filter = text.strip()
        self._matches = compile_filter(self.filter)
        self.shown = [*self._all] if self._matches is None else [*filter(self._matches, self._all)]

    def freeze(self, frozen: bool) -> None:
        """Keep the list as it is, or let the lines that wait come in."""
        self.is_frozen = frozen
        if not frozen:
            waiting, self._waiting = self._waiting, []
            lost, self._lost_while_frozen = self._lost_while_frozen, 0
            if lost:
                self.left_out += lost
                waiting.insert(0, _left_out(lost, self._all[-1].row if self._all else None))
            self._put(waiting)

    def clear(self) -> None:
        """Forget all lines."""
        self._all.clear()
        self._waiting.clear()
        self._times.clear()
        self._last.clear()
        self._commands.clear()
        self.shown = []

    def next_bad(self, at: int, step: int) -> int | None:
        """Return the index of the next line with something wrong, from a line on, or None."""
        places = range(at + step, len(self.shown) if step > 0 else -1, step)
        return next((place for place in places if self.shown[place].is_bad), None)

    def place_of(self, line: Line) -> int | None:
        """Return the index of a line among those that are shown, or None."""
        return next((at for at, each in enumerate(self.shown) if each is line), None)


def _left_out(count: int, before: Row | None) -> Line:
    """Return a line that tells how many rows were left out."""
    number, source, time = (0, "", 0.0) if before is None else (before.number, before.source, before.time)
    row = Row(number, source, None, time, None, "dropped", size=count)
    return Line(row, gap=None, to_equipment=None, encoding="ascii")
