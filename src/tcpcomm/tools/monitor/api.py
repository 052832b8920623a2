"""The answers to requests of pages: :class:`MonitorApi`. It knows no web."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from tcpcomm._version import __version__
from tcpcomm.tools.monitor.access import Access, Denied
from tcpcomm.tools.monitor.describe import describe
from tcpcomm.tools.monitor.model import KEPT_ROWS, MonitorModel
from tcpcomm.tools.monitor.pages import MOST_HISTORY, Page, Pages
from tcpcomm.tools.monitor.rows import COLUMNS, SHOWN_BYTES, row_json

DEFAULT_HISTORY: Final = 1000

_WHOLE: Final = re.compile(r"[0-9]{1,15}")


class MonitorApi:
    """
    Answers what pages ask.

    Args:
        model: what there is to see.
        access: decides who may do what.
        name: a name for the page's head.
        recordings: returns the paths of recordings; None: there are none.
    """

    pages: Pages

    def __init__(
        self,
        model: MonitorModel,
        access: Access,
        *,
        name: str = "",
        recordings: Callable[[], Iterable[Any]] | None = None,
    ) -> None:
        self._model = model
        self._access = access
        self._name = name
        self._recordings = recordings
        self._started = model.now()[1]

    # -- what pages read --------------------------------------------------------------------------------

    def get(self, path: str, query: dict[str, str]) -> Any:
        """Return the answer to a request that reads."""
        if path == "overview":
            return self.overview()
        if path == "describe":
            return self._describe(query)
        if path == "row":
            return self._row(query)
        raise Denied(404, f"the monitor knows no {path!r}")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Carry out a request that writes. Return the answer, or its Deferred."""
        raise Denied(404, f"the monitor knows no {path!r}")

    def overview(self) -> dict[str, Any]:
        """Return the state of everything."""
        found = self._model.overview()
        return {**found, "pages": len(self.pages), "dropped": self.pages.dropped}

    def watched(self, query: dict[str, str]) -> frozenset[str] | None:
        """Return the ids of the sources that a page asks for, or None for all."""
        text = query.get("watch", "all")
        return None if text == "all" else frozenset(text.split(",")) - {"", "none"}

    def open_page(self, page: Page, query: dict[str, str], token: str | None, address: str) -> None:
        """Begin to send events to a page."""
        most = min(whole(query, "history", DEFAULT_HISTORY), MOST_HISTORY)
        rows = self._model.newest(page.watch, most, whole(query, "after", 0))
        why_not = self._access.why_not_writing(token, address)
        hello = {
            "version": __version__,
            "name": self._name,
            "started": self._started,
            "now": self._model.now()[1],
            "writes": not why_not,
            "why_not": why_not,
            "read_only": self._access.read_only,
            "token_ok": not why_not or self._access.read_only,
            "columns": list(COLUMNS),
            "shown": SHOWN_BYTES,
            "kept": KEPT_ROWS,
            "formats": [],
            "watch": None if page.watch is None else sorted(page.watch),
            "recordings": self._recordings is not None,
        }
        self.pages.open(page, hello, rows)

    def _describe(self, query: dict[str, str]) -> dict[str, Any]:
        declaration = self._model.declaration(query.get("declaration", ""))
        if declaration is None:
            raise Denied(404, "there is no such declaration")
        return describe(declaration)

    def _row(self, query: dict[str, str]) -> dict[str, Any]:
        row = self._model.row(whole(query, "id", 0))
        if row is None:
            raise Denied(404, "this row is not kept any more, because newer ones took its place")
        return {"row": json.loads(row_json(row)), "hex": bytes(row.frame).hex(" "), "bytes": row.size}


def whole(query: dict[str, str], name: str, default: int) -> int:
    """
    Return a whole number of a query.

    Raises:
        Denied: it is not one.
    """
    text = query.get(name)
    if text is None or text == "":
        return default
    if not _WHOLE.fullmatch(text):
        raise Denied(400, f"{name} must be a whole number, not {text!r}", name)
    return int(text)
