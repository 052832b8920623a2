"""The parts of pages that programs write are up to date, and nobody else writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tcpcomm.devices.catalogue import OURS, Device
from tcpcomm.framing import CHECKSUMS
from tcpcomm.link.states import Input, LinkState
from tests.docs import commands, devices, framings, hostile_cases, link_options, link_states
from tests.docs.parts import part_of, with_part
from tests.docs.test_reference import names, section

PAGE = """\
# A page

<!-- written by a program: figures -->
old
<!-- end of figures -->

More.
"""


def test_a_part_is_replaced_and_nothing_else() -> None:
    assert "old\n" == part_of(PAGE, "figures")
    assert PAGE.replace("old", r"new \1") == with_part(PAGE, "figures", "new \\1\n")


@pytest.mark.parametrize("page", ["# A page\n", PAGE + PAGE])
def test_a_part_must_be_there_once(page: str) -> None:
    with pytest.raises(ValueError, match="parts called 'figures', not one"):
        with_part(page, "figures", "new\n")


def test_the_states_of_a_link_are_drawn_as_they_are() -> None:
    # If this fails, run python -m tests.docs.link_states.
    assert link_states.states() == part_of(link_states.PAGE.read_text("utf-8"), link_states.PART)


def test_all_states_and_inputs_are_explained() -> None:
    page = link_states.PAGE

    states = names(section(page, "# The states of a link"))
    assert [state.value for state in LinkState] == states[: len(LinkState)]
    assert [what.value for what in Input] == names(section(page, "## What leads where"))


def test_the_cases_of_the_hostile_suite_are_listed_as_they_are() -> None:
    # If this fails, run python -m tests.docs.hostile_cases.
    assert hostile_cases.cases() == part_of(hostile_cases.PAGE.read_text("utf-8"), hostile_cases.PART)


@pytest.mark.parametrize(("part", "table"), link_options.TABLES.items(), ids=list(link_options.TABLES))
def test_the_options_of_remote_and_serve_are_listed_as_help_explains_them(
    part: str, table: Callable[[], str]
) -> None:
    # If this fails, run python -m tests.docs.link_options.
    assert table() == part_of(link_options.PAGE.read_text("utf-8"), part)


def test_the_options_of_all_commands_are_listed_as_they_are() -> None:
    # If this fails, run python -m tests.docs.commands.
    page = commands.PAGE.read_text("utf-8")
    assert commands.written(page) == page


def test_a_new_command_gets_a_section() -> None:
    page = commands.PAGE.read_text("utf-8")
    before, _, after = page.partition("## tcpcomm record\n")
    old = before + after[after.index("\n## ") + 1 :]

    new = commands.written(old)

    assert new.startswith(old.rstrip())
    assert "tcpcomm record FILE [options]" in new.removeprefix(old.rstrip())


def test_a_help_text_becomes_markdown() -> None:
    usage = """\
  -e, --every=       Seconds, such as 5, 0.5 or every=5; 'any' with --as, 'a b' or -x | *.  [default: 1 s]
      --help         Display this help and exit.
"""
    (shown,) = commands.shown_options(usage)

    names, default, text = shown
    assert ("`--every`, `-e`", "`1 s`") == (names, default)
    assert "Seconds, such as 5, 0.5 or `every=5`; `any` with `--as`, `'a b'` or `-x` \\| \\*." == (
        commands.as_markdown(text)
    )


@pytest.mark.parametrize(("page", "table"), devices.TABLES.items(), ids=["docs", "README"])
def test_the_tables_of_devices_say_what_the_catalogue_says(page: Path, table: Callable[[], str]) -> None:
    # If this fails, run python -m tests.docs.devices.
    assert table() == part_of(page.read_text("utf-8"), devices.PART)


@pytest.mark.parametrize("device", OURS, ids=[each.name for each in OURS])
def test_each_device_has_a_page(device: Device) -> None:
    assert devices.page_of(device).exists()


@pytest.mark.parametrize(("part", "table"), framings.TABLES.items(), ids=framings.TABLES)
def test_the_tables_of_the_notation_say_what_it_reads(part: str, table: Callable[[], str]) -> None:
    # If this fails, run python -m tests.docs.framings.
    assert table() == part_of(framings.PAGE.read_text("utf-8"), part)


def test_each_other_name_is_that_of_a_checksum() -> None:
    assert [] == [name for name in framings.KNOWN_AS if name not in CHECKSUMS]
