"""The files of the monitor's page: whole in both languages, loaded from nowhere else, as published."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "src/tcpcomm/tools/monitor/page"
OWN = sorted(path for path in PAGE.rglob("*.*") if "vendor" not in path.parts)
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
LINES = 400
"""Lines that a file of the page may have."""

USED = re.compile(r"""\bt\(\s*["`]([\w.]+?)(?:["`]|\.\$)""")
"""A call of `t`; the key may end where a value begins, as in `state.${name}`."""


def named(path: object) -> str:
    return str(path).removeprefix(f"{PAGE}/")


def words(language: str) -> dict[str, str]:
    """Return the words of a language by their keys."""
    lines = (PAGE / "words" / f"{language}.js").read_text(encoding="utf-8").splitlines()
    pairs = [line.strip().rstrip(",") for line in lines if line.startswith('  "')]
    assert len(pairs) == len({pair.partition(":")[0] for pair in pairs}), "a key stands twice"
    found: dict[str, str] = json.loads("{" + ",".join(pairs) + "}")
    return found


def test_both_languages_have_the_same_keys() -> None:
    assert list(words("en")) == list(words("ko"))


def test_both_languages_fill_in_the_same_values() -> None:
    def places(text: str) -> list[str]:
        return sorted(set(re.findall(r"{(\w+)}", text)))

    english, korean = words("en"), words("ko")
    assert {key: places(english[key]) for key in english} == {key: places(korean[key]) for key in korean}


def test_no_words_are_empty() -> None:
    assert [] == [key for language in ("en", "ko") for key, text in words(language).items() if not text]


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_the_words_of_a_file_are_there(path: object) -> None:
    known = words("en")
    used = USED.findall(PAGE.joinpath(named(path)).read_text(encoding="utf-8"))
    families = {key.rpartition(".")[0] for key in known}
    assert [] == [key for key in used if key not in known and key not in families]


def test_every_word_is_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.parent.name != "words")
    families = {match.rstrip(".") for match in re.findall(r"`([\w.]+\.)\$\{", code)}
    unused = [
        key
        for key in words("en")
        if f'"{key}"' not in code and not any(key.startswith(f"{family}.") for family in families)
    ]
    assert [] == unused


@pytest.mark.parametrize("path", OWN, ids=named)
def test_a_file_is_short_and_loads_nothing_from_elsewhere(path: object) -> None:
    text = PAGE.joinpath(named(path)).read_text(encoding="utf-8")
    assert text.count("\n") <= LINES
    found = re.findall(r"""(?:https?:)?//[\w-]+\.[\w.-]+""", text)
    assert [] == [each for each in found if each != "http://www.w3.org"]


def test_the_document_holds_no_script_and_no_style_of_its_own() -> None:
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    assert [] == re.findall(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", text)


def test_the_libraries_are_as_they_were_published() -> None:
    vendor = PAGE / "vendor"
    sums = (vendor / "sources.txt").read_text(encoding="utf-8").partition("\nsha256\n")[2]
    listed = {name: digest for digest, name in map(str.split, sums.splitlines())}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.iterdir()
        if path.name != "sources.txt"
    }
    assert found == listed
