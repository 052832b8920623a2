"""
The Korean pages, and the English page that each of them renders.

A Korean page stands in ``docs/ko`` under the path of its English page; ``README.ko.md`` stands beside
``README.md``. Its first line names the English version: a digest of the prose, without code blocks and
without parts that a program writes. Code blocks are the same in both languages.

``python -m tests.docs.korean`` lists the pages that are older than their English version. When the Korean
text says the same again, ``--write`` notes the new version.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path
from typing import Final

from tests.docs.pages import without_code
from tests.docs.parts import without_written_parts
from tests.docs.processes import ROOT

__all__ = ["PAGES", "english_of", "is_current", "version_of", "with_version"]

FOLDER: Final = ROOT / "docs/ko"
PAGES: Final = [ROOT / "README.ko.md", *sorted(FOLDER.glob("**/*.md"))]

_MARK: Final = re.compile(r"\A<!-- renders (\S+), version ([0-9a-f]{12}) -->\n")


def english_of(page: Path) -> Path:
    """Return the English page of a Korean one."""
    if page.parent == ROOT:
        return ROOT / "README.md"
    return ROOT / "docs" / page.relative_to(FOLDER)


def version_of(english: str) -> str:
    """Return the version of an English page: it changes with the page's prose."""
    prose = without_written_parts(without_code(english))
    return hashlib.sha256(" ".join(prose.split()).encode()).hexdigest()[:12]


def with_version(page: Path) -> str:
    """Return the text of a Korean page whose first line names the present English version."""
    english = english_of(page)
    text = _MARK.sub("", page.read_text("utf-8"))
    name = english.relative_to(ROOT).as_posix()
    return f"<!-- renders {name}, version {version_of(english.read_text('utf-8'))} -->\n{text}"


def is_current(page: Path) -> bool:
    """Return True if a Korean page names the present English version."""
    return page.read_text("utf-8") == with_version(page)


def _main() -> None:
    parser = argparse.ArgumentParser("python -m tests.docs.korean", description="Check the Korean pages.")
    parser.add_argument("--write", action="store_true", help="note the present English versions")
    write = parser.parse_args().write
    for page in PAGES:
        if not is_current(page):
            print(f"{page.relative_to(ROOT)}: {english_of(page).relative_to(ROOT)} has changed")
            if write:
                page.write_text(with_version(page), "utf-8")


if __name__ == "__main__":
    _main()
