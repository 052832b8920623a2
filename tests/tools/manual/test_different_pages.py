"""Different bytes have different manuals, with every codec."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum, Flag
from itertools import combinations
from typing import Annotated, Any, Literal

from attrs import frozen

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec import (
    Acknowledged,
    CountedLines,
    Json,
    JsonRpc,
    OneOf,
    Range,
    Scpi,
    Silence,
    Template,
    Text,
    Until,
    Xml,
)
from tcpcomm.codec.base import MISSING
from tcpcomm.framing import Delimited
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown

EXAMPLE = re.compile(r"For example.*?```text\n.*?\n```(\n+It returns[^\n]*)?", re.DOTALL)


class Lamp(Enum):
    LOW = 1
    HIGH = 2


class Lamps(Flag):
    LOW = 1
    HIGH = 2


@frozen
class Place:
    axis: int = 0


@frozen
class Point:
    x: int
    y: int


VARIANTS: list[tuple[Any, Any, Any, Any]] = [
    *(
        (codec, "ASK {v}", "OK {v}", int)
        for codec in (
            Template(),
            Template("cp949"),
            Template(fault=None),
            Template(fault="NG {code}"),
            Template(fault={"NG": 1}),
            Template(fault={"NG": 1, "NO": 2}),
            Template(fault="ST{code:02d}", ok=0),
            Template(fault="ST{code:02d}", ok=(0, 4)),
            Template(fault="ST{code:02d}[ {axis:d}]", data=Place),
        )
    ),
    (Template(id="v", fault="NG {v} {code}"), "ASK {v}", "OK {v} {x}", int),
    *(
        (Template(), "ASK {v}", reply, int)
        for reply in (
            "OK {v:d}",
            "OK {v:4d}",
            "OK {v:04d}",
            "OK {v:04X}",
            "OK {v:Xi32}",
            "OK {v:Xu32}",
            "OK {v:Xi32le}",
            ("OK", "{v}"),
            OneOf("OK {v}", "WARN {v}"),
            OneOf(("OK", "{v}"), "WARN {v}"),
            Acknowledged("OK", "{v}"),
            Acknowledged("OK", "{v}", within=0.5),
        )
    ),
    *(
        (Template(), "ASK", reply, list[int])
        for reply in (
            "OK {#},{v*,}",
            "OK {v*,}",
            "OK {##v},{v*,}",
            "OK {##},{v*,}",
            CountedLines("{#}", "{v}"),
            Until("OK", "L {v}"),
            Until("NO", "L {v}"),
        )
    ),
    (Template(), "ASK", "OK", None),
    (Template(), "ASK", Silence(0.3), None),
    (Template(), "ASK", Silence(0.5), None),
    (Template(), "ASK", None, None),
    *((Template(), "ASK", "OK {v}", kind) for kind in (float, Decimal, str, bool, bytes, Lamp)),
    *(
        (Template(), "ASK", "OK {v}", kind)
        for kind in (Literal["a", "b"], Literal["a", "c"], Literal[1, 2])
    ),
    (Template(), "ASK", "OK {v}", Annotated[int, Range(0, 9)]),
    *(
        (codec, MISSING, MISSING, int)
        for codec in (
            Json(),
            Json(ascii=True),
            Json(encoding="cp949"),
            Json("type"),
            Json(id="id"),
            Json(result="value"),
            Json(fault="fault"),
            Json(code="no"),
            Json(reason=None),
            Json(data=None),
            Json(success={"ok": True}),
            Json(success={"ok": 1}),
            Json(success={"ok": range(1, 3)}),
            Json(success={"ok": lambda number: number < 5}),
            Json(success={"ok": lambda number: number in (0, 2, 5)}),
            Json(failure={"ok": False}),
            Json(echo=True),
            Json(ignore=("time",)),
            Json(naming="pascal"),
            JsonRpc(),
            JsonRpc(ascii=True),
            JsonRpc(naming="pascal"),
        )
    ),
    *(
        (Json(), MISSING, MISSING, kind)
        for kind in (
            float,
            str,
            bytes,
            Lamp,
            Lamps,
            Point,
            list[int],
            dict[str, int],
            tuple[int, int],
            int | str,
            Literal[1],
            Literal["1"],
            Annotated[int, Range(0, 9)],
        )
    ),
    (Json(), MISSING, Silence(0.3), None),
    (Json(), MISSING, MISSING, None),
    *(
        (codec, "<A/>", '<B C="{v}"/>', int)
        for codec in (Xml(), Xml(declaration=True), Xml("cp949"), Xml(ignore_unknown=True))
    ),
    (Scpi(), "MEASure?", "{v}", int),
    (Scpi(), "MEASure?", "{v:.3f}", float),
    (Text(), MISSING, MISSING, str),
    (Text(fault="NO"), MISSING, MISSING, str),
]


def pages() -> Iterator[tuple[str, str]]:
    """Yield the page of each variant without its examples, and its layouts."""
    for codec, wire, reply, result in VARIANTS:
        takes = isinstance(wire, str) and "{v}" in wire and codec.id != "v"

        async def ask(self: Any, v: int) -> Any: ...

        async def tell(self: Any) -> Any: ...

        handler = ask if takes else tell
        handler.__annotations__["return"] = result
        handler.__name__ = "ask"
        words = () if wire is MISSING else (wire,)
        options = {} if reply is MISSING else {"reply": reply}
        body = {"framing": Delimited(b"\r"), "codec": codec, "ask": command(*words, **options)(handler)}
        facts = facts_of(declaration_of(type("Device", (Equipment,), body)))
        layouts = [facts["rules"], facts["commands"][0]["layout"], (facts["faults"] or {}).get("layout")]
        page = EXAMPLE.sub("", markdown(facts))
        assert "```" not in page
        yield page, json.dumps([codec.__class__.__name__, layouts])


def test_different_bytes_have_different_manuals() -> None:
    """
    These all have different bytes, or refuse different values.

    Before, the options of Json and Xml, and the codes of success, were not in the text.
    """
    found = [*pages()]
    for (one, (page, layout)), (other, (second, another)) in combinations(enumerate(found), 2):
        assert page != second, (VARIANTS[one], VARIANTS[other])
        assert layout != another, (VARIANTS[one], VARIANTS[other])


def test_silence_is_the_reply_in_the_layout_of_every_codec() -> None:
    layouts = [
        json.loads(layout)[1][1]
        for (_, layout), each in zip(pages(), VARIANTS, strict=True)
        if isinstance(each[2], Silence)
    ]
    assert [{"silence": 0.3}, {"silence": 0.5}, {"silence": 0.3}] == [each["reply"] for each in layouts]
