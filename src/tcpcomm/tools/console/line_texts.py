"""The lines of the list of frames, and the details of one, as pieces of text with their styles."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console import texts
from tcpcomm.tools.console.entries import Piece
from tcpcomm.tools.console.lines import Line
from tcpcomm.tools.console.words import Words
from tcpcomm.tools.monitor.rows import SHOWN_BYTES

MOST_DUMPED: Final = 4096
"""Bytes of a frame in its details in the console. The rest is left out."""

_TIME: Final = len("05:12:41.203118")
_GAP: Final = len("9,999,999")
_TOOK: Final = len("1,234 ms")
_WITH_HEX: Final = 110
"""Columns from which a line shows the bytes in hexadecimal, too."""

_STYLES: Final = {
    "command": "to",
    "reply": "plain",
    "event": "from",
    "fault": "warn",
    "unreadable": "bad",
    "error": "bad",
    "half": "warn",
    "altered": "warn",
    "state": "dim",
    "heartbeat": "dim",
    "dropped": "warn",
}


@frozen
class LineColumns:
    """The widths of the columns of the list of frames."""

    what: int
    hex: int
    text: int

    @classmethod
    def within(cls, width: int) -> LineColumns:
        """Return the widths for so many columns in all."""
        rest = max(width - (_TIME + 1 + _GAP + 1 + 2 + 1 + 1 + _TOOK + 1), 10)
        if width < _WITH_HEX:
            text = rest * 2 // 5
            return cls(rest - text, 0, text)
        hexadecimal = (rest * 2 // 5) // 3 * 3 - 1
        text = (hexadecimal + 1) // 3
        return cls(rest - hexadecimal - text - 1, hexadecimal, text)


def title_pieces(columns: LineColumns, words: Words) -> list[Piece]:
    """Return the line above the list."""
    cells = [
        texts.fitted(words("column.time"), _TIME),
        texts.fitted(words("column.gap"), _GAP, right=True),
        "  ",
        texts.fitted(words("column.what"), columns.what),
        texts.fitted(words("column.took"), _TOOK, right=True),
        texts.fitted(words("column.hex"), columns.hex),
        texts.fitted(words("column.text"), columns.text),
    ]
    return [(" ".join(each for each in cells if each), "dim")]


def line_pieces(line: Line, columns: LineColumns, words: Words) -> list[Piece]:
    """Return a line of the list: time, gap, direction, message, time that it took, bytes."""
    row = line.row
    style = "bad" if line.is_bad and row.kind != "fault" else _STYLES.get(row.kind, "plain")
    if row.kind == "dropped":
        return [(f"{'':{_TIME + _GAP + 5}}{words('row.left', count=f'{row.size:,}')}", "warn")]
    pieces: list[Piece] = [
        (f"{texts.clock(row.time)} {texts.gap(line.gap):>{_GAP}} ", "dim"),
        (f"{arrow(line):2} ", "to" if line.to_equipment else "from"),
        (texts.fitted(what(line, words, brief=not columns.hex), columns.what), style),
        (f" {texts.fitted(_took(line), _TOOK, right=True)}", "plain"),
    ]
    if columns.hex:
        pieces.append((f" {texts.fitted(_hex(line, columns.hex), columns.hex)}", "dim"))
    pieces.append((f" {texts.fitted(line.text if row.frame else '', columns.text)}", "plain"))
    return pieces


def arrow(line: Line) -> str:
    """Return the direction: ``->`` to the equipment, ``<-`` from it, an empty text for a state."""
    return "" if line.to_equipment is None else "->" if line.to_equipment else "<-"


def what(line: Line, words: Words, *, brief: bool = False) -> str:
    """
    Return the message of a line: a tag where its kind needs one, the decoded call, and the reason.

    Args:
        line: the line.
        words: the words.
        brief: True if a reply need not name its command.
    """
    is_answer = line.kind in ("reply", "fault")
    kind = words(f"brief.{line.kind}") if brief and is_answer else kind_words(line, words)
    tags = [] if line.kind in ("command", "state") else [kind]
    if line.row.chunks > 1:
        tags.append(words("tag.cut", chunks=line.row.chunks))
    if line.is_glued:
        tags.append(words("tag.glued"))
    parts = [f"[{', '.join(tags)}]" if tags else "", line.signature, one_line(line.row.text)]
    return " ".join(each for each in parts if each)


def kind_words(line: Line, words: Words) -> str:
    """Return the kind in words. A reply names its command, which may stand far above."""
    if line.kind in ("reply", "fault"):
        return words(f"row.{line.kind}", name=one_line(line.row.name) or "?")
    return words(f"row.{line.kind}")


def _took(line: Line) -> str:
    return texts.took(line.row.took)


def _hex(line: Line, width: int) -> str:
    most = (width + 1) // 3
    digits = texts.hexadecimal(line.row.frame[:most])
    return digits if line.row.size <= most else f"{digits[: width - 1].rstrip()}…"


def detail_pieces(line: Line, words: Words, width: int) -> list[list[Piece]]:
    """Return all that is known of a line: its message, its answer or request, its reason, its bytes."""
    row = line.row
    if row.kind == "dropped":
        return [[(words("row.left", count=f"{row.size:,}"), "warn")]]
    found: list[list[Piece]] = [_first(line, words)]
    style = "bad" if line.is_bad else "strong"
    found += [[(each, style)] for each in texts.wrapped(line.signature, width) if each]
    found += [[(each, style)] for each in texts.wrapped(one_line(row.text), width) if each]
    found += [[(each, "plain")] for each in texts.wrapped(_joined(line, words), width) if each]
    if row.frame:
        kept = len(row.frame)
        size = words("bytes", count=f"{row.size:,}")
        if kept < row.size:
            size = words("bytes.kept", count=f"{row.size:,}", kept=f"{kept:,}")
        text = texts.readable(row.frame[:SHOWN_BYTES], line.encoding)
        found.append(
            [(f"{size}  ", "dim"), (texts.fitted(text, max(width - texts.cells(size) - 2, 1)), "plain")]
        )
        found += [[(each, "plain")] for each in texts.dump(row.frame[:MOST_DUMPED])]
    return found


def _first(line: Line, words: Words) -> list[Piece]:
    tags = [kind_words(line, words)]
    if line.to_equipment is not None:
        tags.append(f"{arrow(line)} {words('to' if line.to_equipment else 'from')}")
    if line.row.session is not None:
        tags.append(f"#{line.row.session}")
    if line.row.chunks > 1:
        tags.append(words("tag.cut", chunks=line.row.chunks))
    if line.is_glued:
        tags.append(words("tag.glued"))
    return [(f"{texts.clock(line.row.time)}  ", "dim"), (" · ".join(tags), "plain")]


def _joined(line: Line, words: Words) -> str:
    if line.request is not None:
        took = texts.took(line.row.took) or "?"
        return words("answers", request=line.request.signature, took=took)
    if line.reply is not None:
        reply = line.reply
        return words(
            "answered", took=texts.took(reply.row.took) or "?", reply=reply.signature or reply.kind
        )
    return words("unanswered") if line.kind == "command" else ""
