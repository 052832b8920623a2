"""The site of the documentation in a real browser, from the disk, as ``tcpcomm docs`` opens it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docsite.markdown import first_paragraph, title
from tests.conftest import needs_module
from tests.docs.built_site import built_site
from tests.system.browser import Browser, browser

needs_module("playwright", "pip install playwright; no browser of its own is needed")
from playwright.sync_api import Page, expect  # noqa: E402 - it may be missing

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def folder() -> Path:
    return built_site().folder


@contextmanager
def opened(chromium: Browser, page: Path) -> Iterator[Page]:
    """Open a page of the site. It and those that it leads to ask nothing of the network."""
    asked: list[str] = []
    with chromium.page(page.as_uri()) as shown:
        shown.on("request", lambda request: asked.append(request.url))
        shown.reload()
        yield shown
    assert [] == [url for url in asked if not url.startswith(("file:", "data:"))]
    assert asked


def title_of(name: str) -> str:
    """Return the title of a page of the documentation."""
    text = (built_site().project / "docs" / f"{name}.md").read_text("utf-8")
    return title(text)


def search(page: Page, words: str) -> None:
    box = page.get_by_placeholder("Search")
    box.fill(words)
    box.press("Enter")
    expect(page.get_by_role("heading", name="Search Results")).to_be_visible()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("heartbeat", "howto/choose-a-heartbeat"),
        ("checksum", "howto/choose-a-framing"),
        ("재접속", "ko/tutorial/declare-a-camera"),
        ("연결", "ko/howto/my-device-does-not-answer"),
        ("단말 문자", "ko/tutorial/from-sockets-to-frames"),
    ],
    ids=["heartbeat", "checksum", "korean", "short-korean", "two-korean-words"],
)
def test_a_word_of_the_field_finds_its_page(chromium: Browser, folder: Path, words: str, name: str) -> None:
    with opened(chromium, folder / "howto/tls.html") as page:
        search(page, words)
        page.locator(f"ul.search a[href^='{name}.html']").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title_of(name))


def test_a_public_name_finds_its_entry(chromium: Browser, folder: Path) -> None:
    with opened(chromium, folder / "index.html") as page:
        search(page, "FrameProtocol")
        page.get_by_role("link", name="tcpcomm.FrameProtocol", exact=True).first.click()
        expect(page.locator("[id='tcpcomm.FrameProtocol']")).to_be_in_viewport()


def test_the_side_shows_the_place_of_a_page(chromium: Browser, folder: Path) -> None:
    with opened(chromium, folder / "index.html") as page:
        side = page.locator(".sidebar-tree")
        link = side.locator("a[href$='howto/tls.html']")
        expect(link).to_be_hidden()
        side.locator("li", has=page.get_by_role("link", name="Links that last")).locator(
            "label"
        ).first.click()
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title_of("howto/tls"))
        expect(page.locator(".sidebar-tree .current-page")).to_have_text(title_of("howto/tls"))
        expect(page.locator(".sidebar-tree .current-page")).to_be_visible()


def test_the_first_page_leads_from_what_one_has(chromium: Browser, folder: Path) -> None:
    with opened(chromium, folder / "index.html") as page:
        page.get_by_role("row", name="a C# program").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title_of("howto/talk-to-csharp"))


def test_a_page_leads_to_its_twin_in_the_other_language_and_back(chromium: Browser, folder: Path) -> None:
    with opened(chromium, folder / "howto/talk-to-csharp.html") as page:
        page.get_by_role("link", name="한국어", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title_of("ko/howto/talk-to-csharp"))
        expect(page.locator(".sidebar-tree .caption").first).to_have_text("한국어")
        expect(page.get_by_placeholder("검색")).to_be_visible()
        page.get_by_role("link", name="English", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title_of("howto/talk-to-csharp"))


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("STX", "howto/choose-a-framing.html"),
        ("cable pull", "howto/keep-a-link-up.html"),
        ("OutcomeUnknown", "reference/api/tcpcomm-errors.html#tcpcomm.OutcomeUnknown"),
        ("재접속", "ko/"),
    ],
    ids=["guide", "two-words", "public-name", "korean"],
)
def test_the_page_that_one_expects_is_found_first(
    chromium: Browser, folder: Path, words: str, first: str
) -> None:
    with opened(chromium, folder / "index.html") as page:
        search(page, words)
        found = page.locator("ul.search a").first
        expect(found).to_have_attribute("href", re.compile(f"^{re.escape(first)}"))


def test_a_found_page_says_what_it_is_about(chromium: Browser, folder: Path) -> None:
    with opened(chromium, folder / "index.html") as page:
        search(page, "heartbeat")
        text = (built_site().project / "docs/howto/choose-a-heartbeat.md").read_text("utf-8")
        said = first_paragraph(text).rstrip(".").replace("'", "’")
        expect(page.locator("ul.search li").first).to_contain_text(said)


@pytest.mark.parametrize("name", ["index", "howto/recipes", "reference/limits", "ko/howto/talk-to-csharp"])
def test_a_page_fits_a_phone(chromium: Browser, folder: Path, name: str) -> None:
    with chromium.page((folder / f"{name}.html").as_uri(), (400, 800)) as page:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 400
        outside = page.locator("article *").evaluate_all(
            """(all) => all.filter((each) => each.getBoundingClientRect().right > 401
                && !each.closest(".table-wrapper, pre, svg")).map((each) => each.outerHTML)"""
        )
        assert [] == outside
