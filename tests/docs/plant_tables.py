"""
The tables of ``plant.toml`` and of the figures: ``python -m tests.docs.plant_tables`` writes both pages.

The meaning of a key is the docstring of its attribute; figures come from their catalogue.
"""

from __future__ import annotations

import ast
import inspect
import json
import types
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, Final, Union, get_args, get_origin

import attrs

from tcpcomm.plant import (
    DefaultSettings,
    GatewaySettings,
    LinkSettings,
    OpcUaOptions,
    OutboxSettings,
    PolicySettings,
    PollSettings,
    Sink,
)
from tcpcomm.plant.gateway.configuration.structure import key_of
from tcpcomm.plant.metrics.catalogue import METRICS
from tcpcomm.plant.secret import Secret
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["KEYS", "PAGE", "PARTS", "default_of", "words_of"]

PAGE: Final = ROOT / "docs/reference/plant-toml.md"
FIGURES: Final = ROOT / "docs/howto/watch-with-prometheus.md"

KEYS: Final[dict[str, Any]] = {
    "[gateway]": GatewaySettings,
    "[gateway.outbox]": OutboxSettings,
    "[links.NAME]": LinkSettings,
    "[[links.NAME.poll]]": PollSettings,
    "policy": PolicySettings,
    "[defaults]": DefaultSettings,
    "[sinks.NAME]": Sink,
    "[opcua]": OpcUaOptions,
}
"""The headings of the page of ``plant.toml``, and the class that has the keys of each."""

_WORDS: Final = {Secret: "text", str: "text", int: "whole number", float: "number", bool: "true or false"}


def words_of(kind: Any) -> str:
    """Return the type of a key as the page says it."""
    if get_origin(kind) in (Union, types.UnionType):
        return words_of(get_args(kind)[0])
    if get_origin(kind) is tuple:
        items = get_args(kind)[0]
        return f"list of {'tables' if words_of(items) == 'table' else 'texts'}"
    return _WORDS.get(kind, "table")


def default_of(attribute: attrs.Attribute[Any]) -> str:
    """Return the default of a key in TOML, in code, or an empty text if it has none."""
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if default is None or isinstance(default, attrs.Factory) or attrs.has(type(default)):  # type: ignore[arg-type]
        return ""
    return f"`{json.dumps(default)}`"


def keys(kind: Any) -> str:
    """Return the table of the keys of a class."""
    attrs.resolve_types(kind)
    meanings = _meanings(kind)
    rows = [["key", "type", "default", "meaning"]]
    for each in attrs.fields(kind):
        meaning = meanings.get(each.name) or _place_of(each.name)
        rows.append([f"`{key_of(each)}`", words_of(each.type), default_of(each), meaning])
    return _table(rows)


def figures() -> str:
    """Return the table of all figures."""
    rows = [["figure", "type", "labels", "meaning"]]
    for name, (kind, text, labels) in METRICS.items():
        rows.append([f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), text])
    return _table(rows)


def _meanings(kind: Any) -> dict[str, str]:
    """Return the docstrings of the attributes of a class, by name, as Markdown in one line."""
    (made,) = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(made, ast.ClassDef)
    return dict(_docstrings(made.body))


def _docstrings(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for before, after in pairwise(body):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
            match after:
                case ast.Expr(ast.Constant(str(text))):
                    yield before.target.id, " ".join(text.split()).replace("``", "`")


def _place_of(name: str) -> str:
    """Return the meaning of a key of ``[defaults]``, which a link or a poll has, too."""
    link = attrs.fields_dict(LinkSettings)
    return "As for a link." if name in link else "As for a poll."


def _table(rows: Iterable[list[str]]) -> str:
    head, *others = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *others))


PARTS: Final[dict[tuple[Path, str], str]] = {
    **{(PAGE, heading): keys(kind) for heading, kind in KEYS.items()},
    (FIGURES, "figures"): figures(),
}
"""The text of each part, by its page and its name."""


if __name__ == "__main__":
    for (page, name), text in PARTS.items():
        page.write_text(with_part(page.read_text("utf-8"), name, text), "utf-8")
