"""
The states of a link as the documentation draws them: ``python -m tests.docs.link_states`` writes the page.

Both the Mermaid diagram of the changes and the table of every input in every state are made from
:data:`tcpcomm.link.states.TABLE`.
"""

from __future__ import annotations

from typing import Final

from tcpcomm.link.states import TABLE, Input, LinkState
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "PART", "states"]

PAGE: Final = ROOT / "docs" / "reference" / "link-states.md"
PART: Final = "states"


def states() -> str:
    """Return the part of the page."""
    return f"{_diagram()}\n{_table()}"


def _diagram() -> str:
    """Draw an arrow between two states, with all inputs that lead from one to the other."""
    lines = ["stateDiagram-v2", f"    [*] --> {LinkState.DOWN.value}"]
    for state, inputs in TABLE.items():
        for target in LinkState:
            causes = [cause.value for cause, leads_to in inputs.items() if leads_to is target is not state]
            if causes:
                lines.append(f"    {state.value} --> {target.value}: {', '.join(causes)}")
    return "".join(f"{line}\n" for line in ("```mermaid", *lines, "```"))


def _table() -> str:
    """Make a row for each state. A cell is empty if the input cannot occur in that state."""
    head = ["", *(f"`{cause.value}`" for cause in Input)]
    rows = [
        [f"**{state.value}**", *(inputs[cause].value if cause in inputs else "" for cause in Input)]
        for state, inputs in TABLE.items()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, states()), "utf-8")
