"""
The site without what no reader sees, because it is part of each wheel: half of its bytes.

Sphinx and Pygments mark each word of code, and furo has its icons and the whole contents in every page.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

from furo.navigation import get_navigation_tree

from docsite.ranking import ranked

__all__ = ["shrink", "smaller", "write_sidebar"]

HERE: Final = Path(__file__).resolve().parent

UNUSED: Final = (
    "*.map",
    "*.LICENSE.txt",
    ".buildinfo",
    ".nojekyll",
    "_static/debug.css",
    "_static/file.png",
    "_static/minus.png",
    "_static/plus.png",
    "_static/skeleton.css",
)
"""Files that no page of the site needs."""

COLOURS: Final = {
    "k": "k", "kn": "k", "kc": "k", "kd": "k", "kr": "k", "ow": "k",
    "s": "s", "s1": "s", "s2": "s", "sa": "s", "sb": "s", "sx": "s", "si": "si", "se": "se",
    "c": "c", "c1": "c", "ch": "c", "cm": "c", "cp": "cp", "sd": "sd",
    "mf": "m", "mi": "m", "m": "m", "mh": "m",
    "nd": "nd", "ne": "ne", "kt": "kt", "go": "go", "gp": "gp", "gt": "gt", "nt": "nt", "na": "na",
}  # fmt: skip
"""The tokens of code that keep a colour, and the class of that colour."""

UNMARKED: Final = {
    "pre", "colon", "default_value", "sig-param", "sig-paren", "sig-return", "sig-return-icon",
    "sig-return-typehint",
}  # fmt: skip
"""Marks of text that looks the same without them."""

_TOKEN: Final = re.compile(r"[a-z]{1,2}[a-z0-9]?")
_MARK: Final = re.compile(r'<(/?)(span|em)\b(?: class="([^"]*)")?[^>]*>')
_SAME_MARK: Final = re.compile(r'<span class="(\w+)">([^<]*)</span><span class="\1">')
_AS_IT_IS: Final = re.compile(r"(<pre.*?</pre>|<script.*?</script>)", re.DOTALL)
_ARTICLE: Final = re.compile(r"(<article.*</article>)", re.DOTALL)
_CONSOLE: Final = re.compile(r'<div class="highlight-console.*?</pre>', re.DOTALL)
_INLINE: Final = re.compile(r"<code[^>]*>[^<]*</code>")
_OPTION: Final = re.compile(r"(?<=[ >])--?[A-Za-z][\w-]*")
_NUMBER: Final = re.compile(r'<span class="m">([^<]*)</span>')
_STYLE: Final = re.compile(r"<style>.*?</style>", re.DOTALL)

EVERYWHERE: Final = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r'<link rel="(?:index|search|next|prev)"[^>]*>'), ""),
    (re.compile(r"\s*\n\s*"), "\n"),
    (re.compile(r'class="reference (?:internal|external)"'), 'class="reference"'),
    (re.compile(r"\n(?=</?(?:tr|td|th|tbody|thead|colgroup|col|li|ul|dl|dt|dd|p|section|div)\b)"), ""),
)
IN_ARTICLES: Final = (
    # The style sheet of the site gives all code what furo gives to this class.
    (re.compile(r'<code class="(?:xref py py-\w+ )?(?:download )?docutils literal notranslate"'), "<code"),
    (re.compile(r'<a class="reference"( href="[^"]*")(?: title="[^"]*")?'), r"<a\1"),
    (re.compile(r' class="(?:row-odd|row-even|field-odd|field-even|simple|field-list simple)"'), ""),
    (re.compile(r'class="docutils align-default"'), 'class="docutils"'),
    (re.compile(r'class="sig sig-object py"'), 'class="sig"'),
    (re.compile(r'<dl class="py \w+">'), '<dl class="py">'),
    (
        re.compile(r'class="table-wrapper colwidths-auto docutils container"'),
        'class="table-wrapper container"',
    ),
    (re.compile(r'(<div class="highlight-[\w+]+) notranslate">'), r'\1">'),
    (
        re.compile(r"<(t[dh]|li|dd)([^>]*)><p>((?:(?!</?p>|</\1>).)*)</p>\s*</\1>", re.DOTALL),
        r"<\1\2>\3</\1>",
    ),
    (
        re.compile(r"</(?:td|th|tr|li|dt|dd)>(?=<(?:td|th|tr|li|dt|dd)\b|</(?:tr|tbody|thead|ul|ol|dl)>)"),
        "",
    ),
    (re.compile(r"</p>(?=<(?:p|ul|ol|dl|dt|dd|li|div|section|h\d)\b|</(?:ul|ol|dl|div|section)>)"), ""),
)
"""HTML lets these ends be left out, where another cell, item or block begins or the parent ends."""


def shrink(site: Path) -> None:
    """Delete the files that no page needs, and make the pages and the index of the search smaller."""
    for pattern in UNUSED:
        for path in site.rglob(pattern):
            path.unlink()
    shutil.rmtree(site / "_sources", ignore_errors=True)
    styles = _STYLE.findall((site / "index.html").read_text("utf-8"))
    for path in site.rglob("*.html"):
        page = path.read_text("utf-8")
        for style in styles:  # furo's colours, which are the same in each page
            page = page.replace(style, "")
        path.write_text(smaller(page), "utf-8", newline="\n")
    with (site / "_static/tcpcomm.css").open("a", encoding="utf-8", newline="\n") as sheet:
        sheet.writelines(re.sub(r"</?style>|\s+(?=\s)", "", each) for each in styles)
    index = site / "searchindex.js"
    text = index.read_text("utf-8")
    start, end = text.index("{"), text.rindex("}") + 1
    found = json.loads(text[start:end])
    found["indexentries"] = {}  # the objects have the same names
    shorter = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    script = f"{ranked(site, found)}{text[:start]}{shorter}{text[end:]}"
    index.write_text(script, "utf-8", newline="\n")


def smaller(page: str) -> str:
    """Return the HTML of a page without marks that change nothing."""
    page = _SAME_MARK.sub(
        r'<span class="\1">\2', _without_marks(page).replace("<pre><span></span>", "<pre>")
    )
    page = _CONSOLE.sub(lambda match: _NUMBER.sub(r"\1", match[0]), page)  # it may be half of an address
    for code in (_CONSOLE, _INLINE):  # browsers end a line behind a hyphen
        page = code.sub(lambda match: _OPTION.sub(r"<nobr>\g<0></nobr>", match[0]), page)
    found = _ARTICLE.split(page)
    return "".join(
        _replaced(part, [*EVERYWHERE, *IN_ARTICLES] if at % 2 else EVERYWHERE)
        for at, part in enumerate(found)
    )


def _replaced(html: str, replaced: Any) -> str:
    found = _AS_IT_IS.split(html)
    for at in range(0, len(found), 2):
        for pattern, text in replaced:
            found[at] = pattern.sub(text, found[at])
    return "".join(found)


def _without_marks(page: str) -> str:
    """Drop the marks of tokens without a colour, with their ends."""
    kept: list[bool] = []

    def replace(match: re.Match[str]) -> str:
        end, tag, name = match.groups()
        if end:
            return match[0] if kept.pop() else ""
        if tag == "span" and name and _TOKEN.fullmatch(name):
            colour = COLOURS.get(name)
            kept.append(colour is not None)
            return f'<span class="{colour}">' if colour else ""
        kept.append(name not in UNMARKED)
        return match[0] if kept[-1] else ""

    return _MARK.sub(replace, page)


def write_sidebar(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """
    Write the contents and the icons into one script for all pages, which would each have them otherwise.

    Furo makes the contents of a page from ``toctree``; only the first page keeps it, and gives the script.
    """
    tree = context.get("toctree")
    if tree is None:
        return
    if page == app.config.root_doc:
        whole = tree(collapse=False, titles_only=True, maxdepth=-1, includehidden=True)
        contents = get_navigation_tree(whole)
        parts = {
            "CONTENTS": smaller(str(contents)),
            "ICONS": (HERE / "icons.svg").read_text("utf-8"),
        }
        script = (HERE / "sidebar.js").read_text("utf-8")
        for name, html in parts.items():
            script = f"const {name} = {json.dumps(html, ensure_ascii=False)};\n{script}"
        target = Path(app.outdir, "_static", "sidebar.js")
        target.parent.mkdir(exist_ok=True)
        target.write_text(script, "utf-8", newline="\n")
    context["toctree"] = lambda **_: ""
