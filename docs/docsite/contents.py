"""
The sidebar of the site, read from the first page: its sections, the groups in them, and their pages.

The first page, ``docs/README.md``, lists every page. A section is a heading of the second rank; a group is
an item of a list that begins with a name in bold letters. Each group gets a page of its own.
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


def sections(first_page: str) -> list[Section]:
    """Return the sections of a first page that have pages, in order."""
    found: list[Section] = []
    for part in re.split(r"^## ", first_page, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        section = Section(heading.strip())
        target = section.pages
        for line in text.splitlines():
            if line.startswith("|"):
                continue
            if group := re.match(r"- \*\*(.+?)\*\*", line):
                section.groups.append(Group(group[1].rstrip(":")))
                target = section.groups[-1].pages
            target.extend(each for each in _linked(line) if each not in target)
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
        entries = [*section.pages]
        for group in section.groups:
            name = f"contents/{slug(section.name)}-{slug(group.name)}"
            entries.append(name)
            made[name] = _page_of(group, texts)
        trees.append(_tree(section.name, entries))
    korean = [name for name in texts if name.startswith("ko/")]
    korean.sort(key=lambda name: (name != "ko/index", name))
    if FIRST_IN_KOREAN in texts:
        korean.insert(0, FIRST_IN_KOREAN)
    if korean:
        trees.append(_tree(KOREAN, korean))
    examples = {name for name in texts if name.startswith("examples/")} - listed - {EXAMPLES}
    made[EXAMPLES] = texts[EXAMPLES] + _tree("", sorted(examples))
    others = {name for name in texts if name.startswith("project/")} - {*korean}
    trees.append(_tree("The project", sorted(others)))
    made["index"] = first + "".join(trees)
    return made


def _linked(line: str) -> Iterator[str]:
    """Yield the names of the pages to which a line of the first page links."""
    found: list[str] = []

    def note(image: str, text: str, target: str) -> str:
        path = target.partition("#")[0]
        if not image and path.endswith(".md") and not re.match(r"[a-z]+:", target):
            found.append(path.removesuffix(".md"))
        return ""

    map_links(line, note)
    yield from found


def _tree(caption: str, names: list[str]) -> str:
    options = [":hidden:", f":caption: {caption}"] if caption else [":hidden:"]
    return "\n".join(["\n```{toctree}", *options, "", *(f"/{name}" for name in names), "```\n"])


def _page_of(group: Group, texts: dict[str, str]) -> str:
    """Return the page of a group: its pages, each with its first sentence."""
    lines = [f"# {group.name}\n"]
    for name in group.pages:
        text = texts[name]
        sentence = first_paragraph(text)
        lines.append(f"- [{title(text)}](../{name}.md)" + (f": {sentence}" if sentence else ""))
    return "\n".join(lines) + "\n" + _tree("", group.pages)
