"""What the site needs beside Sphinx's own: a search that finds Korean words."""

from __future__ import annotations

from typing import Any

from docsite import search
from docsite.smaller import collapse_sidebar

__all__ = ["setup"]


def setup(app: Any) -> dict[str, bool]:
    """Add it to Sphinx."""
    search.setup(app)
    app.connect("html-page-context", collapse_sidebar, priority=400)  # furo reads it at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
