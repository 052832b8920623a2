"""The answers to requests of pages: :class:`MonitorApi`. It knows no web."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred

from tcpcomm._version import __version__
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.monitor.access import Access, Denied
from tcpcomm.tools.monitor.actions import Actions
from tcpcomm.tools.monitor.captures import capture_of_rows
from tcpcomm.tools.monitor.copying import Copies
from tcpcomm.tools.monitor.describe import describe
from tcpcomm.tools.monitor.downloads import FORMATS, Download, FileDownload, joined_in_slices, lines_of_rows
from tcpcomm.tools.monitor.guessing import Guessing
from tcpcomm.tools.monitor.model import KEPT_ROWS, MonitorModel
from tcpcomm.tools.monitor.pages import MOST_HISTORY, Page, Pages
from tcpcomm.tools.monitor.rows import COLUMNS, SHOWN_BYTES, row_values
from tcpcomm.tools.send.notation import parse_hex

DEFAULT_HISTORY: Final = 1000

_LONGEST_WORD: Final = 1000
_LONGEST_TIMEOUT: Final = 3600.0
_WHOLE: Final = re.compile(r"[0-9]{1,15}")


Query = dict[str, str]


class MonitorApi:
    """
    Answers what pages ask.

    Args:
        model: what there is to see.
        access: decides who may do what.
        clock: the reactor, or a test's clock.
        name: a name for the page's head.
        recordings: returns the paths of recordings; None: there are none.
    """

    pages: Pages

    def __init__(
        self,
        model: MonitorModel,
        access: Access,
        clock: Any,
        *,
        name: str = "",
        recordings: Callable[[], Iterable[Any]] | None = None,
    ) -> None:
        self._model = model
        self._access = access
        self._name = name
        self._recordings = recordings
        self._started = model.now()[1]
        self._clock = clock
        self.actions = Actions(model, clock.seconds)
        """What pages can change."""
        self._copies = Copies(model)
        self.guessing = Guessing(model, clock)
        """Guesses what is not declared."""

    # -- what pages read --------------------------------------------------------------------------------

    def get(self, path: str, query: Query) -> Any:
        """Return the answer to a request that reads."""
        if path == "overview":
            return self.overview()
        if path == "describe":
            return self._describe(query)
        if path == "row":
            return self._row(query)
        if path == "copy":
            return self._copy(query)
        if path == "guess":
            return self.guessing.answer(query.get("source", ""))
        if path == "download":
            return self._download(query)
        if path == "recordings" or path.startswith("recordings/"):
            return self._recordings_of(path.removeprefix("recordings").removeprefix("/"))
        raise Denied(404, f"the monitor knows no {path!r}")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Carry out a request that writes. Return the answer, or its Deferred."""
        form = _Form(body)
        if path == "command":
            timeout = form.number("timeout")
            return self.actions.command(form.text("source"), form.text("name"), form.values(), timeout)
        if path == "event":
            session = form.whole("session", needed=False)
            return self.actions.event(form.text("source"), form.text("name"), form.values(), session)
        if path == "send":
            framed = body.get("framed", True) is True
            return self.actions.send(form.needed_whole("session"), form.data("hex"), framed=framed)
        if path == "close":
            return self.actions.close(form.needed_whole("session"))
        if path == "retry":
            return self.actions.retry(form.text("source"))
        if path == "disturb":
            return self.actions.disturb(form.text("source"), form.text("text"))
        if path == "clear":
            return self.actions.clear(form.text("source"))
        raise Denied(404, f"the monitor knows no {path!r}")

    def overview(self) -> dict[str, Any]:
        """Return the state of everything."""
        found = self._model.overview()
        for each in found["sources"]:
            source = self._model.source(each["id"])
            if source is not None:
                each["can"] = self.actions.can(source)
                each["unknown"] = self.guessing.can(source)
                disturbances = self.actions.disturbances(source)
                if disturbances is not None:
                    each["disturbances"] = disturbances
        return {**found, "pages": len(self.pages), "dropped": self.pages.dropped}

    def watched(self, query: Query) -> frozenset[str] | None:
        """Return the ids of the sources that a page asks for, or None for all."""
        text = query.get("watch", "all")
        return None if text == "all" else frozenset(text.split(",")) - {"", "none"}

    def open_page(self, page: Page, query: Query, token: str | None, address: str) -> None:
        """Begin to send events to a page."""
        most = min(whole(query, "history", DEFAULT_HISTORY), MOST_HISTORY)
        after = whole(query, "after", 0)
        if after > self._model.last_row:
            after = 0  # the page knows an earlier program with other numbers
        rows = self._model.newest(page.watch, most, after)
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
            "formats": list(FORMATS),
            "watch": None if page.watch is None else sorted(page.watch),
            "recordings": self._recordings is not None,
        }
        self.pages.open(page, hello, rows)

    def _describe(self, query: Query) -> dict[str, Any]:
        declaration = self._model.declaration(query.get("declaration", ""))
        if declaration is None:
            raise Denied(404, "there is no such declaration")
        return describe(declaration)

    def _copy(self, query: Query) -> dict[str, Any]:
        language = query.get("as", "")
        if "row" in query:
            return {"text": self._copies.of_row(whole(query, "row", 0), language)}
        try:
            texts = json.loads(query.get("values", "{}"))
        except ValueError:
            texts = None
        if not isinstance(texts, dict):
            raise Denied(400, "values must be a JSON object with a text for each field", "values")
        command = query.get("command", "")
        return {"text": self._copies.of_command(query.get("source", ""), command, texts, language)}

    def _download(self, query: Query) -> Deferred[Download]:
        format = query.get("format", "")
        if format not in FORMATS:
            raise Denied(400, f"the formats are {', '.join(FORMATS)}, not {format!r}", "format")
        first, last = whole(query, "first", 0), whole(query, "last", self._model.last_row)
        session = whole(query, "session", 0)
        rows = [
            row
            for row in self._model.newest(self.watched(query), KEPT_ROWS, first - 1)
            if row.number <= last and (not session or row.session == session)
        ]
        if format == "pcapng":
            pieces = capture_of_rows(self._model, rows)
        else:
            pieces = (line.encode() for line in lines_of_rows(rows, format))
        made = joined_in_slices(pieces, self._clock)
        return made.addCallback(lambda data: Download(f"monitor.{format}", FORMATS[format], data))

    def _recordings_of(self, name: str) -> Any:
        paths = [Path(each) for each in (self._recordings or tuple)()]
        if name:
            found = next((each for each in paths if each.name == name), None)
            if found is None:
                raise Denied(404, "there is no such recording")
            return FileDownload(found)
        shown = []
        for each in paths:
            try:
                facts = each.stat()
            except OSError:
                continue  # it is not written yet, or has just been deleted
            size, changed = facts.st_size, facts.st_mtime
            shown.append({"name": each.name, "bytes": size, "changed": changed, "running": True})
        return {"recordings": shown}

    def _row(self, query: Query) -> dict[str, Any]:
        row = self._model.row(whole(query, "id", 0))
        if row is None:
            raise Denied(404, "this row is not kept any more, because newer ones took its place")
        return {"row": row_values(row), "hex": bytes(row.frame).hex(" "), "bytes": row.size}


