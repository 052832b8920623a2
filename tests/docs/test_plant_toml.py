"""The pages list each key of plant.toml and each figure: those of the classes and of the catalogue."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from tcpcomm.plant import Files, Mqtt, RabbitMq, Sink
from tcpcomm.plant.gateway.configuration.structure import key_of
from tcpcomm.plant.sinks.registry import KINDS
from tests.conftest import ROOT
from tests.docs.pages import blocks
from tests.docs.parts import part_of
from tests.docs.plant_tables import KEYS, PAGE, PARTS, default_of, words_of
from tests.docs.test_reference import rows, section


@pytest.mark.parametrize(("page", "name"), PARTS, ids=[name for _, name in PARTS])
def test_the_tables_of_the_page_are_those_of_the_code(page: Path, name: str) -> None:
    # If this fails, run python -m tests.docs.plant_tables.
    assert PARTS[page, name] == part_of(page.read_text("utf-8"), name)


@pytest.mark.parametrize(("heading", "kind"), KEYS.items(), ids=KEYS)
def test_each_key_is_listed_with_its_type_and_its_default(heading: str, kind: Any) -> None:
    attrs.resolve_types(kind)
    listed = [(row[0].strip("`"), *row[1:3]) for row in rows(section(PAGE, f"## {heading}"))]
    expected = [(key_of(each), words_of(each.type), default_of(each)) for each in attrs.fields(kind)]
    assert expected == listed
    assert all(row[3] for row in rows(section(PAGE, f"## {heading}")))


def test_the_page_names_each_kind_of_sink() -> None:
    text = section(PAGE, "## [sinks.NAME]").partition("\n\n")[2].partition("\n")[0]
    assert [] == [kind for kind in KINDS if f"`{kind}`" not in section(PAGE, "## [sinks.NAME]")], text


@pytest.mark.parametrize(
    ("page", "kind", "chosen"),
    [
        ("store-results", Files, {"path", "format"}),
        ("send-to-rabbitmq", RabbitMq, {"urls", "password", "commands_queue"}),
        ("send-by-mqtt", Mqtt, {"port"}),
    ],
    ids=["files", "rabbitmq", "mqtt"],
)
def test_the_sample_of_a_sink_shows_each_key_with_its_default(
    page: str, kind: type[Sink], chosen: set[str]
) -> None:
    text = (ROOT / f"docs/howto/{page}.md").read_text("utf-8")
    samples = [block.text for block in blocks(text) if block.language == "toml"]
    (sample,) = [each for each in samples if f'kind = "{kind.kind}"' in each and "#" in each]
    (shown,) = tomllib.loads(sample)["sinks"].values()
    defaults = {each.name: each.default for each in attrs.fields(kind)}
    without_default = {*re.findall(r"^# (\w+) = ", sample, re.MULTILINE)}
    common = {each.name for each in attrs.fields(Sink)}

    assert {*defaults} - common == ({*shown} | without_default) - common - {"kind"}
    assert {name: shown[name] for name in shown if name not in {"kind", *chosen}} == {
        name: defaults[name] for name in shown if name not in {"kind", *chosen}
    }
    assert not any(defaults[name] for name in without_default)
