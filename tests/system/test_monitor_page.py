"""
The monitor's page in a real browser, with a small production line behind it.

With TCPCOMM_SCREENSHOTS=1 the tests write the pictures of the documentation, too.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import pytest

from tests.conftest import ROOT, needs_module
from tests.system.browser import Browser, Gate, browser
from tests.system.running import Server

needs_module("playwright", "pip install playwright; no browser of its own is needed")
from playwright.sync_api import Locator, Page, expect  # noqa: E402 - it may be missing

PICTURES: Final = ROOT / "docs/images"
LARGEST_PICTURE: Final = 200_000
"""Bytes of a picture in the documentation."""

PANEL_PC: Final = (1024, 768)
PHONE: Final = (390, 844)

MICROSECONDS: Final = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \d{3}")

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the line's page, with its token."""
    folder = tmp_path_factory.mktemp("line")
    with Server(command=[sys.executable, "-m", "tests.system.monitored_line", str(folder)]) as line:
        yield line.wait_for(r"(http://\S+#token=\S+)")[0]


def choose(page: Page, name: str) -> None:
    """Click a link, a server or a tap of the first screen."""
    source_of(page, name).get_by_role("button").first.click()


def source_of(page: Page, name: str) -> Locator:
    return page.locator("li.source").filter(has=page.get_by_text(name, exact=True))


def rows(page: Page, kind: str = "") -> Locator:
    """The rows of the table that are drawn, or those of one kind."""
    return page.locator(f"#rows .row{kind}")


