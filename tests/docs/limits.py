"""
The limits as their page lists them: ``python -m tests.docs.limits`` writes the page.

``limits.toml`` names the limits in the order of the page, each with its tests. The default is the value in
the code. The docstring below it says in its first sentence, with the unit, how much is allowed of what, and
in the other sentences what happens then.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import attrs

from tcpcomm.link.policy import PROFILES, Backoff
from tcpcomm.session.heartbeat import Heartbeats
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["LIMITS", "PAGE", "PROMISES", "Limit", "written"]

PAGE: Final = ROOT / "docs/reference/limits.md"

_LISTED: Final = tomllib.loads((ROOT / "tests/docs/limits.toml").read_text("utf-8"))

PROMISES: Final[Mapping[str, list[str]]] = _LISTED.pop("promises")
"""The sentences of the page, each with the tests that hold it."""

LIMITS: Final[Mapping[str, Mapping[str, list[str]]]] = _LISTED
"""The headings of the page, their limits, and the tests of each limit."""

_UNITS: Final = {
    "Bytes a second": "bytes/s",
    "Bytes": "bytes",
    "MiB": "MiB",
    "Microseconds": "µs",
    "Seconds": "s",
    "Hours": "h",
    "Days": "days",
}
"""The unit of a default, by the beginning of its docstring. Other docstrings begin with what is counted."""

_PLACE: Final = re.compile(
    r"(?P<module>[a-z]\w*(?:\.[a-z]\w*)*)(?:\.(?P<cls>[A-Z]\w*[a-z]\w*))?\.(?P<name>\w[\w.]*)"
)
_PARTS_OF_POLICY: Final = {"backoff": Backoff, "heartbeats": Heartbeats}


class Limit:
    """One limit by its place, such as ``session.limits.MAX_SESSIONS`` or ``session.limits.Limits.idle``."""

    def __init__(self, place: str) -> None:
        self.place = place
        found = _PLACE.fullmatch(place)
        if found is None:
            raise ValueError(f"{place} is not the place of a limit, such as session.limits.MAX_SESSIONS")
        self.module = found["module"]
        self._module = importlib.import_module(f"tcpcomm.{self.module}")
        self._class = None if found["cls"] is None else getattr(self._module, found["cls"])
        self._name = found["name"]

    @property
    def name(self) -> str:
        """The name as the page shows it."""
        return f"Policy.{self._name}" if self._is_of_policy else self._name

    @property
    def default(self) -> str:
        """The value in the code, with its unit. A link has one for each profile."""
        if self._is_of_policy:
            values = [attrgetter(self._name)(each) for each in PROFILES.values()]
        else:
            values = [self._value()]
        unit = next((short for word, short in _UNITS.items() if self.docstring.startswith(word)), "")
        numbers = " / ".join("none" if each is None else f"{each:,.15g}" for each in values)
        return numbers if numbers == "none" else f"{numbers} {unit}".strip()

    @property
    def docstring(self) -> str:
        """The docstring below the value, on one line; "" if there is none."""
        module, cls, name = self._module, self._class, self._name
        if self._is_of_policy and "." in name:
            part, _, name = name.partition(".")
            cls = _PARTS_OF_POLICY[part]
            module = sys.modules[cls.__module__]
        return _docstrings(Path(inspect.getsourcefile(module) or "")).get((cls and cls.__name__, name), "")

    @property
    def sentences(self) -> tuple[str, str]:
        """How much is allowed of what, and what happens then."""
        first, *others = re.split(r"(?<=\.)\s+(?=[A-Z`])", self.docstring, maxsplit=1)
        then = "".join(others).removeprefix("Then ")
        return first, f"{then[:1].upper()}{then[1:]}"

    @property
    def _is_of_policy(self) -> bool:
        return self._class is not None and self._class.__name__ == "Policy"

    def _value(self) -> Any:
        if self._class is None:
            return getattr(self._module, self._name)
        if attrs.has(self._class):
            return attrs.fields_dict(self._class)[self._name].default
        if hasattr(self._class, self._name):
            return getattr(self._class, self._name)
        return inspect.signature(self._class).parameters[self._name].default


@cache
def _docstrings(path: Path) -> dict[tuple[str | None, str], str]:
    """Return the docstrings of the variables of a module and of its classes, by class and name."""
    tree = ast.parse(path.read_text("utf-8"))
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    bodies = {None: tree.body} | {each.name: each.body for each in classes}
    found = {}
    for cls, body in bodies.items():
        for variable, below in pairwise(body):
            if isinstance(variable, ast.AnnAssign) and isinstance(variable.target, ast.Name):
                match below:
                    case ast.Expr(ast.Constant(str(text))):
                        found[cls, variable.target.id] = " ".join(text.split())
    return found


def _table(heading: str) -> str:
    rows = [["name", "default", "what it limits", "what happens then"], ["---"] * 4]
    for limit in map(Limit, LIMITS[heading]):
        rows.append([f"`{limit.name}`", limit.default, *map(_as_markdown, limit.sentences)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _as_markdown(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|").removesuffix(".")


def written(page: str) -> str:
    """Return the page with all its tables as the code has them."""
    for heading in LIMITS:
        page = with_part(page, heading, _table(heading))
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
