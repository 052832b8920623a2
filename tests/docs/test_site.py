"""The site that ``tcpcomm docs`` opens is whole, small, and needs no network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs import api
from tests.docs.built_site import PATIENCE, BuiltSite, built_site

LARGEST = 5 * 1024 * 1024
"""Bytes of the site, because each wheel has it."""

LOADED = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "use": "href"}
"""The elements of a page that load something, and the attribute with its address."""


class Page(HTMLParser):
    """What a page loads, where its links lead, and its places for links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if place := values.get("id"):
            self.places.add(place)
        if tag == "a" and (target := values.get("href")):
            self.links.append(target)
        elif target := values.get(LOADED.get(tag, "")):
            self.loaded.append(target)


@pytest.fixture(scope="module")
def site() -> BuiltSite:
    return built_site()


@pytest.fixture(scope="module")
def pages(site: BuiltSite) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in site.folder.rglob("*.html")}


def staged(site: BuiltSite) -> Iterator[str]:
    """Yield the page of the site for each page of the documentation."""
    for path in (site.project / "docs").rglob("*.md"):
        name = path.relative_to(site.project / "docs").with_suffix(".html").as_posix()
        yield re.sub(r"(^|/)README\.html$", r"\1index.html", name)


def contents(site: BuiltSite) -> str:
    """Return the contents that each page shows at its side."""
    script = (site.folder / "_static/sidebar.js").read_text("utf-8")
    found = re.search(r"^const CONTENTS = (.*);$", script, re.MULTILINE)
    assert found is not None
    return str(json.loads(found[1]))


def test_it_is_built_without_a_warning(site: BuiltSite) -> None:
    assert (0, "") == (site.code, site.printed)


def test_it_has_every_page_and_its_side_lists_them(site: BuiltSite) -> None:
    listed = {"index.html", *re.findall(r'href="([^"#]+)"', contents(site))}
    expected = set(staged(site))
    assert len(expected) > 90
    assert set() == {name for name in expected if not (site.folder / name).exists()}
    assert set() == expected - listed


def test_the_side_has_a_part_for_each_kind_of_page(site: BuiltSite) -> None:
    captions = re.findall(r'<span class="caption-text">(.*?)</span>', contents(site))
    parts = [
        "Tutorial",
        "Devices",
        "How-to guides",
        "Explanation",
        "Reference",
        "Examples",
        "한국어",
        "The project",
    ]
    assert parts == captions


def test_it_is_small(site: BuiltSite) -> None:
    assert sum(path.stat().st_size for path in site.folder.rglob("*")) <= LARGEST
    assert [] == [*site.folder.rglob("*.map"), *site.folder.rglob("_sources"), *site.folder.rglob(".*")]


def test_it_loads_nothing_from_another_host(site: BuiltSite, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert [] == [each for each in page.loaded if re.match(r"(\w+:)?//", each)], path
    for path in (*site.folder.rglob("*.css"), *site.folder.rglob("*.html")):
        text = path.read_text("utf-8")
        assert [] == re.findall(r"@import.*|url\(\s*['\"]?(?:https?:)?//[^)]*\)", text), path
    for path in site.folder.rglob("*.js"):
        addresses = re.findall(r"""["'`](?:https?:)?//[\w.-]+\.\w+""", path.read_text("utf-8"))
        assert [] == [each for each in addresses if "www.w3.org" not in each], path


def test_all_its_links_have_targets(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for target in (*page.links, *page.loaded):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, place = unquote(target).partition("#")
            found = (path.parent / name.partition("?")[0]).resolve() if name else path
            assert found.exists(), (path, target)
            if place and found in pages and target in page.links:
                assert place in pages[found].places, (path, target)


def test_each_public_name_has_its_entry(site: BuiltSite) -> None:
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site.folder / "objects.inv").read_bytes(), uri="")
    names = {name for kind in inventory.data for name in inventory.data[kind]}
    public = {f"{module}.{name}" for module in api.MODULES for name in api.names_of(module)}
    assert len(public) > 300
    assert set() == public - names


def test_an_entry_has_types_text_and_links(site: BuiltSite) -> None:
    page = (site.folder / "reference/api/tcpcomm-links.html").read_text("utf-8")
    text = unescape(re.sub(r"<[^>]*>", "", page))
    assert "wait(attempts: int, down_for: float, random: Random) → float" in text
    assert "Return the seconds until the next attempt." in text
    assert 'href="tcpcomm-errors.html#tcpcomm.ConfigurationError"' in page


def test_a_block_shows_the_name_of_its_file(site: BuiltSite) -> None:
    page = (site.folder / "howto/describe-simulate-call.html").read_text("utf-8")
    assert re.search(r'code-block-caption"><span class="caption-text">my_camera\.py</span>', page)


def test_the_states_of_a_link_are_drawn(site: BuiltSite) -> None:
    page = (site.folder / "reference/link-states.html").read_text("utf-8")
    assert re.search(r"<svg class=\"states\".*>suspect</text>", page)
    assert "mermaid" not in page


def test_an_example_is_a_page(site: BuiltSite) -> None:
    page = (site.folder / "examples/machine.html").read_text("utf-8")
    assert "machine_program.py" in page
    first = (site.folder / "index.html").read_text("utf-8")
    assert 'href="examples/machine.html#machine-py"' in first


def test_a_folder_with_other_files_is_left_alone(site: BuiltSite, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    ended = subprocess.run(
        [sys.executable, "docs/build.py", str(tmp_path)],
        cwd=site.project,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    problem = f"{tmp_path} has files that are no older site: name an empty folder\n"
    assert (1, problem, ["mine.txt"]) == (
        ended.returncode,
        ended.stderr,
        [path.name for path in tmp_path.iterdir()],
    )


def test_a_korean_page_says_its_language(site: BuiltSite) -> None:
    assert 'lang="ko"' in (site.folder / "ko/howto/talk-to-csharp.html").read_text("utf-8")
    assert 'lang="en"' in (site.folder / "index.html").read_text("utf-8")
