"""The patterns of lines of one form."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.draft.columns import pattern_of
from tcpcomm.tools.guess.draft.parts import annotation, named, slots, template

NUMBERS = (3, 17, 5, 250, 41, 8, 99, 12, 60, 7, 31, 2)


def drafted(lines: list[str]) -> tuple[str, list[str]]:
    pattern = pattern_of(lines)
    pattern = named(pattern, "abcdefgh")
    return template(pattern), [*map(annotation, slots(pattern))]


@pytest.mark.parametrize(
    ("line", "expected", "types"),
    [
        ("TRG,{n}", "TRG,{a}", ["int"]),
        ("OK,{x:.3f},{y:.3f}", "OK,{a:.3f},{b:.3f}", ["float", "float"]),
        ("X={x:.1f};Y={n}", "X={a:.1f};Y={b}", ["float", "int"]),
        ("S {w} {x:10.2f} g", "S {a} {b:10.2f} g", ['Literal["S", "D"]', "float"]),
        ("M{n:03d}", "M{a:03d}", ["int"]),
        ("{x: =+9.3f}kg", "{a: =+9.3f}kg", ["float"]),
        ("V{h:04X}", "V{a:04X}", ["int"]),
        ("LAMP {on}", "LAMP {a:ON|OFF}", ["bool"]),
        ("{{{n}}}[{n}]", "{{{a}}}[[{b}]]", ["int", "int"]),
        ("NAME,{text}", "NAME,{a}", ["str"]),
        ("2026-11-29 12:{m:02}:00,{n}", "{a},{b}", ["str", "int"]),
        ("AT {pad:<8}|{n}", "AT {a:<8}|{b}", ['Literal["S", "D"]', "int"]),
        ("L,{n}{unit}", "L,{a}[,{b}]", ["int", 'Literal["mm"] | None']),
        ("V {values}", "V {a*,}", ["list[int]"]),
        ("V {count},{values}", "V {#a},{a*,}", ["list[int]"]),
    ],
)
def test_the_pattern_of_lines(line: str, expected: str, types: list[str]) -> None:
    lines = []
    for at, number in enumerate(NUMBERS * 2):
        values = [str(each) for each in NUMBERS[: at % 4]]
        fields = {
            "n": number,
            "x": number / 8 - 3,
            "y": number / 3,
            "h": (number * 977 + 10) % 65536,
            "m": number % 60,
            "w": "SD"[at % 2],
            "pad": "SD"[at % 2],
            "on": ("ON", "OFF")[at % 2],
            "text": ("part no", "a b c", "x", "loading bay")[at % 4] + "!" * (at % 5),
            "unit": ("", ",mm")[at % 2],
            "values": ",".join(values),
            "count": len(values),
        }
        lines.append(line.format(**fields))
    assert (expected, types) == drafted(lines)


def test_a_number_that_is_always_the_same_may_be_a_value_in_few_lines() -> None:
    assert ("JOB,{a}", ["int"]) == drafted(["JOB,3"] * 3)[:2] or ("JOB,3", []) == drafted(["JOB,3"] * 3)
    assert ("JOB,3,{a}", ["int"]) == drafted([f"JOB,3,{each}" for each in NUMBERS])
