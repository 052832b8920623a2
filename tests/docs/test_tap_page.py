"""The page of the command line lists all keys and disturbances of a tap."""

from __future__ import annotations

from tcpcomm.tools.tap.commands import KEYS
from tcpcomm.tools.tap.disturbances import DISTURBANCES
from tests.conftest import ROOT
from tests.docs.test_reference import rows, section

PAGE = ROOT / "docs/reference/command-line.md"


def test_each_key_of_a_tap_is_on_the_page_with_its_line() -> None:
    listed = {row[0]: tuple(row[1:]) for row in rows(section(PAGE, "### Keys and lines of a tap"))}
    for key, (line, effect) in KEYS.items():
        assert (f"`{line}`", effect) == listed[f"`{key}`"]


def test_each_disturbance_is_on_the_page_with_its_forms() -> None:
    text = section(PAGE, "### Disturbances").replace("\\|", "|")
    for kind in DISTURBANCES:
        assert f"| `{kind.usage}` | " in text
