"""
The states of a link as the documentation draws them: ``python -m tests.docs.link_states`` writes the page.

All comes from :data:`tcpcomm.link.supervisor.TABLE`: a Mermaid diagram of the changes, and a table of every
input in every state.
"""

from __future__ import annotations

from typing import Final

from tcpcomm.link.supervisor import TABLE, Input, LinkState
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "PART", "states"]

PAGE: Final = ROOT / "docs" / "reference" / "link-states.md"
PART: Final = "states"


def states() -> str:
    """The part of the page."""
    return f"{_diagram()}\n{_table()}"


def _diagram() -> str:
    """An arrow for each two states, with all that leads from one to the other."""
    lines = ["stateDiagram-v2", f"    [*] --> {LinkState.DOWN.value}"]
    for state, inputs in TABLE.items():
        for target in LinkState:
            what = [each.value for each, leads_to in inputs.items() if leads_to is target is not state]
            if what:
                lines.append(f"    {state.value} --> {target.value}: {', '.join(what)}")
    return "".join(f"{line}\n" for line in ("```mermaid", *lines, "```"))


def _table() -> str:
    """A row for each state; a cell is empty where the input cannot occur."""
    head = ["", *(f"`{what.value}`" for what in Input)]
    rows = [
        [f"**{state.value}**", *(inputs[what].value if what in inputs else "" for what in Input)]
        for state, inputs in TABLE.items()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, states()), "utf-8")
