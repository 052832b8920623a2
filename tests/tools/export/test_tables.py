"""CSV for spreadsheets, and JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tcpcomm import MessageKind
from tcpcomm.tools.export.source import Exported
from tcpcomm.tools.export.tables import BOM, COLUMNS, csv_lines, json_lines
from tcpcomm.tools.record.values import RecordedFault, RecordedFrame, RecordedGap, RecordedState
from tests.tools.export.made import AT, Talk


def talk() -> Talk:
    found = Talk(reason="closed here").chunk(b"TRG,3\r\n")
    found.message(b"TRG,3", values={"job": 3})
    return found.message(b"OK,1", sent=True, answers=3, seconds=0.0005, values={"result": float("nan")})


def rows(found: Talk, **options: Any) -> list[dict[str, str]]:
    data = b"".join(csv_lines(found.values, {1: found.session}, **{"encoding": "utf-8", **options}))
    return [*csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))]


def objects(values: list[Exported], encoding: str = "utf-8") -> list[dict[str, Any]]:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    lines = b"".join(json_lines(values, {1: Talk().session}, encoding=encoding)).splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_a_message_has_a_row_with_its_values() -> None:
    opened, chunk, command, reply = rows(talk())
    assert ("opened", "10.0.0.7:50432", "1") == (opened["what"], opened["peer"], opened["session"])
    assert ("chunk", r"TRG,3\x0d\x0a", "5452472c330d0a") == (chunk["what"], chunk["text"], chunk["hex"])
    assert "2026-11-28T21:06:40.125456Z" == chunk["time"]
    assert ("command", "locate", '{"job": 3}') == (command["what"], command["name"], command["values"])
    assert ("sent", "3", "0.0005") == (reply["direction"], reply["answers"], reply["seconds"])


def test_lines_end_as_the_standard_says_and_quotes_are_doubled() -> None:
    data = b"".join(csv_lines(talk().values, {}, encoding="utf-8"))
    assert data.startswith(",".join(COLUMNS).encode() + b"\r\n")
    assert data.count(b"\r\n") == data.count(b"\n") == 5
    assert b'"{""job"": 3}"' in data


def test_excel_knows_the_encoding_by_the_mark() -> None:
    with_mark = b"".join(csv_lines([], {}, encoding="utf-8", with_bom=True))
    assert with_mark == BOM.encode() + b"".join(csv_lines([], {}, encoding="utf-8"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    found = Talk(peer=text).chunk(text.encode())
    found.message(text.encode(), name=text, problem=text, values={"x": text})
    for row in rows(found):
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert f"'{text}" == rows(found)[1]["text"]


def test_the_encoding_of_text_is_an_option() -> None:
    found = Talk().chunk("작업".encode("cp949"))
    assert ["작업"] == [row["text"] for row in rows(found, encoding="cp949") if row["what"] == "chunk"]
    assert ["작업"] != [row["text"] for row in rows(found) if row["what"] == "chunk"]


def test_each_line_is_a_json_object_with_what_there_is() -> None:
    _, _, command, reply = objects(talk().values)
    assert {
        "number": 3,
        "time": "2026-11-28T21:06:40.126456Z",
        "session": 1,
        "peer": "10.0.0.7:50432",
        "direction": "received",
        "what": "command",
        "name": "locate",
        "values": {"job": 3},
        "text": "TRG,3",
        "hex": "5452472c33",
    } == command
    assert {"result": "nan"} == reply["values"]


def test_everything_else_has_a_line_too() -> None:
    found = Talk(reason="closed here").close()
    found.add(RecordedFrame, sent=True, frame=b"a", masked=False)
    found.add(RecordedFault, sent=False, kind="half frame", text="half", details="")
    found.message(b"?", kind=MessageKind.UNREADABLE, name="", problem="it fits nothing")
    found.values.append(RecordedState(number=9, at=AT, name="link", state="ready", reason=""))
    found.values.append(RecordedGap(number=9, at=AT, until=AT, count=3, size=30, reason="full"))
    names = ["opened", "closed", "frame", "half frame", "unreadable", "state", "gap"]
    assert names == [each["what"] for each in objects(found.values)]
    assert "closed here" == objects(found.values)[1]["problem"]
