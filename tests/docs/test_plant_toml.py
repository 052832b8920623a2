"""The reference of plant.toml lists each key of the attrs classes, with its type and its default."""

from __future__ import annotations

import json
import types
from typing import Any, Union, get_args, get_origin

import attrs
import pytest

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
from tcpcomm.plant.secret import Secret
from tcpcomm.plant.sinks.registry import KINDS
from tests.docs.test_reference import REFERENCE, rows, section

PAGE = REFERENCE / "plant-toml.md"
_WORDS = {Secret: "text", str: "text", int: "whole number", float: "number", bool: "true or false"}


def words_of(kind: Any) -> str:
    """Return the type of a key as the page says it."""
    if get_origin(kind) in (Union, types.UnionType):
        return words_of(get_args(kind)[0])
    if get_origin(kind) is tuple:
        items = get_args(kind)[0]
        return f"list of {'tables' if words_of(items) == 'table' else 'texts'}"
    return _WORDS.get(kind, "table")


def default_of(attribute: attrs.Attribute[Any]) -> str:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if default is None or isinstance(default, attrs.Factory) or attrs.has(type(default)):  # type: ignore[arg-type]
        return ""
    return f"`{json.dumps(default)}`"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("## [gateway]", GatewaySettings),
        ("## [gateway.outbox]", OutboxSettings),
        ("## [links.NAME]", LinkSettings),
        ("## [[links.NAME.poll]]", PollSettings),
        ("## policy", PolicySettings),
        ("## [defaults]", DefaultSettings),
        ("## [sinks.NAME]", Sink),
        ("## [opcua]", OpcUaOptions),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_key_is_listed_with_its_type_and_its_default(heading: str, kind: Any) -> None:
    attrs.resolve_types(kind)
    listed = [(row[0].strip("`"), *row[1:3]) for row in rows(section(PAGE, heading))]
    expected = [(key_of(each), words_of(each.type), default_of(each)) for each in attrs.fields(kind)]
    assert expected == listed
    assert all(row[3] for row in rows(section(PAGE, heading)))


def test_the_page_names_each_kind_of_sink() -> None:
    text = section(PAGE, "## [sinks.NAME]").partition("\n\n")[2].partition("\n")[0]
    assert [] == [kind for kind in KINDS if f"`{kind}`" not in section(PAGE, "## [sinks.NAME]")], text
