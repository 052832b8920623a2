"""What the site needs beside Sphinx's own: see :func:`setup`."""

from __future__ import annotations

from typing import Any, Final

from docsite import api, search
from docsite.smaller import write_sidebar

__all__ = ["setup"]

IN_KOREAN: Final = {
    "Search": "검색",
    "On this page": "이 페이지의 내용",
    "Next": "다음",
    "Previous": "이전",
    "Home": "처음",
    "Back to top": "맨 위로",
    "Skip to content": "본문으로",
}
"""The words around a page."""


def setup(app: Any) -> dict[str, bool]:
    """Add a search that finds Korean words, one sidebar for all pages, and links to public names."""
    search.setup(app)
    app.connect("html-page-context", write_sidebar, priority=400)  # furo reads it at 500
    app.connect("html-page-context", name_language)
    app.connect("autodoc-process-bases", api.keep_public_bases)
    app.connect("autodoc-process-signature", api.name_interfaces)
    app.add_post_transform(api.ResolveNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def name_language(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Say that a Korean page is Korean, for browsers and screen readers, and put Korean words around it."""
    if page.startswith("ko/") or page.endswith(".ko"):
        context["language"] = "ko"
        context["_"] = context["gettext"] = lambda text: IN_KOREAN.get(text, text)
