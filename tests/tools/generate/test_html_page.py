"""The manual as a page of HTML: complete, escaped, with anchors, and with nothing from elsewhere."""

from __future__ import annotations

import re
from enum import Enum
from html.parser import HTMLParser

from tcpcomm import Equipment, command, declaration_of, event
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.tools.generate.html_page import html_page
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.equipment.declared import VisionCamera


class Lamp(Enum):
    ON = "<on>"
    OFF = '"off"'


class Dangerous(Equipment):
    """Speaks <b>marked</b> text & 한글, as ``TRG,{job}`` says.

        an <i>indented</i> example

    - a list
    """

    framing = Delimited(b"<\r\n")
    codec = Template(encoding="utf-8", fault="NG,{code:d},{reason}")

    @command("<작업>,{lamp}", reply="<script>alert('{text}')</script>")
    def events(self, lamp: Lamp) -> str:
        """Return <nothing> & everything."""
        raise NotImplementedError

    @event("A&B,{code}")
    def alarm(self, code: int) -> None:
        """Tell <it>."""


class Page(HTMLParser):
    """The elements and the text of a page. Elements must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.kinds: set[str] = set()
        self.loaded: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.kinds.add(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        if "id" in known:
            self.ids.append(known["id"] or "")
        if "href" in known:
            self.links.append(known["href"] or "")
        self.loaded += [name for name in ("src", "srcset", "data", "action") if name in known]

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += f"{data}\n"


def words_of(text: str) -> list[str]:
    """Return the words of a page of Markdown or of HTML, without the signs of either."""
    return re.findall(r"\w+", text.replace("---", ""))


def test_it_says_all_that_the_page_of_markdown_says() -> None:
    for kind in (VisionCamera, Dangerous):
        facts = facts_of(declaration_of(kind))
        said = iter(words_of(Page(html_page(facts)).words))
        wanted = words_of(re.sub(r"^```text$", "", markdown(facts), flags=re.MULTILINE).replace("\\|", "|"))
        assert [] == [word for word in wanted if word not in said]


def test_texts_of_a_declaration_are_escaped() -> None:
    page = Page(html_page(facts_of(declaration_of(Dangerous))))
    assert "<b>marked</b> text & 한글" in page.words
    assert "    an <i>indented</i> example" in page.words
    assert "<script>alert('{text}')</script>" in page.words
    assert page.kinds.isdisjoint({"script", "b", "i", "nothing", "it"})
    assert [] == page.open


def test_each_heading_has_an_address_of_its_own() -> None:
    page = Page(html_page(facts_of(declaration_of(Dangerous))))
    assert ["on-the-wire", "commands", "command-events", "events", "event-alarm"] == page.ids[:5]
    assert len(set(page.ids)) == len(page.ids)
    assert {f"#{each}" for each in page.ids} == set(page.links)


def test_it_loads_nothing_from_elsewhere() -> None:
    text = html_page(facts_of(declaration_of(Dangerous)))
    page = Page(text)
    assert [] == page.loaded
    assert page.kinds.isdisjoint({"link", "img", "iframe", "object", "base"})
    assert not re.search(r"url\(|@import|https?://", text)
