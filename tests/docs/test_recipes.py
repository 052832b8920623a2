"""The forms in the table of recipes exist: each is evaluated with the public names."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest

import tcpcomm
import tcpcomm.codec
import tcpcomm.framing
from tests.conftest import ROOT

PAGE = ROOT / "docs/howto/recipes.md"
OF_FRAMINGS = ("Where a message ends", "Checksums, garbage, and bytes around the stream")
"""The tables with framings."""
OF_ALL = {"Equipment", "Login", "command", "event", "raw", "serve", "remote"}
"""The names that the page says are in ``tcpcomm`` itself."""
NAMES: dict[str, Any] = {
    "Annotated": Annotated,
    **{
        name: getattr(package, name)
        for package in (tcpcomm, tcpcomm.framing, tcpcomm.codec)
        for name in package.__all__
    },
}


def forms_of(page: str) -> list[str]:
    """Return the code of the second column, without forms that leave something out."""
    found = []
    for line in page.splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) == 4:
            found += re.findall(r"`([^`]+)`", cells[2].replace(r"\|", "|"))
    return [form for form in found if "…" not in form and re.search(r"[(=\"]", form)]


def forms() -> list[str]:
    """Return the forms of all tables."""
    return forms_of(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("form", forms())
def test_each_form_in_the_table_of_recipes_can_be_written(form: str) -> None:
    names = dict(NAMES)
    if re.match(r"[a-z_]+=\S", form):
        form = f"dict({form})"
    exec(form.removeprefix("@"), names)


def test_the_table_of_recipes_is_not_empty() -> None:
    assert len(forms()) > 80


def test_the_names_come_from_the_packages_that_the_page_tells() -> None:
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        package = tcpcomm.framing if section.startswith(OF_FRAMINGS) else tcpcomm.codec
        words = set(re.findall(r"[A-Za-z_]\w*", " ".join(forms_of(section))))
        used = {word for word in words & {*NAMES} - OF_ALL if re.search(rf"\b{word}\b(?!=)", section)}
        assert used - {"Annotated", *package.__all__} == set(), section.partition("\n")[0]
