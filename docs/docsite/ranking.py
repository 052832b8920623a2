"""
The order of what a search finds: :func:`ranked`.

The index of Sphinx knows in which pages a word is, but not how often. Therefore ``scorer.js`` also gets the
few pages that have most of each word for their length, and how much a reader expects of each kind of page.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, Final

from docsite.contents import sections
from docsite.search import EnglishAndKorean

__all__ = ["best_pages", "ranked"]

FIRST_PAGE: Final = Path(__file__).resolve().parents[1] / "README.md"

EXPECTED: Final = {"Tutorial": 4, "How-to guides": 4, "Devices": 3, "Reference": 2, "Explanation": 1}
"""Points of a page in the results of a search, by its section of the first page."""

MEASURED: Final = "Measured"
"""A group of pages with figures, which have many words and few answers."""

UNLISTED: Final = -3
"""Points of a page about names, of an example, and of the project's own pages."""

LONGEST_LIST: Final = 6
"""Pages that are kept for a word."""

_ARTICLE: Final = re.compile(r"<article.*</article>", re.DOTALL)
_FIRST_PARAGRAPH: Final = re.compile(
    r"</h1>\s*<p>(.*?)(?:</p>|<(?:p|ul|ol|dl|div|section|table)\b)", re.DOTALL
)
_TAG: Final = re.compile(r"<[^>]*>")


def ranked(site: Path, index: dict[str, Any]) -> str:
    """
    Return the script that ranks the results of a search, and says what each page is about.

    Args:
        site: the folder of the site.
        index: the index that Sphinx made.
    """
    pages = index["docnames"]
    language = EnglishAndKorean({})
    stem = cache(language.stem)
    counts, says = [], []
    for page in pages:
        path = site / f"{page}.html"
        found = _ARTICLE.search(path.read_text("utf-8")) if path.exists() else None
        text = unescape(_TAG.sub(" ", found[0])) if found else ""
        counts.append(Counter(map(stem, language.split(text))))
        says.append(_first_sentence(found[0] if found else ""))
    best = {word: at for word, at in best_pages(counts).items() if word in index["terms"]}
    points = _points()
    values = {"best": best, "points": [points(page) for page in pages], "pages": pages, "says": says}
    return "".join(
        f"Scorer.{name}={json.dumps(value, separators=(',', ':'), ensure_ascii=False)};"
        for name, value in values.items()
    )


def best_pages(counts: list[Counter[str]]) -> dict[str, list[int]]:
    """Return the pages that have most of each word for their length, the best first; not of rare words."""
    usual = sum(each.total() for each in counts) / max(len(counts), 1)
    found: dict[str, list[tuple[float, int]]] = {}
    for at, words in enumerate(counts):
        length = 0.3 + 0.7 * words.total() / (usual or 1)
        for word, count in words.items():
            found.setdefault(word, []).append((-count / (count + 1.5 * length), at))
    return {
        word: [at for _, at in sorted(weights)[:LONGEST_LIST]]
        for word, weights in sorted(found.items())
        if len(weights) > 2
    }


def _first_sentence(article: str) -> str:
    """Return the first sentence below the title, or an empty text if something else comes there."""
    found = _FIRST_PARAGRAPH.search(article)
    text = re.sub(r"\s+", " ", unescape(_TAG.sub("", found[1]))).strip() if found else ""
    return re.split(r"(?<=[.:]) ", text)[0].rstrip(".:")


def _points() -> Callable[[str], int]:
    points = {}
    for section in sections(FIRST_PAGE.read_text("utf-8")):
        usual = EXPECTED.get(section.name, 0)
        points.update(dict.fromkeys(section.pages, usual))
        for group in section.groups:
            points.update(dict.fromkeys(group.pages, UNLISTED if group.name == MEASURED else usual))

    def points_of(page: str) -> int:
        english = page.removeprefix("ko/")
        return points.get(english, points.get(re.sub(r"(^|/)index$", r"\1README", english), UNLISTED))

    return points_of
