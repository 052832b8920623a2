"""
The sidebar of the site, read from the first page: its sections, the groups in them, and their pages.

The first page, ``docs/README.md``, lists every page. A section is a heading of the second rank; a group is
an item of a list that begins with a name in bold letters. Each group gets a page of its own. Korean pages
come behind all others, in the order of their heading; ``sidebar.js`` puts them first beside Korean pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attrs import Factory, frozen

from docsite.markdown import first_paragraph, map_links, slug, title

__all__ = ["Group", "Section", "pages", "sections"]

KOREAN: Final = "한국어"
EXAMPLES: Final = "examples/index"
PROJECT: Final = ("project/README", "project/CHANGELOG", "project/SECURITY")
FIRST_IN_KOREAN: Final = "project/README.ko"


@frozen
class Group:
    """Pages under one name in the sidebar."""

    name: str
    pages: list[str] = Factory(list)


@frozen
class Section(Group):
    """A part of the sidebar: pages, and groups of pages."""

    groups: list[Group] = Factory(list)
    words: dict[str, str] = Factory(dict)
    """The words that lead to each page outside of the groups, which are shorter than its title."""


def sections(first_page: str) -> list[Section]:
    """Return the sections of a first page that have pages, in order, without the list of Korean pages."""
    found: list[Section] = []
    for heading, text in _headings(first_page):
        if heading == KOREAN:
            continue
        section = Section(heading)
        target = section.pages
        for line in text.splitlines():
            if line.startswith("|"):
                continue
            if group := re.match(r"- \*\*(.+?)\*\*", line):
                section.groups.append(Group(group[1].rstrip(":")))
                target = section.groups[-1].pages
            for name, words in _linked(line):
                if name not in target:
                    target.append(name)
                    if not section.groups:
                        section.words[name] = words
        if section.pages or section.groups:
            found.append(section)
    return found


def pages(texts: dict[str, str]) -> dict[str, str]:
    """
    Return the first page with its tables of contents, the page of each group, and that of all examples.

    Args:
        texts: the text of each page of the source, by its name.
    """
    first = texts["index"]
    trees, made = [], {}
    listed = set()
    for section in sections(first):
        listed |= {*section.pages, *(name for group in section.groups for name in group.pages)}
        entries = [f"{section.words[name]} <{name}>" for name in section.pages]
        for group in section.groups:
            name = f"contents/{slug(section.name)}-{slug(group.name)}"
            entries.append(name)
            made[name] = _page_of(group, texts)
        trees.append(_tree(section.name, entries))
    korean = _korean(texts)
    if korean:
        trees.append(_tree(KOREAN, korean))
    examples = {name for name in texts if name.startswith("examples/")} - listed - {EXAMPLES}
    made[EXAMPLES] = texts[EXAMPLES] + _tree("", sorted(examples))
    others = {name for name in texts if name.startswith("project/")} - {*korean, *PROJECT}
    trees.append(_tree("The project", [*(name for name in PROJECT if name in texts), *sorted(others)]))
    made["index"] = first + "".join(trees)
    return made


def _headings(first_page: str) -> Iterator[tuple[str, str]]:
    """Yield each heading of the second rank, and the text below it."""
    for part in re.split(r"^## ", first_page, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        yield heading.strip(), text


def _korean(texts: dict[str, str]) -> list[str]:
    """Return the Korean pages: first those that the first page lists, in its order."""
    lists = [text for heading, text in _headings(texts["index"]) if heading == KOREAN]
    listed = [name for text in lists for name, _ in _linked(text)]
    names = [name for name in texts if name.startswith("ko/") or name == FIRST_IN_KOREAN]
    return sorted(
        names,
        key=lambda name: (
            name != FIRST_IN_KOREAN,
            listed.index(name) if name in listed else len(listed),
            name != "ko/index",
            name,
        ),
    )


def _linked(line: str) -> Iterator[tuple[str, str]]:
    """Yield the names of the pages to which a line of the first page links, with the words of the link."""
    found: list[tuple[str, str]] = []

    def note(image: str, text: str, target: str) -> str:
        path = target.partition("#")[0]
        if not image and path.endswith(".md") and not re.match(r"[a-z]+:", target):
            found.append((path.removesuffix(".md"), f"{text[:1].upper()}{text[1:]}"))
        return ""

    map_links(line, note)
    yield from found


def _tree(caption: str, names: list[str]) -> str:
    options = [":hidden:", f":caption: {caption}"] if caption else [":hidden:"]
    return "\n".join(["\n```{toctree}", *options, "", *map(_entry, names), "```\n"])


def _entry(name: str) -> str:
    """Return a line of a table of contents for a page, or for ``words <page>``."""
    words, mark, page = name.rpartition(" <")
    return f"{words} </{page}" if mark else f"/{name}"


def _page_of(group: Group, texts: dict[str, str]) -> str:
    """Return the page of a group: its pages, each with its first sentence."""
    lines = [f"# {group.name}\n"]
    for name in group.pages:
        text = texts[name]
        sentence = first_paragraph(text)
        lines.append(f"- [{title(text)}](../{name}.md)" + (f": {sentence}" if sentence else ""))
    return "\n".join(lines) + "\n" + _tree("", group.pages)
