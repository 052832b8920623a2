"""The first page of the documentation leads to every other, and stays short."""

from __future__ import annotations

import re

from docsite.contents import sections
from tests.conftest import ROOT

PAGE = ROOT / "docs/README.md"
LONGEST = 600
"""Words of the first page."""


def linked() -> set[str]:
    """Return the pages in the groups of the first page, and the pages of groups."""
    found = sections(PAGE.read_text("utf-8"))
    return {name for section in found for part in (section, *section.groups) for name in part.pages}


def test_it_lists_every_page() -> None:
    pages = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in ROOT.glob("docs/*/*.md")
    }
    assert set() == {name for name in pages if not name.startswith("ko/")} - linked()


def test_it_is_short() -> None:
    text = re.sub(r"\]\([^)]*\)", "]", PAGE.read_text("utf-8"))
    assert len(re.findall(r"[\w.'/-]+", text)) <= LONGEST


def test_it_has_the_groups_of_the_side() -> None:
    groups = {
        each.name: [group.name for group in each.groups]
        for each in sections(PAGE.read_text("utf-8"))
    }
    assert ["Tutorial", "Devices", "How-to guides", "Explanation", "Reference"] == [*groups]
    assert groups["How-to guides"] == [
        "First steps",
        "Where you write your program",
        "Framing and declaring",
        "Seeing what passes",
        "Links that last",
        "Plant",
        "Running it",
    ]
