"""The parts of the site's builder, each by itself."""

from __future__ import annotations

import re

import pytest

from docsite.contents import Group, Section, pages, sections
from docsite.diagram import drawn
from docsite.markdown import Fence, first_paragraph, map_links, parts, slug, title
from tests.conftest import needs_module


def test_a_page_is_prose_and_blocks_of_code() -> None:
    text = (
        "# A\n\n```python file=a.py\nprint('[b](c.md)')\n```\n\n- item\n\n  ````text\n  ```\n  ````\nend\n"
    )
    assert [
        "# A\n\n",
        Fence("", "python", ("file=a.py",), "print('[b](c.md)')\n"),
        "\n- item\n\n",
        Fence("  ", "text", (), "```\n"),
        "end\n",
    ] == [*parts(text)]


def test_links_in_code_are_not_links() -> None:
    text = "[a](b.md), `[c](d.md)`, ![e](f.png), [`g`](h.md#i)"
    assert "<b.md>, `[c](d.md)`, <!f.png>, <h.md#i>" == map_links(
        text, lambda image, _, target: f"<{image}{target}>"
    )


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("The tcpcomm command", "the-tcpcomm-command"),
        ("`--listen`, `-l`", "--listen--l"),
        ("1. Nobody listens there", "1-nobody-listens-there"),
        ("재접속 시험", "재접속-시험"),
    ],
    ids=["words", "code", "number", "korean"],
)
def test_a_heading_has_the_name_that_github_gives_it(heading: str, name: str) -> None:
    assert name == slug(heading)


def test_the_first_sentence_has_no_links() -> None:
    text = "# The [title](a.md)\n\n![x](y.png)\n\nA [link](b.md) is text. The rest is not taken.\n"
    assert ("The title", "A link is text.") == (title(text), first_paragraph(text))


def test_sections_and_groups_come_from_the_first_page() -> None:
    text = (
        "# Documentation\n\n[a](tutorial/no.md)\n\n## Start\n\n| [x](howto/no.md) |\n\n## How-to\n\n"
        "[a](howto/a.md)\n\n- **First**:\n  [b](howto/b.md),\n  [c](howto/c.md#d)\n"
        "- **Second**: [b](howto/b.md)\n"
    )
    groups = [Group("First", ["howto/b", "howto/c"]), Group("Second", ["howto/b"])]
    assert [Section("How-to", ["howto/a"], groups)] == sections(text)


def test_a_diagram_of_states_is_drawn_without_a_script() -> None:
    svg = drawn("stateDiagram-v2\n    [*] --> down\n    down --> up: <dial>\n    up --> down: lost\n")
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    assert ["&lt;dial&gt;", "lost", "down", "up"] == texts
    assert 'aria-label="down to up: &lt;dial&gt;, up to down: lost"' in svg
    assert "" == drawn("flowchart LR\n    a --> b\n")


def test_korean_pages_get_a_part_of_the_side_when_there_are_some() -> None:
    names = ["examples/index", "ko/a", "ko/index", "project/README", "project/README.ko"]
    texts = {"index": "# A\n", **dict.fromkeys(names, "# B\n")}
    with_korean = pages(texts)["index"]
    assert ":caption: 한국어\n\n/project/README.ko\n/ko/index\n/ko/a\n" in with_korean
    without = {name: text for name, text in texts.items() if "ko" not in name}
    assert "한국어" not in pages(without)["index"]


def test_a_korean_word_is_found_by_its_beginnings() -> None:
    needs_module("sphinx", 'pip install "tcpcomm[docs]"')
    from docsite.search import EnglishAndKorean

    words = EnglishAndKorean({}).split("the TCP 재접속을 연결")
    assert ["the", "TCP", "재접속을", "연결", "재접", "재접속"] == words


def test_marks_without_a_colour_are_left_out() -> None:
    needs_module("furo", 'pip install "tcpcomm[docs]"')
    from docsite.smaller import smaller

    page = (
        '<article><div class="highlight-python notranslate"><pre><span></span>'
        '<span class="kn">import</span>'
        '<span class="w"> </span><span class="nn">os</span>\n  <span class="s2">&quot;</span>'
        '<span class="s2">a&quot;</span></pre></div>'
        "\n\n  <ul><li><p>a</p></li>\n<li><p>b</p></li></ul></article>"
    )
    assert (
        '<article><div class="highlight-python"><pre><span class="k">import</span> os\n  '
        '<span class="s">&quot;a&quot;</span></pre></div><ul><li>a<li>b</ul></article>'
    ) == smaller(page)
