"""
The cases of the hostile suite as the documentation lists them: ``python -m tests.docs.hostile_cases``.

The command writes the page from the cases themselves.
"""

from __future__ import annotations

import re
from typing import Final

from tcpcomm.testing.hostile.case import Case
from tcpcomm.testing.hostile.catalogue import CASES, GROUPS
from tcpcomm.testing.hostile.verdict import KINDS
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "PART", "cases"]

PAGE: Final = ROOT / "docs" / "reference" / "hostile-suite.md"
PART: Final = "cases"


def cases() -> str:
    """Return the part of the page: a table for each group."""
    parts = [f"{len(CASES)} cases.\n"]
    for group in GROUPS:
        title, _, _ = (group.__doc__ or "").partition(" Numbers")
        rows = [case for case in CASES if case.run.__module__ == group.__name__]
        parts.append(f"\n### {title.strip().rstrip('.')}\n\n{_table(rows)}")
    return "".join(parts)


def _table(rows: list[Case]) -> str:
    lines = ["| no. | name | what it does | sends | right | kinds |", "|---|---|---|---|---|---|"]
    for case in rows:
        kinds = "all" if case.kinds == KINDS else ", ".join(case.kinds)
        cells = [str(case.number), case.name, case.sentence, case.sends, case.right, kinds]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "".join(f"{line}\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|<>])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, cases()), "utf-8")
