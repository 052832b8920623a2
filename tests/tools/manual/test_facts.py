"""The manual has all facts of the declaration, and its examples show the bytes on the wire."""

from __future__ import annotations

import json
import sys
from enum import Enum
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tcpcomm import Equipment, Login, command, declaration_of, event
from tcpcomm.cli import main
from tcpcomm.codec import Acknowledged, Binary, CountedLines, Template
from tcpcomm.codec.base import Request
from tcpcomm.codec.binary.types import U8
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tcpcomm.tools.manual.values import jsonable
from tests.equipment.declared import RpcCamera, Scale, VisionCamera


class Unit(Enum):
    """The unit of a length."""

    MM = "mm"
    INCH = "in"


@frozen
class Mark:
    """A mark that was found."""

    x: float
    unit: Unit


class Finder(Equipment):
    """
    Finds marks.

    As its manual says.
    """

    framing = Delimited(b"\r")
    reply_framing = Delimited(b"\r\n")
    gap = 0.05
    codec = Template(encoding="cp949", fault="ERR {code}")
    greeting = "READY|v1"
    login = (Login(expect="Password:", send="{password}", prompt=True), Login(send="GO"))

    @command(
        "FIND {what}", reply=Acknowledged("BUSY", CountedLines("{#}", "{x:.1f}{unit}")), idempotent=True
    )
    def find(self, what: str = "작업") -> list[Mark]:
        """Find all marks."""
        raise NotImplementedError

    @command("STOP", reply=None)
    def stop(self) -> None:
        raise NotImplementedError


def facts(kind: type[Equipment], **options: Any) -> dict[str, Any]:
    return facts_of(declaration_of(kind), **options)


def test_all_facts_have_the_types_of_json() -> None:
    for kind in (Finder, VisionCamera, RpcCamera):
        assert facts(kind) == json.loads(json.dumps(facts(kind)))


def test_a_command_is_described_with_its_words_types_timeout_and_repetition() -> None:
    find, stop = facts(Finder)["commands"]

    assert "FIND {what}" == find["request"]
    assert ["BUSY (before the command is carried out)", "{#}", "{x:.1f}{unit} ({#} times)"] == find[
        "replies"
    ]
    assert [{"name": "what", "type": "str", "default": "작업"}] == find["parameters"]
    assert ("list[Mark]", 5.0, True, "Find all marks.") == (
        find["result"],
        find["timeout"],
        find["idempotent"],
        find["doc"],
    )
    assert ([], "None", None) == (stop["replies"], stop["result"], stop["timeout"])


def test_types_are_described_once_with_those_in_their_fields() -> None:
    assert [
        {
            "name": "Mark",
            "doc": "A mark that was found.",
            "fields": [{"name": "x", "type": "float"}, {"name": "unit", "type": "Unit"}],
        },
        {
            "name": "Unit",
            "doc": "The unit of a length.",
            "members": [{"name": "MM", "value": "mm"}, {"name": "INCH", "value": "in"}],
        },
    ] == facts(Finder)["types"]


@pytest.mark.parametrize("kind", [Finder, VisionCamera, RpcCamera])
def test_the_bytes_of_an_example_are_read_as_its_values(kind: type[Equipment]) -> None:
    declaration = declaration_of(kind)
    for told in facts(kind)["commands"]:
        first, *replies = told["example"]["messages"]
        (frame,) = declaration.received.decoder().feed(bytes.fromhex(first["hex"]))
        (asked,) = declaration.dialect.read_at_equipment(frame).requests
        assert isinstance(asked, Request)
        assert told["name"] == asked.name
        assert told["example"]["values"] == jsonable(asked.values)
        assert {"equipment"} >= {reply["from"] for reply in replies}
        assert bool(replies) == declaration.commands[told["name"]].has_reply
        for reply in replies:
            assert 1 == len(declaration.sent.decoder().feed(bytes.fromhex(reply["hex"])))


def test_examples_are_the_same_for_the_same_seed() -> None:
    assert facts(VisionCamera) == facts(VisionCamera)
    assert facts(VisionCamera) != facts(VisionCamera, seed=1)


def test_text_is_shown_in_the_encoding_with_invisible_characters_escaped() -> None:
    class Korean(Equipment):
        framing = Delimited(b"\r")
        codec = Template(encoding="cp949", fault="NG")

        @event("작업\t시작")
        def begun(self) -> None: ...

    (message,) = facts(Korean)["events"][0]["example"]["messages"]
    assert {"from": "equipment", "text": r"작업\t시작\r", "hex": "c0 db be f7 09 bd c3 c0 db 0d"} == message


