"""The table of the monitor's page, in a real browser: what it draws, holds and follows."""

from __future__ import annotations

import re
from typing import Final

from tests.conftest import needs_module
from tests.system.browser import Browser
from tests.system.test_monitor_page import choose, chromium, rows, url, wait_until_drawn

needs_module("playwright", "pip install playwright; no browser of its own is needed")
from playwright.sync_api import expect  # noqa: E402 - it may be missing

__all__ = ["chromium", "url"]

OVERFLOWS: Final = """() => {
    const { scrollHeight, clientHeight } = document.querySelector('#rows');
    return scrollHeight > clientHeight;
}"""

TOOLS: Final = """async () => {
    window.store = await import('/store.js');
    const { Row } = await import('/row.js');
    const row = {session: 1, direction: 'in', kind: 'frame', name: '', values: null, hex: '4f4b',
        bytes: 2, answers: null, took: null, text: '', chunks: 1, place: 1};
    const made = (number) => new Row((name) => ({ ...row, id: number, time: number / 1e4 })[name]);
    window.pour = (count, first) => {
        store.log.push(Array.from({ length: count }, (_, index) => made(first + index)));
        store.tick.value += 1;
    };
}"""
"""Gives the page its store, and a function that adds so many rows, from a row number on."""


def test_a_freeze_holds_the_table_and_keeps_what_comes(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        expect(rows(page).first).to_be_visible()
        page.get_by_role("button", name="Freeze").click()
        wait_until_drawn(page)
        held = rows(page).last.get_attribute("id")
        expect(page.get_by_role("button", name=re.compile(r"Frozen, [1-9]\d* newer"))).to_be_visible()
        expect(rows(page).last).to_have_attribute("id", str(held))
        page.keyboard.press("f")
        expect(rows(page).last).not_to_have_attribute("id", str(held))


def test_a_clicked_row_stays_under_the_pointer(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.wait_for_function(OVERFLOWS)
        reply = rows(page, ".reply").last
        reply.dispatch_event("pointerdown")
        reply.click()
        chosen = rows(page, ".chosen")
        expect(page.get_by_role("button", name="newest")).to_be_visible()  # the page follows no longer
        place = chosen.bounding_box()
        count = page.locator(".foot").text_content()
        expect(page.locator(".foot")).not_to_have_text(str(count))
        assert place == chosen.bounding_box()
        page.get_by_role("button", name="newest").click()
        expect(chosen).to_have_count(0)
        expect(page.get_by_role("button", name="newest")).to_have_count(0)


def test_a_chosen_row_is_shown_and_stays_also_at_the_end(chromium: Browser, url: str) -> None:
    count = "store.log.shown.length"
    come = "(count) => store.log.shown.length > count"
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.evaluate(TOOLS)
        page.wait_for_function(OVERFLOWS)
        rows(page).last.dispatch_event("pointerdown")
        newest = page.get_by_role("button", name="newest")
        expect(newest).to_be_visible()
        page.wait_for_function(come, arg=page.evaluate(count) + 40)  # more than can be seen
        page.evaluate("() => { store.row.value = store.log.shown.at(-1); }")
        wait_until_drawn(page)
        expect(rows(page, ".chosen")).to_be_in_viewport()
        page.wait_for_function(come, arg=page.evaluate(count))
        expect(newest).to_be_visible()


def test_the_end_key_follows_however_many_rows_come(chromium: Browser, url: str) -> None:
    press_and_pour = """async () => {
        const end = new KeyboardEvent('keydown', { key: 'End', bubbles: true });
        document.querySelector('#rows').dispatchEvent(end);
        pour(100, 1e9);
    }"""
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.wait_for_function(OVERFLOWS)
        rows(page).last.dispatch_event("pointerdown")
        newest = page.get_by_role("button", name="newest")
        expect(newest).to_be_visible()
        page.evaluate(TOOLS)
        page.evaluate(press_and_pour)
        expect(page.locator("#row-1000000099")).to_be_in_viewport()
        expect(newest).to_have_count(0)


def test_only_rows_that_can_be_seen_are_drawn(chromium: Browser, url: str) -> None:
    pour_much = """async () => {
        for (let batch = 0; batch < 60; batch += 1) {
            pour(500, 1e9 + 500 * batch);
            await new Promise(requestAnimationFrame);
        }
        return store.log.all.length;
    }"""
    with chromium.page(url) as page:
        choose(page, "Plc")
        expect(rows(page).first).to_be_visible()  # the rows that the server has kept
        page.evaluate(TOOLS)
        assert 20_000 <= page.evaluate(pour_much) <= 22_000
        expect(page.locator("#row-1000029999")).to_be_visible()
        assert rows(page).count() <= 60
