"""
The part of a page that counts the lines of one camera, written with tcpcomm and with other tools.

::

    python -m tests.docs.comparison
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "PART", "TOOLS", "counted", "table"]

PAGE: Final = ROOT / "docs/explanation/compared-with-others.md"
PART: Final = "lines"
SOURCES: Final = ROOT / "docs/examples/comparison"

_NO_CODE: Final = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
_COMMENTS: Final = {".proto": ("//", "#"), ".db": ("#",), ".cmd": ("#",), ".yml": ("#",)}


@frozen
class Tool:
    """A tool, and the files of the camera's two ends; a tool without one end has no files for it."""

    name: str
    folder: str
    both: tuple[str, ...] = ()
    """Files that serve both ends."""
    equipment: tuple[str, ...] = ()
    host: tuple[str, ...] = ()


TOOLS: Final = (
    Tool("tcpcomm", "tcpcomm", ("vision_camera.py",), ("camera.py",), ("robot.py",)),
    Tool("StreamDevice", "streamdevice", host=("camera.proto", "camera.db", "st.cmd")),
    Tool("Lewis", "lewis", equipment=("cameras/camera.py",)),
    Tool("sinstruments", "sinstruments", equipment=("camera.py", "camera.yml")),
    Tool("pymodbus", "pymodbus", equipment=("camera.py",), host=("robot.py",)),
    Tool("gRPC", "grpc", ("camera.proto",), ("camera.py",), ("robot.py",)),
)


def counted(name: str, text: str) -> int:
    """Return the lines of a file that are not blank, comment or docstring."""
    suffix = Path(name).suffix
    if suffix != ".py":
        lines = (line.strip() for line in text.splitlines())
        return sum(1 for line in lines if line and not line.startswith(_COMMENTS[suffix]))
    lines_of_code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE and token.string:
            lines_of_code.update(range(token.start[0], token.end[0] + 1))
    return len(lines_of_code - _docstring_lines(text))


def _docstring_lines(text: str) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None:
                found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def table() -> str:
    """Return the part of the page."""
    rows = [("", "both ends", "equipment", "host", "together"), ("---", *["---:"] * 4)]
    for tool in TOOLS:
        counts = [
            sum(counted(name, (SOURCES / tool.folder / name).read_text("utf-8")) for name in names)
            for names in (tool.both, tool.equipment, tool.host)
        ]
        name = f"[{tool.name}](../examples/comparison/{tool.folder})"
        rows.append((name, *(str(each or "") for each in counts), str(sum(counts))))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(with_part(PAGE.read_text("utf-8"), PART, table()), "utf-8")
