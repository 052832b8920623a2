"""
The words of the site's search: English words by their stems, Korean words by their beginnings.

A Korean word ends with particles: a page has 재접속을 or 재접속이, and people look for 재접속.
Therefore the index has each beginning of at least two syllables. The browser splits the typed words at
spaces, as in English.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sphinx.search import languages
from sphinx.search.en import SearchEnglish

__all__ = ["EnglishAndKorean", "setup"]

_HANGUL: Final = re.compile(r"[가-힣]{3,}")
LONGEST_BEGINNING: Final = 6
"""Syllables of the longest beginning that the index has beside the whole word."""


class EnglishAndKorean(SearchEnglish):
    """English with Korean words in it."""

    lang = "en-ko"
    language_name = "English"  # the name of the stemmer in the browser

    def split(self, input: str) -> list[str]:
        words = super().split(input)
        for word in words.copy():
            for korean in _HANGUL.findall(word):
                words += [korean[:length] for length in range(2, min(len(korean), LONGEST_BEGINNING + 1))]
        return words


def setup(app: Any) -> None:
    """Add the language to those of Sphinx."""
    languages[EnglishAndKorean.lang] = EnglishAndKorean
