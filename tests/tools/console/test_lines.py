"""The list of frames: gaps, pairs, cut and glued frames, the filter, freezing, and its limits."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm.tools.console.line_texts import (
    MOST_DUMPED,
    LineColumns,
    detail_pieces,
    line_pieces,
    title_pieces,
)
from tcpcomm.tools.console.lines import MOST_LINES, FrameList, Line
from tcpcomm.tools.console.texts import cells
from tcpcomm.tools.console.words import LANGUAGES, Words
from tcpcomm.tools.monitor.rows import Row

ENGLISH = Words("en")


def row(number: int, kind: str = "frame", **facts: Any) -> Row:
    """Return a received row, a millisecond after the one with the number before."""
    whole = {"session": 1, "time": number / 1000, "sent": False, "frame": b"OK", "size": 2, **facts}
    return Row(number, "1", kind=kind, **whole)


def command(number: int, job: int = 3, **facts: Any) -> Row:
    return row(number, "command", name="locate", values={"job": job}, sent=True, frame=b"TRG,3", **facts)


def reply(number: int, answers: int, **facts: Any) -> Row:
    values = {"result": {"x": 12.5}}
    return row(number, "reply", name="locate", values=values, answers=answers, took=0.0012, **facts)


def listed(*rows: Row, **options: Any) -> FrameList:
    frames = FrameList()
    frames.add(rows, **options)
    return frames


def numbers(frames: FrameList) -> list[int]:
    return [line.row.number for line in frames.shown]


def text_of(line: Line, width: int = 79) -> str:
    return "".join(text for text, _ in line_pieces(line, LineColumns.within(width), ENGLISH))


def details(line: Line) -> list[str]:
    return ["".join(text for text, _ in each) for each in detail_pieces(line, ENGLISH, 78)]


def test_a_request_and_its_reply_know_each_other() -> None:
    frames = listed(command(1), reply(2, answers=1))
    asked, answer = frames.shown
    assert (asked.reply, answer.request) == (answer, asked)
    assert "answers locate(job=3) after 1.20 ms" in details(answer)
    assert "answered after 1.20 ms by x=12.5" in details(asked)


def test_the_gap_is_that_to_the_row_before_in_the_same_session() -> None:
    frames = listed(row(1), row(2, session=2), row(5))
    assert [None, None, 0.004] == [each.gap for each in frames.shown]
    assert "     4,000 " in text_of(frames.shown[2])


@pytest.mark.parametrize(("is_equipment", "arrow"), [(False, "<-"), (True, "->")])
def test_the_arrow_tells_the_way_to_the_equipment(is_equipment: bool, arrow: str) -> None:
    (line,) = listed(row(1), is_equipment=is_equipment).shown
    assert arrow in text_of(line)


def test_cut_and_glued_frames_are_marked_in_words() -> None:
    frames = listed(row(1, chunks=3), row(2), row(3, place=2))
    assert ["cut: 3 chunks", "glued", "glued"] == [
        text_of(each, 140).partition("[frame, ")[2].partition("]")[0] for each in frames.shown
    ]


def test_a_fault_is_shown_with_its_reason() -> None:
    (line,) = listed(row(1, "error", text="checksum 5B expected, 5A came")).shown
    assert line.is_bad
    assert "[broken framing] checksum 5B expected, 5A came" in text_of(line, 160)
    assert "checksum 5B expected, 5A came" in details(line)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [79, 100, 139, 200])
def test_a_line_takes_the_width_of_the_screen(width: int, language: str) -> None:
    words, columns = Words(language), LineColumns.within(width)
    frames = listed(command(1), reply(2, answers=1), row(3, "error", text="x" * 300), encoding="utf-8")
    lines = [title_pieces(columns, words), *(line_pieces(each, columns, words) for each in frames.shown)]
    assert [width] * 4 == [sum(cells(text) for text, _ in each) for each in lines]


ROWS = (
    command(1),
    reply(2, answers=1),
    row(3, "heartbeat", name="ping", frame=b"PING"),
    row(4, "fault", name="locate", values={"code": 3, "reason": "no part"}, frame=b"NG,3"),
    row(5, "half", frame=b"", size=0, text="4 of 9 bytes"),
    row(6, place=2, frame=b"\x54\x52\x47"),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("locate", [1, 2, 4]),
        ('"no part"', [4]),
        ('"no pa', [4]),
        ("fault", [4]),
        ("cut", [5]),
        ("glued", [4, 6]),
        ("to", [1]),
        ("from -ping", [2, 4, 5, 6]),
        ("hex 52 47", [1, 6]),
        ("hex5247", []),
        ("x > 12", [2]),
        ("result.x = 12.5", [2]),
        ("x < 12", []),
        ("code != 3", []),
        ('reason = "no part"', [4]),
        ("ping, job=3", [1, 3]),
        ("LOCATE job", [1]),
        ("  ", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_the_filter_shows_what_it_asks_for(text: str, found: list[int]) -> None:
    frames = listed(*ROWS)
    frames.set_filter(text)
    assert found == numbers(frames)
    later = FrameList()
    later.set_filter(text)
    later.add(ROWS)
    assert {*numbers(later)} <= {*found}  # a row may be glued to one that comes later
    assert {*found} - {*numbers(later)} <= {4}


def test_a_frozen_list_keeps_what_comes_until_it_thaws() -> None:
    frames = listed(row(1))
    frames.freeze(True)
    frames.add([row(2), row(3)])
    assert ([1], 2) == (numbers(frames), frames.waiting)
    frames.freeze(False)
    assert ([1, 2, 3], 0) == (numbers(frames), frames.waiting)


def test_what_is_too_much_for_a_frozen_list_is_told() -> None:
    frames = FrameList(most=10)
    frames.freeze(True)
    frames.add([row(number) for number in range(1, 31)])
    frames.freeze(False)
    assert 20 == frames.left_out
    assert ["dropped", *["frame"] * 10] == [line.kind for line in frames.shown]


def test_rows_that_were_left_out_are_a_line_with_their_number() -> None:
    frames = listed(row(1), left_out=1200)
    assert "1,200 rows left out: they came faster than this terminal takes them" in text_of(frames.shown[1])
    assert 1200 == frames.left_out


def test_the_list_forgets_the_oldest_lines() -> None:
    frames = FrameList()
    frames.set_filter("-x")
    for start in range(0, 20_000, 500):
        frames.add([command(number) for number in range(start, start + 500)])
    assert MOST_LINES <= frames.kept <= MOST_LINES + 500
    assert len(frames.shown) == frames.kept
    assert 19_999 == frames.shown[-1].row.number


def test_the_next_fault_is_found_in_both_directions() -> None:
    frames = listed(row(1, "error"), row(2), row(3, "unreadable"), row(4))
    assert [0, 2, None] == [frames.next_bad(1, -1), frames.next_bad(1, 1), frames.next_bad(2, 1)]


def test_the_details_of_a_long_frame_end_after_4096_bytes() -> None:
    (line,) = listed(row(1, frame=bytes(5000), size=70_000)).shown
    shown = details(line)
    assert shown[-1].startswith(f"{MOST_DUMPED - 16:04X}")
    assert "70,000 bytes, of which 5,000 are kept" in shown[1]


def test_values_that_change_while_they_are_read_do_no_harm() -> None:
    class Changing(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    (line,) = listed(row(1, "event", name="alarm", values=Changing(code=1))).shown
    assert 'alarm(…="changes while it is shown")' in text_of(line, 160)
