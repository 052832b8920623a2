"""The manual of a piece of equipment as one page of HTML: :func:`html_page`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.generate.generator import Generated, Wanted
from tcpcomm.tools.manual.blocks import Block, Code, Heading, Inline, Listing, Paragraph, Table, Text
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import page

_STYLE: Final = """
:root { color-scheme: light dark; --back: #ffffff; --text: #1c2430; --soft: #5a6675; --line: #d8dee6;
  --code: #f3f5f8; --mark: #0a5fb4; }
@media (prefers-color-scheme: dark) { :root { --back: #14181f; --text: #dfe5ec; --soft: #98a4b3;
  --line: #303845; --code: #1e242d; --mark: #7db8f5; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--text); line-height: 1.5;
  font-family: "Segoe UI", "Malgun Gothic", "Noto Sans", "Noto Sans CJK KR", system-ui, sans-serif; }
.page { display: grid; grid-template-columns: 16rem minmax(0, 52rem); gap: 2.5rem; padding: 1.5rem; }
nav { position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem); overflow: auto;
  font-size: .925rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav ul ul { padding-left: .9rem; margin-bottom: .4rem; }
a { color: var(--mark); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; }
h2 { margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.8rem 0 .4rem; }
h2 a, h3 a { visibility: hidden; margin-left: .4rem; font-weight: normal; }
h2:hover a, h3:hover a, h2 a:focus, h3 a:focus { visibility: visible; }
code, pre { font-family: Consolas, "D2Coding", "DejaVu Sans Mono", Menlo, monospace; font-size: .9em; }
code { background: var(--code); padding: .05em .3em; border-radius: 3px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
pre { background: var(--code); padding: .7rem .9rem; border-radius: 5px; overflow-x: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
tbody th { font-weight: normal; white-space: nowrap; }
@media (max-width: 60rem) { .page { display: block; padding: 1rem; }
  nav { position: static; max-height: none; }
  tbody th { white-space: normal; } }
@media print { :root { --back: #ffffff; --text: #000000; --soft: #333333; --line: #bbbbbb; --code: #f3f3f3;
  --mark: #000000; } .page { display: block; padding: 0; } nav { position: static; max-height: none; }
  h2 a, h3 a { display: none; } h2, h3, nav li { break-after: avoid; }
  pre, tr { break-inside: avoid; } pre { white-space: pre-wrap; } }
"""


def html_page(facts: dict[str, Any]) -> str:
    """
    Return the manual as one page of HTML, which loads nothing.

    Args:
        facts: the facts that :func:`tcpcomm.tools.manual.facts.facts_of` returned.
    """
    blocks = [*page(facts)]
    anchors = dict(zip(_headings(blocks), _anchors(_headings(blocks)), strict=True))
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(facts['name'])}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        '<div class="page">',
        '<nav aria-label="Contents">',
        *_contents(anchors),
        "</nav>",
        "<main>",
        *(line for index, block in enumerate(blocks) for line in _block(block, anchors, index)),
        "</main>",
        "</div>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def html_manual(declaration: Declaration, wanted: Wanted) -> Generated:
    """Return the manual of a declaration as one page of HTML."""
    return Generated(html_page(facts_of(declaration)))


Place = tuple[int, Heading]
"""A heading, and its place among the blocks: two headings can be equal."""


def _headings(blocks: Iterable[Block]) -> list[Place]:
    """Return the headings but the title, each with its place."""
    found = [(index, each) for index, each in enumerate(blocks) if isinstance(each, Heading)]
    return [each for each in found if each[1].level > 1]


def _anchors(headings: Iterable[Place]) -> Iterator[str]:
    """Yield a name for each heading that no other one has, such as ``command-locate``."""
    used: set[str] = set()
    section = ""
    for _, heading in headings:
        name = re.sub(r"\W+", "-", heading.text.lower()).strip("-") or "part"
        if heading.level == 2:
            section = name.removesuffix("s")
        else:
            name = f"{section}-{name}"
        number = 1
        while (unique := name if number == 1 else f"{name}-{number}") in used:
            number += 1
        used.add(unique)
        yield unique


def _contents(anchors: dict[Place, str]) -> Iterator[str]:
    yield "<ul>"
    is_inside = False
    for (_, heading), anchor in anchors.items():
        link = f'<a href="#{escape(anchor)}">{escape(heading.text)}</a>'
        if heading.level > 2 and not is_inside:
            yield "<ul>"
        if heading.level == 2:
            yield "</ul>" if is_inside else ""
        is_inside = heading.level > 2
        yield f"<li>{link}</li>"
    yield "</ul></ul>" if is_inside else "</ul>"


def _block(block: Block, anchors: dict[Place, str], index: int) -> Iterator[str]:
    match block:
        case Heading(level=1):
            yield f"<h1>{escape(block.text)}</h1>"
        case Heading():
            anchor = escape(anchors[index, block])
            link = f'<a href="#{anchor}" aria-label="Link to this place">#</a>'
            yield f'<h{block.level} id="{anchor}">{escape(block.text)}{link}</h{block.level}>'
        case Text():
            yield from _paragraphs(block.text)
        case Paragraph():
            yield f"<p>{_inline(block.parts)}</p>"
        case Listing():
            yield f"<pre>{escape(chr(10).join(block.lines))}</pre>"
        case Table():
            yield from _table(block)


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring. Indented text keeps its lines."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if any(line.startswith((" ", "\t", "- ", "* ")) for line in paragraph.splitlines()):
            yield f"<pre>{escape(paragraph)}</pre>"
        elif paragraph.strip():
            marked = re.split(r"``(.+?)``|`([^`]+)`", paragraph)
            parts = [
                each if place % 3 == 0 else Code(each)
                for place, each in enumerate(marked)
                if each is not None and each != ""
            ]
            yield f"<p>{_inline(tuple(parts))}</p>"


def _table(table: Table) -> Iterator[str]:
    yield '<div class="wide"><table>'
    has_head = any(table.head)
    if has_head:
        cells = "".join(f'<th scope="col">{escape(each)}</th>' for each in table.head)
        yield f"<thead><tr>{cells}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        first, *others = map(_inline, row)
        begin = f"<td>{first}</td>" if has_head else f'<th scope="row">{first}</th>'
        yield f"<tr>{begin}{''.join(f'<td>{each}</td>' for each in others)}</tr>"
    yield "</tbody></table></div>"


def _inline(parts: Inline) -> str:
    return "".join(escape(each) if isinstance(each, str) else _code(each) for each in parts)


def _code(code: Code) -> str:
    return f"<code>{escape(code.text)}</code>" if code.text else "(empty)"
