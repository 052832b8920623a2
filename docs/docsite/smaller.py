"""
The built site without what no reader sees, because it is part of each wheel: about half of its bytes.

Sphinx and Pygments mark each word of code, and furo has its icons and the whole contents in every page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

__all__ = ["collapse_sidebar", "shrink", "smaller"]

UNUSED: Final = (
    "*.map",
    "*.LICENSE.txt",
    ".buildinfo",
    ".nojekyll",
    ".doctrees",
    "_static/debug.css",
    "_static/file.png",
    "_static/minus.png",
    "_static/plus.png",
    "_static/skeleton.css",
    "_static/sphinx_highlight.js.map",
)
"""Files that no page of the site needs."""

UNUSED_ICONS: Final = ("svg-pencil", "svg-eye")

_PRE: Final = re.compile(r"(<pre.*?</pre>|<script.*?</script>)", re.DOTALL)
_PLAIN_TOKEN: Final = re.compile(r'<span class="(?:n|p|w|pre)">([^<]*)</span>')
"""Tokens that have no colour of their own."""
_REPLACED: Final = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile("|".join(rf'<symbol id="{icon}".*?</symbol>' for icon in UNUSED_ICONS), re.DOTALL), ""),
    (re.compile(r"\s*\n\s*"), "\n"),
    (re.compile(r'class="docutils literal notranslate"'), 'class="literal"'),
    (re.compile(r'class="reference internal"'), 'class="reference"'),
    (re.compile(r'<tr class="row-(?:odd|even)">'), "<tr>"),
    (re.compile(r'<(t[dh])([^>]*)><p>((?:(?!</?p>|</t[dh]>).)*)</p>\s*</\1>', re.DOTALL), r"<\1\2>\3</\1>"),
    (re.compile(r"\n(?=</?(?:tr|td|th|tbody|thead|colgroup|col|li|ul)\b)"), ""),
)


def shrink(site: Path) -> None:
    """Delete the files that no page needs, and make the pages smaller."""
    for pattern in UNUSED:
        for path in site.rglob(pattern):
            path.unlink()
    for path in site.rglob("*.html"):
        path.write_text(smaller(path.read_text("utf-8")), "utf-8", newline="\n")


def smaller(page: str) -> str:
    """Return the HTML of a page without marks that change nothing."""
    page = _PLAIN_TOKEN.sub(r"\1", page)
    found = _PRE.split(page)
    for at in range(0, len(found), 2):
        for pattern, text in _REPLACED:
            found[at] = pattern.sub(text, found[at])
    return "".join(found)


def collapse_sidebar(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the sidebar of a page show the pages of its own group only. It is in every page."""
    whole = context.get("toctree")
    if whole is not None:
        context["toctree"] = lambda **options: whole(**{**options, "collapse": True})
