"""The pages for contributors agree with the source: the picture of the rooms, the paths, the words."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conftest import ROOT
from tests.docs import rooms
from tests.docs.parts import part_of
from tests.house.source import source_tree

TREE = source_tree()
GLOSSARY = ROOT / "docs/reference/glossary.md"


def test_the_rooms_are_drawn_as_they_are() -> None:
    # If this fails, run python -m tests.docs.rooms.
    assert rooms.rooms(TREE) == part_of(rooms.PAGE.read_text("utf-8"), rooms.PART)


def test_a_room_stands_above_all_that_it_imports() -> None:
    drawn = rooms.picture(
        {"ground": [], "wall": ["ground"], "shed": ["ground"], "roof": ["ground", "wall"]}
    )

    assert ["[ roof ]", "[ wall ] [ shed ]", "[ ground ]"] == [
        re.sub(" +", " ", line.strip()) for line in drawn.splitlines()[1:]
    ]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_the_paths_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    paths = re.findall(r"`((?:\w[\w.-]*/)*[\w.-]+\.(?:py|md|cfg|toml)|(?:src|tests|docs)/[\w/]+)`", text)
    missing = [
        path for path in paths if not any((ROOT / base / path).exists() for base in ("", "src/tcpcomm"))
    ]

    assert [] == missing


def test_the_way_of_a_byte_names_files() -> None:
    section = (
        (ROOT / "CONTRIBUTING.md")
        .read_text("utf-8")
        .partition("## The way of a byte")[2]
        .partition("\n## ")[0]
    )

    numbers = re.findall(r"^(\d+)\.", section, re.MULTILINE)
    assert [str(number) for number in range(1, len(numbers) + 1)] == numbers
    assert len(re.findall(r"`[\w/]+\.py`", section)) >= 10


def test_the_glossary_names_classes_and_functions_of_the_source() -> None:
    defined = {
        node.name
        for module in TREE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    } | {target.id for module in TREE for node in module.tree.body for target in _targets(node)}
    named = [
        name
        for line in GLOSSARY.read_text("utf-8").splitlines()
        if line.startswith("| ") and line.count(" | ") >= 2
        for name in re.findall(r"`(\w+)`", line.rpartition(" | ")[2])
    ]

    assert len(named) > 30
    assert [] == [name for name in named if name not in defined]


def _targets(node: ast.stmt) -> list[ast.Name]:
    """The names that an assignment of a module sets."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target for target in targets if isinstance(target, ast.Name)]


def test_each_word_of_the_glossary_has_one_line() -> None:
    words = [
        word
        for line in GLOSSARY.read_text("utf-8").splitlines()
        if re.match(r"\| \w", line) and not line.startswith("| word ")
        for word in line.split(" | ")[0].removeprefix("| ").split(", ")
    ]

    assert sorted(set(words)) == sorted(words)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = re.findall(r"^(pip install -e .*pytest.*)$", (ROOT / "README.md").read_text("utf-8"), re.M)
    script = (ROOT / ".ci/run").read_text("utf-8").replace("--quiet ", "")

    assert [] == [step for step in command.split(" && ") if step not in script]
