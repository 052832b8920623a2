"""The fields of a dissector, by which Wireshark filters: :class:`Fields`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

Field = dict[str, Any]


def path_part(name: str) -> str:
    """Return a name as a part of a path: letters, digits and underscores."""
    return re.sub(r"\W+", "_", name).strip("_") or "value"


def ascii_path(path: str) -> str:
    """Return a path as Wireshark takes it: other letters than those of ASCII are their numbers."""
    return "".join(each if each.isascii() else f"u{ord(each):04x}" for each in path)


class Fields:
    """Collects fields. Each has a number, by which the Lua code names it; numbers begin at 1."""

    def __init__(self) -> None:
        self.all: list[Field] = []
        self._known: dict[str, list[int]] = {}

    def add(self, path: str, kind: str, *, title: str = "", **more: Any) -> int:
        """
        Add a field, or find an equal one.

        Two fields of one path must have the same type, because Wireshark compares them with one filter.
        Another type gets another path, with the type at its end: ``move.result_text``.

        Args:
            path: the path behind the name of the protocol: ``move.axis``.
            kind: the type, as functions of ``ProtoField`` are called.
            title: the name for people. Empty: the last part of the path.
            more: ``base``, ``values`` and ``mask``.
        """
        field = {"path": ascii_path(path), "type": kind, "title": title or path.rpartition(".")[2], **more}
        for number in self._known.get(path, []):
            if self.all[number - 1] == field:
                return number
        others = [self.all[number - 1]["type"] for number in self._known.get(path, [])]
        if others and any(_family(each) != _family(kind) for each in others):
            return self.add(f"{path}_{_SUFFIXES[_family(kind)]}", kind, title=field["title"], **more)
        self.all.append(field)
        self._known.setdefault(path, []).append(len(self.all))
        return len(self.all)

    def whole(self, path: str, size: int, *, signed: bool, title: str = "", **more: Any) -> int:
        """Add a field for a whole number of so many bytes."""
        bits = 8 * size if size <= 4 else 64
        base = more.pop("base", "DEC")
        return self.add(path, f"{'int' if signed else 'uint'}{bits}", title=title, base=base, **more)


_SUFFIXES: Final = {
    "int": "int",
    "uint": "uint",
    "int64": "int64",
    "uint64": "uint64",
    "float": "float",
    "double": "double",
    "bool": "bool",
    "string": "text",
    "bytes": "bytes",
    "none": "fields",
    "framenum": "frame",
    "relative_time": "seconds",
}
"""The end of a path whose usual type is another one."""


def _family(kind: str) -> str:
    """Return what Wireshark takes for one type in filters."""
    if re.fullmatch(r"u?int(8|16|24|32)", kind):
        return kind.rstrip("0123456789")
    return kind


def labels_of(values: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Return the names of numbers."""
    return {each["number"]: each["name"] or str(each["number"]) for each in values}