def wait_until_drawn(page: Page) -> None:
    """Wait until the table shows what the page knows now. It draws in the next frame of the screen."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def freeze_with(page: Page, kind: str) -> None:
    """Freeze the table when a row of a kind is drawn."""
    button = page.locator("button.freeze")
    while True:
        expect(rows(page, kind).last).to_be_visible()
        button.click()
        wait_until_drawn(page)
        expect(button).to_have_attribute("aria-pressed", "true")
        if rows(page, kind).count():
            return
        button.click()


def detail(page: Page) -> Locator:
    return page.locator("section.detail")


def picture(page: Page, name: str) -> None:
    """Write a picture for the documentation, if that was asked for."""
    if os.environ.get("TCPCOMM_SCREENSHOTS", "0") in ("", "0"):
        return
    from PIL import Image  # the extra bench brings it

    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"monitor-{name}.png"
    whole = Image.open(BytesIO(page.screenshot())).convert("RGB")
    whole.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size <= LARGEST_PICTURE


def test_the_first_screen_shows_every_link_with_its_state(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        expect(page.locator("li.source")).to_have_count(5)
        camera = source_of(page, "VisionCamera")
        expect(camera).to_contain_text("ready")
        expect(camera).to_contain_text(re.compile(r"[\d.,]+ frames/s · p50 [\d.]+ .?s, p99"))
        expect(camera.get_by_role("img")).to_have_accessible_name(
            re.compile("Round trips of the last minute")
        )
        expect(source_of(page, "Plc")).to_contain_text(re.compile(r"down, [\d.]+ (s|min)"))
        expect(source_of(page, "Plc")).to_contain_text("refused: the machine is there")
        expect(source_of(page, "Mes")).to_contain_text("2 sessions")
        expect(source_of(page, "Scale")).to_contain_text(re.compile(r"\d+ × reconnected"))
        expect(page.locator(".end")).to_contain_text("live")
        assert "token" not in page.url


def test_frames_are_live_decoded_and_joined_with_their_replies(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        reply = rows(page, ".reply").last
        expect(reply).to_contain_text(re.compile(r"x=[\d.]+, y=[\d.]+, angle=[\d.]+"))
        expect(reply.locator(".time")).to_have_text(MICROSECONDS)
        expect(reply.locator(".took")).to_have_text(re.compile(r"[\d.]+ .?s"))
        expect(reply.locator(".hex")).to_have_text(re.compile(r"^4F 4B 2C "))
        expect(reply.locator(".text")).to_have_text(re.compile(r"^OK,"))
        expect(rows(page, ".command").first.locator(".what")).to_have_text(re.compile(r"locate\(job=\d\)"))
        expect(rows(page, ".command").filter(has_text="↓").first).to_be_visible()
        seen = rows(page).last.get_attribute("id")
        expect(rows(page).last).not_to_have_attribute("id", str(seen))


def test_a_row_opens_all_that_is_known_of_it(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        freeze_with(page, ".reply")
        rows(page, ".reply").last.click()
        shown = detail(page)
        expect(shown.get_by_role("heading")).to_contain_text(re.compile(r"reply to locate\(job=\d\)"))
        expect(shown.get_by_label("Bytes of the frame")).to_contain_text("0000  4F 4B 2C")
        expect(shown.locator("dl").first).to_contain_text("angle")
        shown.get_by_role("button", name="Go to the request").click()
        expect(shown.locator("dl").first).to_contain_text("job")
        expect(rows(page, ".command.chosen")).to_be_visible()
        expect(rows(page, ".reply.paired")).to_be_visible()
        shown.get_by_role("button", name="Python").click()
        expect(shown.locator(".copy pre")).to_contain_text('fromhex("54 52 47 2c')
        picture(page, "light")


def test_the_filter_leaves_what_was_asked_for(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        expect(rows(page, ".command").first).to_be_visible()
        field = page.get_by_role("searchbox")
        field.fill("no part")
        expect(rows(page, ".fault").first.locator("mark").first).to_have_text("no")
        expect(rows(page, ".command")).to_have_count(0)
        field.fill("hex 54 52 47 2c 32")
        expect(rows(page, ".command").first).to_contain_text("locate(job=2)")
        expect(rows(page, ".reply")).to_have_count(0)
        field.fill("job=1")
        expect(rows(page, ".command").first).to_contain_text("job=1")
        expect(rows(page).filter(has_text="job=2")).to_have_count(0)
        field.fill("there is no such word")
        expect(page.get_by_text("The filter lets none of the rows through.")).to_be_visible()


def test_terms_of_the_filter(chromium: Browser, url: str) -> None:
    lets_through = """async (text) => {
        const { compile } = await import('/filter.js');
        const { rowReader } = await import('/row.js');
        const read = rowReader(['id','session','time','direction','kind','name','values','hex','bytes',
            'answers','took','text','chunks','place']);
        const rows = [
            [1, 1, 0, 'out', 'command', 'locate', {job: 3}, '5452472c33', 5, null, null, '', 1, 1],
            [2, 1, 0, 'in', 'reply', 'locate', {result: {x: 12.6, y: 4}}, '4f4b', 2, 1, 0.1, '', 2, 1],
            [3, 1, 0, 'in', 'fault', 'locate', {code: 3, reason: 'no part'}, '4e47', 2, 1, 0.1, '', 1, 2],
            [4, 1, 0, 'in', 'error', '', null, '', 0, null, null, 'sum8 is 91, not E8', 1, 1]];
        const matches = compile(text);
        return rows.map(read).filter(matches).map(({ number }) => number);
    }"""
    wanted = {
        "locate": [1],
        "x > 12.5": [2],
        "x > 12.7, code=3": [3],
        "result.x>=12.6 cut": [2],
        "fault": [3, 4],
        "fault -sum8": [3],
        '"no part"': [3],
        "hex 5247": [1],
        "hex 25": [],  # it stands across two bytes of the command
        "to": [1],
        "from -fault": [2],
        "glued": [3],
        "job != 3": [],
    }
    with chromium.page(url) as page:
        assert wanted == {text: page.evaluate(lets_through, text) for text in wanted}


def test_numbers_times_and_bytes_are_written_for_people(chromium: Browser, url: str) -> None:
    wanted = {
        "format.clock(1764393161.203118)": "14:12:41.203 118",
        "format.clock(1764393161.9999999)": "14:12:42.000 000",
        "format.took(0.00119)": "1.19 ms",
        "format.took(0.000083)": "83 µs",
        "format.took(null)": "",
        "format.gap(0.098402)": "98,402",
        "format.gap(1.3804)": "1.38 s",
        "format.age(0.4)": "0.4 s",
        "format.age(7200)": "2 h",
        "format.rate(0.2)": "0.2",
        "format.rate(10214.3)": "10,214",
        "format.size(123456)": "123 kB",
        r"escapes.hexOfText('TRG,3\\r\\n')": "5452472c330d0a",
        r"escapes.hexOfText('작\\x00\\\\')": "ec9e91005c",
        "escapes.hexOfHex('54 52:47')": "545247",
        "text.textOf(format.bytesOf('ec9e910d41ff'), 'utf-8')": "작·A·",
        "text.textOf(format.bytesOf('c0db41'), 'euc-kr')": "작A",
        "text.textOf(format.bytesOf('41ff0d'), 'no-such-encoding')": "A··",
    }
    modules = "".join(
        f"const {name} = await import('/{name}.js'); " for name in ("format", "escapes", "text")
    )
    with chromium.page(url) as page:
        written = {each: page.evaluate(f"async () => {{ {modules} return {each}; }}") for each in wanted}
        assert wanted == written


def test_a_wrong_checksum_is_found_with_three_clicks(chromium: Browser, url: str) -> None:
    # docs/howto/find-a-fault-in-the-browser.md tells these clicks.
    with chromium.page(url) as page:
        expect(source_of(page, "Scale")).to_contain_text(re.compile(r"\d faults?"))
        choose(page, "Scale")
        page.get_by_role("button", name="only faults").click()
        rows(page, ".error").last.click()
        reason = detail(page).locator(".reason")
        sums = r"11 bytes came whose sum8 over bytes (\d) to (\d) is ([0-9A-F]{2}), not ([0-9A-F]{2})"
        expect(reason).to_have_text(re.compile(sums))
        first, last, came, expected = re.findall(sums, str(reason.text_content()))[0]
        shown = f"checksum that came{came}checksum of bytes {first} to {last} (sum8){expected}"
        expect(detail(page).locator("dl").first).to_contain_text(shown)
        expect(detail(page).get_by_label("Bytes of the frame")).to_contain_text("57 2C")
        picture(page, "wrong-checksum")


def test_a_command_is_sent_by_its_form_and_its_reply_shown(chromium: Browser, url: str) -> None:
    with chromium.page(url, ignored="400") as page:  # a wrong argument is refused
        choose(page, "VisionCamera")
        form = page.locator("#action")
        expect(form).to_contain_text("Take a picture and locate the part.")
        form.get_by_label("job").fill("1")
        form.get_by_role("button", name="Send").click()
        expect(form.locator(".answer")).to_contain_text(re.compile(r"Reply.*angle: [\d.]+", re.DOTALL))
        form.get_by_label("job").fill("3")
        form.get_by_role("button", name="Send").click()
        expect(form.locator(".answer.bad")).to_contain_text("no part in the picture")
        form.get_by_label("job").fill("three")
        form.get_by_role("button", name="Send").click()
        expect(form.locator(".answer.bad")).to_contain_text("job=three")
        expect(form.get_by_label("job")).to_have_attribute("aria-invalid", "true")


def test_the_values_of_a_command_are_kept_for_the_next_time(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        form = page.locator("#action")
        form.get_by_label("job").fill("2")
        form.get_by_role("button", name="Keep").click()
        page.reload()
        form.get_by_role("button", name="job=2", exact=True).click()
        expect(form.locator(".answer.good")).to_contain_text("Reply")
        form.get_by_role("button", name="Forget job=2").click()
        expect(form.get_by_role("list", name="Quick sends")).to_have_count(0)


def test_an_event_of_a_served_equipment_is_emitted(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "Mes")
        form = page.locator("#action")
        form.get_by_label("lot").fill("작업-7")
        form.get_by_label("parts").fill("250")
        form.get_by_role("button", name="Emit").click()
        expect(form.locator(".answer")).to_contain_text("Sent")
        expect(rows(page, ".event").first).to_contain_text('order(lot="작업-7", parts=250)')


def test_bytes_are_sent_and_kept_for_the_next_time(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.get_by_role("tab", name="Bytes").click()
        form = page.locator("#action")
        form.get_by_label("Bytes to send").fill(r"TRG,1\q")
        form.get_by_role("button", name="Send").click()
        expect(form.locator(".answer.bad")).to_contain_text("unknown escape")
        form.get_by_label("Bytes to send").fill("TRG,1")
        form.get_by_role("button", name="Keep").click()
        page.reload()
        choose(page, "VisionCamera")
        page.get_by_role("tab", name="Bytes").click()
        form.get_by_role("list", name="Quick sends").get_by_role("button", name="TRG,1", exact=True).click()
        expect(form.locator(".answer.good")).to_contain_text("bytes sent")


def test_a_disturbance_of_a_tap_stands_among_its_frames(chromium: Browser, url: str) -> None:
    with chromium.page(url, ignored="400") as page:  # what a tap does not know is refused
        choose(page, "tap to the camera")
        page.get_by_role("button", name="cut next frame").click()
        expect(rows(page, ".altered").first).to_contain_text(re.compile(r"cut after \d+ of \d+ bytes"))
        field = page.get_by_role("textbox", name="another, as in: drop reply 3")
        field.fill("drop every second breath")
        field.press("Enter")
        expect(page.locator("section.disturb .bad")).to_contain_text("drop every second breath")
        picture(page, "tap")


def test_a_pull_at_the_tap_is_seen_at_the_link(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        expect(source_of(page, "VisionCamera")).to_contain_text("ready")
        choose(page, "tap to the camera")
        page.get_by_role("button", name="pull", exact=True).click()
        gone = re.compile("down|connecting|handshake")  # a link that is only suspect recovers as it is
        expect(source_of(page, "VisionCamera").locator(".state")).to_have_text(gone)
        expect(page.get_by_text(re.compile("^Active: .*pull"))).to_be_visible()
        page.get_by_role("button", name="restore", exact=True).click()
        expect(source_of(page, "VisionCamera").locator(".state")).to_have_text("ready")
        expect(source_of(page, "VisionCamera")).to_contain_text(re.compile(r"[1-9]\d* × reconnected"))
        expect(page.get_by_role("status").filter(has_text="VisionCamera: ready.")).to_be_attached()


def downloaded(page: Page, name: str, place: int) -> bytes:
    """Choose a format in the menu: the first with its name is the server's, the last the page's own."""
    page.get_by_text("Download", exact=True).click()
    with page.expect_download() as download:
        page.locator(".menu .list").get_by_text(name, exact=True).nth(place).click()
    return download.value.path().read_bytes()


def test_all_rows_or_the_shown_ones_are_downloaded(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.get_by_role("searchbox").fill("job=2")
        expect(rows(page, ".command").first).to_be_visible()
        assert b"5452472c31" in downloaded(page, "CSV", 0)
        assert b'"job"' in downloaded(page, "JSON lines", 0)
        assert b"\n\r\r\n" == downloaded(page, "pcapng (Wireshark)", 0)[:4]
        shown = downloaded(page, "CSV", -1)
        assert shown.startswith(b"\xef\xbb\xbfrow,session,time,")
        assert b"locate(job=2)" in shown
        assert b"locate(job=1)" not in shown
        assert b'"values":{"job":2}' in downloaded(page, "JSON lines", -1)


def test_korean_is_complete_and_remembered(chromium: Browser, url: str) -> None:
    with chromium.page(url, locale="ko-KR") as page:
        choose(page, "Mes")
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        expect(source_of(page, "Scale")).to_contain_text(re.compile("재접속 [0-9]+회"))
        expect(source_of(page, "Plc")).to_contain_text("끊김")
        freeze_with(page, ".command")
        rows(page, ".command").last.click()
        expect(detail(page)).to_contain_text("장비로")
        page.get_by_role("tab", name="바이트").click()
        expect(page.locator("#action")).to_contain_text("단말 문자·헤더·체크섬")
        picture(page, "korean")
        page.get_by_role("button", name="EN", exact=True).click()
        expect(source_of(page, "Scale")).to_contain_text("reconnected")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def background(page: Page) -> Any:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_comes_from_the_system_and_by_the_switch(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        page.emulate_media(color_scheme="dark")
        choose(page, "VisionCamera")
        freeze_with(page, ".reply")
        rows(page, ".reply").last.click()
        expect(detail(page)).to_contain_text("reply to locate")
        dark = background(page)
        picture(page, "dark")
        page.get_by_role("button", name="Colours as the system has them").click()
        light = background(page)
        page.get_by_role("button", name="Light colours").click()
        assert dark != light
        assert dark == background(page)


def test_the_right_pane_folds_on_a_panel_pc(chromium: Browser, url: str) -> None:
    with chromium.page(url, PANEL_PC) as page:
        choose(page, "VisionCamera")
        expect(detail(page)).to_be_hidden()
        freeze_with(page, ".reply")
        rows(page, ".reply").last.click()
        expect(detail(page)).to_contain_text("reply to locate")
        expect(rows(page, ".chosen")).to_be_in_viewport()
        detail(page).get_by_role("button", name="Close").click()
        expect(detail(page)).to_be_hidden()


def test_all_stacks_on_a_phone_without_a_sideways_scroll(chromium: Browser, url: str) -> None:
    with chromium.page(url, PHONE) as page:
        choose(page, "VisionCamera")
        expect(rows(page, ".reply").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate("scrollTo(0, 0)")
        picture(page, "phone")
        freeze_with(page, ".reply")
        rows(page, ".reply").last.click()
        expect(detail(page).get_by_role("heading")).to_be_in_viewport()


def test_numbers_are_plotted(chromium: Browser, url: str) -> None:
    drawn = """() => {
        const canvas = document.querySelector('figure canvas');
        const all = canvas?.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return all?.data.some((value) => value > 0);
    }"""
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        page.get_by_role("button", name="Plot").click()
        page.get_by_role("button", name="locate: round trip, ms").click()
        expect(page.locator("figure")).to_have_count(3)
        expect(page.locator("figcaption").filter(has_text="round trip")).to_contain_text(
            re.compile(r"\d values")
        )
        page.wait_for_function(drawn)
        picture(page, "plot")


def test_recordings_are_listed_and_downloaded(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        page.get_by_role("button", name="Recordings").click()
        row = page.get_by_role("row").filter(has_text="line3-cell2.tcpcomm")
        expect(row).to_contain_text("running")
        with page.expect_download() as download:
            row.get_by_role("link", name="Download").click()
        assert b"SQLite format 3\0" == download.value.path().read_bytes()[:16]


def test_the_page_is_used_by_keys_alone(chromium: Browser, url: str) -> None:
    with chromium.page(url) as page:
        choose(page, "VisionCamera")
        expect(rows(page).first).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("next fault")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("locate")
        page.keyboard.press("Escape")
        page.keyboard.press("f")
        page.keyboard.press("t")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        wait_until_drawn(page)
        chosen = rows(page, ".chosen")
        expect(chosen).to_have_attribute("aria-selected", "true")
        grid = page.get_by_role("grid")
        expect(grid).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
        page.keyboard.press("p")
        expect(detail(page)).to_contain_text("Go to the request")
        page.keyboard.press("]")
        expect(source_of(page, "Scale").get_by_role("button").first).to_have_attribute(
            "aria-current", "true"
        )


def test_everything_that_can_be_pressed_has_a_name(chromium: Browser, url: str) -> None:
    nameless = """() => [...document.querySelectorAll('button, input, select, summary, a')]
        .filter((each) => !each.textContent.trim() && !each.ariaLabel && !each.labels?.length)
        .map((each) => each.outerHTML)"""
    with chromium.page(url) as page:
        for name in ("VisionCamera", "Mes", "tap to the camera"):
            choose(page, name)
            expect(rows(page).first).to_be_visible()
            assert [] == page.evaluate(nameless)


def test_a_wrong_token_can_only_read_and_be_mended(chromium: Browser, url: str) -> None:
    address, token = url.split("#token=")
    with chromium.page(f"{address}#token=wrong-token-of-some-length") as page:
        choose(page, "VisionCamera")
        form = page.locator("#action")
        expect(form).to_contain_text("token")
        expect(form.get_by_role("button", name="Send")).to_be_disabled()
        form.get_by_label("Token").fill(token)
        form.get_by_role("button", name="Use this token").click()
        expect(page.locator(".end")).to_contain_text("read and write")
        expect(form.get_by_role("button", name="Send")).to_be_enabled()
        expect(form.get_by_label("Token")).to_have_count(0)


def test_a_refusal_of_the_whole_page_is_told_in_words(chromium: Browser, url: str) -> None:
    # A monitor at an address of the network refuses all without the token, and this one is on loopback.
    refusal = "the token is missing: it stands at the end of the address that the monitor printed"
    with chromium.page("about:blank", ignored="401") as page:
        page.route("**/api/**", lambda route: route.fulfill(status=401, json={"error": refusal}))
        page.goto(url.split("#", maxsplit=1)[0])
        expect(page.get_by_role("alert")).to_contain_text(refusal)
        page.unroute("**/api/**")
        page.get_by_label("Token").fill(url.split("#token=")[1])
        page.get_by_role("button", name="Use this token").click()
        expect(page.locator(".end")).to_contain_text("read and write")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_without_a_token_all_is_shown_and_nothing_can_be_sent(chromium: Browser, url: str) -> None:
    with chromium.page(url.split("#", maxsplit=1)[0]) as page:
        choose(page, "VisionCamera")
        expect(rows(page, ".reply").first).to_be_visible()
        expect(page.locator(".end")).to_contain_text("read only")
        expect(page.locator("#action")).to_contain_text("token")
        expect(page.locator("#action").get_by_role("button", name="Send")).to_be_disabled()


def test_the_page_tells_a_lost_server_and_comes_back(chromium: Browser, url: str) -> None:
    port = re.search(r":(\d+)/", url)
    assert port is not None
    gate = Gate(int(port[1]))
    try:
        with chromium.page(url.replace(port[1], str(gate.port), 1), ignored="net::ERR") as page:
            choose(page, "VisionCamera")
            expect(rows(page).first).to_be_visible()
            gate.shut()
            expect(
                page.get_by_role("status").filter(has_text="The monitor does not answer.")
            ).to_be_visible()
            expect(page.locator(".end")).to_contain_text("not connected")
            last = rows(page).last.get_attribute("id")
            gate.open()
            expect(page.locator(".end")).to_contain_text("live")
            expect(rows(page).last).not_to_have_attribute("id", str(last))
            assert page.evaluate(
                """async () => {
                    const { log } = await import('/store.js');
                    return log.all.every(({ number }, at) => at === 0 || log.all[at - 1].number < number);
                }"""
            )
    finally:
        gate.close()
