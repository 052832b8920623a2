"""Markdown as this project writes it: prose, blocks of code, links, and the names of headings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

__all__ = ["Fence", "first_paragraph", "map_links", "parts", "slug", "title"]

_OPENING: Final = re.compile(r"^(?P<indent> *)(?P<mark>`{3,})(?P<language>[\w-]*) ?(?P<words>[^`]*)$")
_LINK: Final = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_CODE_OR_LINK: Final = re.compile(rf"{_LINK.pattern}|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)", re.DOTALL)
_LINK_BACK: Final = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^()\s]+\)")


@frozen
class Fence:
    """A block of code: its language, the words behind that, and its text."""

    indent: str
    language: str
    words: tuple[str, ...]
    text: str

    def value(self, name: str) -> str | None:
        """Return the value of the word ``name=value``, or None if it is missing."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), None)


def parts(text: str) -> Iterator[str | Fence]:
    """Yield the prose and the blocks of code of a page, in order."""
    prose: list[str] = []
    lines = iter(text.splitlines(keepends=True))
    for line in lines:
        opening = _OPENING.match(line.rstrip("\n"))
        if opening is None:
            prose.append(line)
            continue
        yield "".join(prose)
        prose = []
        indent, mark = opening["indent"], opening["mark"]
        code = []
        for inner in lines:
            if inner.strip() == mark:
                break
            code.append(inner.removeprefix(indent))
        yield Fence(indent, opening["language"], tuple(opening["words"].split()), "".join(code))
    yield "".join(prose)


def map_links(prose: str, change: Callable[[str, str, str], str]) -> str:
    """
    Return prose with other links. Inline code stays as it is.

    Args:
        prose: Markdown without blocks of code.
        change: gets ``!`` for an image or an empty text, the text and the target of a link, and returns
            Markdown that replaces the link.
    """

    def replace(match: re.Match[str]) -> str:
        return match[0] if match["ticks"] else change(match["image"], match["text"], match["target"])

    return _CODE_OR_LINK.sub(replace, prose)


def title(text: str) -> str:
    """Return the first heading of a page as Markdown without links, or an empty text."""
    for part in parts(text):
        if isinstance(part, str) and (found := re.search(r"^# +(.+?)\s*$", part, re.MULTILINE)):
            return without_links(found[1])
    return ""


def first_paragraph(text: str) -> str:
    """Return the first sentence below the first heading, without links, or an empty text."""
    for part in parts(text):
        if isinstance(part, str):
            below = re.split(r"^# .*$", part, maxsplit=1, flags=re.MULTILINE)[-1]
            for paragraph in re.split(r"\n\s*\n", below.strip()):
                if paragraph and paragraph[0] not in "#|-<!*>":
                    return without_links(re.split(r"(?<=[.:])\s", paragraph)[0].rstrip(":"))
        break
    return ""


def without_links(text: str) -> str:
    """Return Markdown with the texts of its links only."""
    return _LINK_BACK.sub(r"\1", text)


def slug(heading: str) -> str:
    """Return the name that GitHub, and MyST, give a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
