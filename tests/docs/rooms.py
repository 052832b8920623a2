"""
The rooms of ``src/tcpcomm`` as CONTRIBUTING.md draws them: ``python -m tests.docs.rooms`` writes the page.

The picture comes from the imports of the source: a room stands on the row above the highest room that it
imports. The table has the first sentence of each room's docstring.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from tests.conftest import ROOT
from tests.docs.parts import with_part
from tests.house.order import ROOMS
from tests.house.source import Tree

__all__ = ["PAGE", "PART", "picture", "rooms"]

PAGE: Final = ROOT / "CONTRIBUTING.md"
PART: Final = "rooms"
WIDTH: Final = 78


def rooms(tree: Tree) -> str:
    """Return the part of the page."""
    needs = _needs(tree)
    return f"```text\n{picture(needs)}```\n\n{_table(tree, needs)}"


def _needs(tree: Tree) -> dict[str, list[str]]:
    """Return the rooms that each room of a tree imports, in the order of the list of rooms."""
    order = [room for row in ROOMS for room in row if f"tcpcomm.{room}" in tree.modules]
    found: dict[str, set[str]] = defaultdict(set)
    for module in tree:
        if not module.lists_names_only:
            found[module.room] |= {tree.modules[name].room for name in tree.needs(module)}
    return {room: [other for other in order if other in found[room] - {room}] for room in order}


def picture(needs: dict[str, list[str]]) -> str:
    """Draw the rooms in rows, the ground at the bottom; each room imports only rooms of lower rows."""
    height: dict[str, int] = {}
    for room, others in needs.items():
        height[room] = max((height[other] + 1 for other in others if other in height), default=0)
    lines = []
    for row in range(max(height.values()), -1, -1):
        boxes = "  ".join(f"[ {room} ]" for room in needs if height[room] == row)
        lines.append(f"{boxes:^{WIDTH}}".rstrip())
    arrow = "imports go down"
    lines.insert(0, f"{arrow:^{WIDTH}}".rstrip())
    return "".join(f"{line}\n" for line in lines)


def _table(tree: Tree, needs: dict[str, list[str]]) -> str:
    rows = [["room", "it holds", "it imports"], ["---"] * 3]
    for room, others in reversed(needs.items()):
        sentence = _first_sentence(tree.modules[f"tcpcomm.{room}"].docstring)
        rows.append([f"`{room}`", sentence, ", ".join(others)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _first_sentence(docstring: str) -> str:
    """Return the first sentence as Markdown, on one line."""
    text = " ".join(docstring.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s", text)[0]
    return re.sub(
        r":\w+:`~?(?:[\w.]*\.)?(\w+)`|``(.*?)``", lambda match: f"`{match[1] or match[2]}`", sentence
    )


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, rooms(Tree.read())), "utf-8")
