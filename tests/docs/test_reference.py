"""The reference pages agree with the code, so that neither changes without the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from tcpcomm import FrameProtocol, framing
from tcpcomm.cli import call
from tcpcomm.cli.command import CommandOptions
from tcpcomm.cli.tools import guess
from tcpcomm.codec import Binary, Json, JsonRpc, Template, Xml
from tcpcomm.framing import Framing, parse_framing
from tcpcomm.tap import Options
from tcpcomm.testing import LAWS
from tests.conftest import ROOT
from tests.docs import api
from tests.docs.framings import EXAMPLES, choices
from tests.docs.parts import part_of

REFERENCE = ROOT / "docs/reference"


def section(page: Path, heading: str) -> str:
    """Return the text under a heading, up to the next heading of its rank."""
    text = page.read_text("utf-8")
    rank = heading.partition(" ")[0]
    until = rf"(?=^#{{1,{len(rank)}}} |\Z)"
    found = re.search(rf"^{re.escape(heading)}$(.*?){until}", text, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row that begins with a name in code."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def names(text: str) -> list[str]:
    return [row[0].strip("`") for row in rows(text)]


def test_the_public_names_are_those_of_the_modules() -> None:
    assert api.tables() == part_of(api.PAGE.read_text("utf-8"), api.PART), "run python -m tests.docs.api"


def test_the_names_of_a_protocol_exist() -> None:
    listed = names(section(REFERENCE / "api.md", "## A protocol's life"))
    assert len(listed) > 20
    assert [] == [name for name in listed if not hasattr(FrameProtocol, name)]


def test_every_option_has_its_section_with_its_default() -> None:
    page = REFERENCE / "options.md"
    usage = Options().getUsage(80)
    options = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)=? +(.*(?:\n {20,}.*)*)", usage, re.MULTILINE)
    assert len(options) > 10
    for letter, name, text in options:
        described = section(page, f"### `{name}`" + (f", `{letter}`" if letter else ""))
        default = re.search(r"\[default: (.*?)\]", " ".join(text.split()))
        assert not default or f"Default: `{default[1]}`" in described


@pytest.mark.parametrize(("name", "options"), [(each[0], each[2]) for each in CommandOptions.subCommands])
def test_every_option_of_a_subcommand_is_in_its_table_with_its_default(
    name: str, options: Callable[[], Any]
) -> None:
    usage = options().getUsage(200)
    shown = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)=? +(.*)$", usage, re.MULTILINE)
    defaults = {
        f"`{long}`" + (f", `{letter}`" if letter else ""): re.search(r"\[default: (.*?)\]", text)
        for letter, long, text in shown
        if long not in ("--help", "--version")
    }
    table = [*rows(section(REFERENCE / "command-line.md", f"## tcpcomm {name}"))]
    listed = {row[0]: row[1] for row in table}
    documented = [row[0] for row in table if row[0].startswith("`--")]
    assert sorted({*documented}) == sorted(documented)
    assert {option: f"`{found[1]}`" if found else "" for option, found in defaults.items()} == {
        option: default for option, default in listed.items() if option.startswith("`--")
    }


def test_the_exit_codes_of_call_are_those_of_the_code() -> None:
    table = rows(section(REFERENCE / "command-line.md", "### Exit codes of tcpcomm call"))
    listed = {row[0].strip("`"): row[1] for row in table}
    assert [str(code) for code in (0, 1, call.FAULT, call.NOT_SENT, call.OUTCOME_UNKNOWN)] == [*listed]


def test_the_exit_codes_of_guess_are_those_of_the_code() -> None:
    table = rows(section(REFERENCE / "command-line.md", "### Exit codes of tcpcomm guess"))
    codes = (0, 1, guess.LIKELY, guess.NOTHING, guess.NO_DRAFT, guess.INTERRUPTED)
    assert [str(code) for code in codes] == [row[0].strip("`") for row in table]


@pytest.mark.parametrize(
    ("page", "heading", "codec"),
    [
        ("json.md", "## Json", Json),
        ("json.md", "## JsonRpc", JsonRpc),
        ("xml.md", "## Options", Xml),
        ("binary-headers.md", "## Options", Binary),
        ("template-notation.md", "## Options", Template),
    ],
)
def test_the_options_of_a_codec_are_listed(page: str, heading: str, codec: type[Any]) -> None:
    cells = [row[0] for row in rows(section(REFERENCE / page, heading))]
    listed = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    options = {each.name for each in fields(codec) if each.init and not each.name.startswith("_")}
    assert options == listed


def test_the_notation_explains_the_options_of_all_kinds() -> None:
    page = REFERENCE / "framing-notation.md"
    around = (
        *names(section(page, "## A checksum in each frame")),
        *names(section(page, "## Around the stream")),
    )
    own = {row[0].strip("`"): re.findall(r"`(.*?)`", row[2]) for row in rows(section(page, "## Kinds"))}
    for kind, options in own.items():
        plain = kind.removesuffix(":…")
        common = {*around} if plain == "fixed" else {"max=…", *around}
        known = choices(f"{EXAMPLES.get(plain, plain)},nothing-of-that-name")
        assert sorted(known) == sorted([*common, *options])


def pairs() -> Iterator[tuple[str, str]]:
    """Yield each framing that a page shows both in Python and as text, in one line or in a block."""
    pair = re.compile(r"`([A-Z]\w+\([^`\n]*\))`[^`\n]*(?:as text | \| )`([^`\n]+)`")
    lines = re.compile(r"^Python: +(\S.*)\ntext: +(\S.*)$", re.MULTILINE)
    for page in ROOT.glob("docs/**/*.md"):
        text = page.read_text("utf-8")
        yield from pair.findall(text)
        yield from lines.findall(text)


def test_a_framing_in_python_and_as_text_is_the_same() -> None:
    shown = [*pairs()]
    assert len(shown) > 40
    for python, text in shown:
        made: Framing = eval(python, {name: getattr(framing, name) for name in vars(framing)["__all__"]})
        assert made == parse_framing(text), text


def test_the_pages_show_each_kind_in_python_and_as_text() -> None:
    kinds = {*choices("nothing of that name")}
    heads = {text.partition(",")[0] for _, text in pairs()}
    assert kinds == {head if head in kinds else head.partition(":")[0] for head in heads}


def test_the_page_describes_the_laws_in_their_own_words() -> None:
    page = ROOT / "docs/explanation/the-laws.md"
    for law in LAWS:
        sentence = (law.__doc__ or "").strip().partition("\n")[0]
        assert f"\n\n> {sentence}\n\n" in section(page, f"### {law.__name__.replace('_', ' ')}")