class _Form:
    """The body of a request that writes."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if not isinstance(value, str) or len(value) > _LONGEST_WORD:
            raise Denied(400, f"{name} must be a text", name)
        return value

    def whole(self, name: str, *, needed: bool = True) -> int | None:
        value = self._body.get(name)
        if value is None and not needed:
            return None
        if type(value) is not int:
            raise Denied(400, f"{name} must be a whole number", name)
        return int(value)

    def needed_whole(self, name: str) -> int:
        return int(self.whole(name) or 0)

    def number(self, name: str) -> float | None:
        value = self._body.get(name)
        if value is None:
            return None
        if type(value) not in (int, float) or not 0 < value <= _LONGEST_TIMEOUT:
            raise Denied(400, f"{name} must be a number of seconds", name)
        return float(value)

    def values(self) -> dict[str, str]:
        values = self._body.get("values", {})
        if not isinstance(values, dict):
            raise Denied(400, "values must be an object with a text for each field", "values")
        return values

    def data(self, name: str) -> bytes:
        value = self._body.get(name)
        if not isinstance(value, str):
            raise Denied(400, f"{name} must be bytes in hexadecimal", name)
        try:
            data = parse_hex(value)
        except ConfigurationError as error:
            raise Denied(400, str(error), name) from None
        if not data:
            raise Denied(400, "there is nothing to send", name)
        return data


def whole(query: Query, name: str, default: int) -> int:
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
