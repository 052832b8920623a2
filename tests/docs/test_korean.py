"""Each Korean page renders the present English page, with the same code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.korean import PAGES, english_of, is_current, version_of
from tests.docs.pages import blocks, without_code
from tests.docs.processes import ROOT

WANTED = [
    "README.md",
    "docs/howto/from-the-manual-to-the-declaration.md",
    "docs/howto/my-device-does-not-answer.md",
    "docs/howto/run-on-windows.md",
    "docs/howto/talk-to-csharp.md",
    "docs/howto/watch-in-the-browser.md",
    "docs/tutorial/declare-a-camera.md",
    "docs/tutorial/from-sockets-to-frames.md",
]

HANGUL = re.compile("[가-힣]")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def headings(page: Path) -> list[str]:
    """Return the levels of the headings, such as ``##``."""
    return re.findall(r"^(#+) ", without_code(page.read_text("utf-8")), re.MULTILINE)


def test_the_pages_of_the_first_hour_are_there() -> None:
    assert WANTED == sorted(english_of(page).relative_to(ROOT).as_posix() for page in PAGES)


@each_page
def test_the_page_renders_the_present_english_version(page: Path) -> None:
    assert is_current(page), (
        f"{english_of(page).relative_to(ROOT)} has changed: make the Korean page say the same, then type "
        f"python -m tests.docs.korean --write"
    )


@each_page
def test_the_code_blocks_are_the_english_ones(page: Path) -> None:
    def shown(path: Path) -> list[tuple[str, tuple[str, ...], str]]:
        return [(each.language, each.words, each.text) for each in blocks(path.read_text("utf-8"))]

    assert shown(english_of(page)) == shown(page)


@each_page
def test_the_sections_are_the_english_ones_in_korean(page: Path) -> None:
    assert headings(english_of(page)) == headings(page)
    for line in re.findall(r"^#+ (.*)$", without_code(page.read_text("utf-8")), re.MULTILINE):
        assert HANGUL.search(line) or line in ("tcpcomm", "C#"), line


def test_a_version_changes_with_the_prose_alone() -> None:
    page = "# A\n\nOne sentence.\n\n```python\nx = 1\n```\n"
    assert version_of(page) == version_of(page.replace("x = 1", "x = 2"))
    assert version_of(page) == version_of(page.replace("One sentence.", "One\nsentence."))
    assert version_of(page) != version_of(page.replace("One", "Another"))
    part = "<!-- written by x: t -->\n1\n<!-- end of t -->\n"
    assert version_of(page + part) == version_of(page + part.replace("1", "2"))