def test_bytes_that_are_not_text_are_shown_in_hex() -> None:
    class Drive(Equipment):
        framing = LengthPrefixed(1)
        codec = Binary()

        @event(0xF0)
        def stopped(self, axis: U8) -> None: ...

    (message,) = facts(Drive)["events"][0]["example"]["messages"]
    assert message["text"].startswith(r"\x02\xf0")
    assert message["hex"].startswith("02 f0 ")


def test_the_page_has_a_section_for_everything() -> None:
    page = markdown(facts(Finder))

    assert [
        "# Finder",
        "## On the wire",
        "## Commands",
        "### find",
        "### stop",
        "## Faults",
        "## Types",
        "### Mark",
        "### Unit",
    ] == [line for line in page.splitlines() if line.startswith("#")]
    for line in (
        "As its manual says.",
        r"| what the host sends | `delimited:\r` |",
        r"| what the equipment sends | `delimited:\r\n` |",
        "| silence that ends a message | 0.05 s |",
        r"| the equipment greets with | `READY\|v1` |",
        "| `Password:`, without an end | `{password}` |",
        "| nothing | `GO` |",
        "| reply | `BUSY (before the command is carried out)` |",
        "| then | `{#}` |",
        "| may be repeated | yes |",
        '| `what` | `str` | `"작업"` |',
        "The equipment says no with `ERR {code}`.",
        "| `UNKNOWN_COMMAND` | there is no such command |",
    ):
        assert f"\n{line}\n" in page, line
    assert "\n\n\n" not in page


class Degrees(Equipment):
    """It measures in °C, é."""

    codec = Template(encoding="latin-1")

    @command("T?", reply="{t:.1f}")
    def temperature(self) -> float:
        """Return the temperature in °C."""
        return 0.0


def describe(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["describe", "tests.tools.manual.test_facts:Degrees", *words])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("form", ["markdown", "json"])
def test_the_manual_is_written_to_a_file_in_utf_8(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "manual.md"
    assert 0 == describe("--output", str(file), "--format", form)
    assert "" == capsys.readouterr().out
    assert 0 == describe("--format", form)
    assert capsys.readouterr().out == file.read_bytes().decode("utf-8")


def test_a_console_that_lacks_a_character_is_told_the_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding="cp949"))
    assert 0 == describe()
    assert "It measures in °C, \\xe9." in written.getvalue().decode("cp949")
    assert (
        "tcpcomm describe: standard output is in cp949, which has no 'é': --output manual.md writes the "
        "manual in UTF-8\n"
    ) == capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "nowhere" / "manual.md"
    assert 1 == describe("--output", str(place))
    assert (
        f"tcpcomm describe: --output {place}: cannot write it: No such file or directory\n"
    ) == capsys.readouterr().err


def test_every_form_of_a_reply_and_of_a_fault_is_in_the_manual() -> None:
    facts = facts_of(declaration_of(Scale))
    page = markdown(facts)
    for line in (
        "| reply | `S {stable:S\\|D} {grams:10.2f} g` |",
        "| or | `S E` |",
        "| or a fault | `S I (code I)` |",
        "| reply | `LOG A (before the command is carried out)` |",
        "| then | `{grams:.2f} g or - {text} (any number of times)` |",
        "| then | `LOG E` |",
        "The equipment says no with `ES or ERR {code:d}[ {reason}]`.",
    ):
        assert f"\n{line}\n" in page, line
    weigh, log, _ = facts["commands"]
    assert [{"template": "S I", "parts": [{"text": "S I"}], "code": "I"}] == weigh["layout"]["faults"][:1]
    assert [{"type": "record", "name": "Weight"}, {"type": "null"}] == [
        {key: each["stands_for"][key] for key in ("type", "name") if key in each["stands_for"]}
        for each in weigh["layout"]["reply"]["forms"]
    ]
    assert "LOG A" == log["layout"]["reply"]["acknowledgement"]["template"]
    items = log["layout"]["reply"]["forms"][0]["items"]
    assert ("LOG E", 10_000) == (items["end"]["template"], items["at_most"])
    grams = {"field": "grams", "form": {"type": "float"}, "format": {"decimals": 2, "letter": "f"}}
    assert [grams, {"text": " g"}] == items["forms"][0]["frames"][0]["parts"]
