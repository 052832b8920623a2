"""The parts of the site's builder, each by itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docsite.contents import Group, Section, pages, sections
from docsite.diagram import drawn
from docsite.markdown import Fence, first_paragraph, map_links, parts, slug, title
from tests.conftest import needs_module

if TYPE_CHECKING:
    from docsite.staging import Pages


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


def test_the_first_sentence_is_not_from_a_comment_in_code() -> None:
    assert "A sentence." == first_paragraph("# A\n\nA sentence. More.\n\n```toml\n# a = 1\nb = 2\n```\n")


def test_sections_and_groups_come_from_the_first_page() -> None:
    text = (
        "# Documentation\n\n[a](tutorial/no.md)\n\n## Start\n\n| [x](howto/no.md) |\n\n"
        "## 한국어\n\n[b](ko/howto/b.md)\n\n## How-to\n\n"
        "[a](howto/a.md)\n\n- **First**:\n  [b](howto/b.md),\n  [c](howto/c.md#d)\n"
        "- **Second**: [b](howto/b.md)\n"
    )
    groups = [Group("First", ["howto/b", "howto/c"]), Group("Second", ["howto/b"])]
    assert [Section("How-to", ["howto/a"], groups, {"howto/a": "A"})] == sections(text)


def test_a_diagram_of_states_is_drawn_without_a_script() -> None:
    svg = drawn("stateDiagram-v2\n    [*] --> down\n    down --> up: <dial>\n    up --> down: lost\n")
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    assert ["&lt;dial&gt;", "lost", "down", "up"] == texts
    assert 'aria-label="down to up: &lt;dial&gt;, up to down: lost"' in svg
    assert "" == drawn("flowchart LR\n    a --> b\n")


def test_korean_pages_get_a_part_of_the_side_when_there_are_some() -> None:
    names = ["examples/index", "ko/a", "ko/b", "ko/c", "project/README", "project/README.ko"]
    texts = {"index": "# A\n\n## 한국어\n\n[C](ko/c.md), [B](ko/b.md)\n", **dict.fromkeys(names, "# B\n")}
    with_korean = pages(texts)["index"]
    assert ":caption: 한국어\n\n/project/README.ko\n/ko/c\n/ko/b\n/ko/a\n" in with_korean
    assert 1 == with_korean.count(":caption: 한국어")
    without = {"index": "# A\n", **{name: "# B\n" for name in names if "ko" not in name}}
    assert "한국어" not in pages(without)["index"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a page in two languages, and a page in one."""
    files = {
        "README.md": "# tcpcomm\n\n[한국어](README.ko.md)\n\nText.\n",
        "README.ko.md": "# tcpcomm\n\n글.\n",
        "docs/README.md": "# Documentation\n",
        "docs/howto/a.md": "# A\n\n```console\n$ b\n<BLANKLINE>\nc\n```\n",
        "docs/howto/b.md": "# B\n",
        "docs/ko/howto/a.md": "# 가\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def staged_pages(project: Path) -> Pages:
    needs_module("PIL", 'pip install "tcpcomm[docs]"')
    from docsite.staging import Pages

    return Pages.of(project)


@pytest.mark.parametrize(
    ("path", "twin"),
    [
        ("docs/howto/a.md", "ko/howto/a"),
        ("docs/ko/howto/a.md", "howto/a"),
        ("docs/README.md", "project/README.ko"),
        ("README.md", "project/README.ko"),
        ("README.ko.md", "project/README"),
    ],
    ids=["english", "korean", "first-page", "readme", "korean-readme"],
)
def test_a_page_in_two_languages_leads_to_its_twin(project: Path, path: str, twin: str) -> None:
    assert staged_pages(project).staged(path).startswith(f"---\ntwin: {twin}\n---\n# ")


def test_a_page_in_one_language_has_no_twin(project: Path) -> None:
    assert "# B\n" == staged_pages(project).staged("docs/howto/b.md")


def test_a_readme_says_in_its_title_that_it_is_about_the_first_steps(project: Path) -> None:
    _, _, text = staged_pages(project).staged("README.md").partition("---\n# ")
    assert "Install and run tcpcomm\n\nText.\n" == text


def test_a_mark_for_the_tests_is_an_empty_line(project: Path) -> None:
    assert "\n$ b\n\nc\n" in staged_pages(project).staged("docs/howto/a.md")


def test_a_korean_word_is_found_by_its_beginnings() -> None:
    needs_module("sphinx", 'pip install "tcpcomm[docs]"')
    from docsite.search import EnglishAndKorean

    words = EnglishAndKorean({}).split("the TCP 재접속을 연결")
    assert ["the", "TCP", "재접속을", "연결", "재접", "재접속"] == words


def test_the_pages_with_most_of_a_word_for_their_length_come_first() -> None:
    needs_module("furo", 'pip install "tcpcomm[docs]"')
    from docsite.ranking import best_pages

    short = Counter({"timer": 3, "a": 10})
    long = Counter({"timer": 4, "a": 1000})
    rare = Counter({"timer": 1, "b": 10})
    assert {"timer": [0, 2, 1]} == best_pages([short, long, rare])


def test_an_interface_is_named_in_a_signature() -> None:
    needs_module("sphinx", 'pip install "tcpcomm[docs]"')
    from docsite.api import name_interfaces

    signature = "(at: str | <InterfaceClass twisted.internet.interfaces.IAddress>)"
    named = ("(at: str | ~twisted.internet.interfaces.IAddress)", None)
    assert named == name_interfaces(None, "function", "f", None, None, signature, None)


def test_an_option_is_not_cut_at_the_end_of_a_line() -> None:
    needs_module("furo", 'pip install "tcpcomm[docs]"')
    from docsite.smaller import smaller

    code = "<code>tcpcomm tap a b --record c</code>"
    assert "<code>tcpcomm tap a b <nobr>--record</nobr> c</code>" == smaller(code)


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
