"""The page of the monitor guesses the framing of a tap, in a real browser."""

from __future__ import annotations

import re

from tests.conftest import needs_module
from tests.system.browser import Browser
from tests.system.test_monitor_page import choose, chromium, picture, rows, url

needs_module("playwright", "pip install playwright; no browser of its own is needed")
from playwright.sync_api import expect  # noqa: E402 - it may be missing

__all__ = ["chromium", "url"]


def test_the_framing_of_a_tap_is_guessed(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "tap to the camera")
        pane = page.locator("section.guess")
        pane.get_by_role("button", name="Guess the framing").click()
        expect(pane.locator(".verdict b")).to_have_text(re.compile("likely|confident"))
        expect(pane.locator("code").first).to_have_text(r"delimited:\r\n")
        expect(pane.get_by_role("heading", name="Evidence")).to_be_visible()
        seen = pane.locator(".verdict").inner_text()
        expect(pane.locator(".verdict")).not_to_have_text(seen)  # ten more chunks bring a new answer
        pane.get_by_role("button", name="Copy as tcpcomm tap").click()
        command = re.compile(r"^tcpcomm tap 9998 tcp:127\.0\.0\.1:\d+ --framing 'delimited:\\r\\n'$")
        expect(pane.locator(".copy pre")).to_have_text(command)
        picture(page, "guess")
        pane.get_by_role("button", name="Stop").click()
        expect(pane.locator(".verdict")).to_have_count(0)

        choose(page, "VisionCamera")  # it is declared
        expect(rows(page).first).to_be_visible()
        expect(pane).to_have_count(0)


def test_a_guess_is_told_in_korean(chromium: Browser, url: str) -> None:
    with chromium.page(url, locale="ko-KR") as page:
        choose(page, "tap to the camera")
        pane = page.locator("section.guess")
        pane.get_by_role("button", name="프레이밍 추측").click()
        expect(pane.locator(".verdict b")).to_have_text(re.compile("유력함|확실함"))
