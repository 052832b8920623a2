"""
The options of ``tcpcomm`` as its page lists them: ``python -m tests.docs.commands`` writes the page.

All comes from the classes of options: the names, the defaults, and the sentences of ``--help``. A new
command gets a section of its own at the end of the page, which people then move and complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tcpcomm.cli.command import CommandOptions
from tcpcomm.tools.generate.catalogue import GENERATORS
from tcpcomm.tools.tap.commands import KEYS
from tcpcomm.tools.tap.disturbances import DISTURBANCES
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "as_markdown", "shown_options", "written"]

PAGE: Final = ROOT / "docs/reference/command-line.md"
COMMANDS: Final[dict[str, tuple[Callable[[], Any], str]]] = {
    name: (make, summary) for name, _, make, summary in sorted(CommandOptions.subCommands)
}

_LINKS: Final = {
    "--answer": "[Messages and patterns](#messages-and-patterns)",
    "--console": "[Watch in the terminal](../howto/watch-in-the-terminal.md)",
    "--draft": "[A device without a manual](../howto/a-device-without-a-manual.md)",
    "--expect": "[Messages and patterns](#messages-and-patterns)",
    "--fault": "[Disturbances](#disturbances)",
    "--frames": "[The frame log](#the-frame-log)",
    "--framing": "[Notation](framing-notation.md)",
    "--guess": "[Guesses](#guesses-of-a-tap)",
    "--monitor": "[Watch in the browser](../howto/watch-in-the-browser.md)",
    "--psk": "[Prove a peer](../howto/prove-a-peer.md)",
    "--record": "[Record a line](../howto/record-a-line.md)",
    "--script": "[Scripts](#scripts-of-a-tap)",
    "--since": "[Times](#tcpcomm-export)",
    "--text": "[Messages and patterns](#messages-and-patterns)",
    "send --json": "[Keys](#json-of-send-and-listen)",
    "listen --json": "[Keys](#json-of-send-and-listen)",
    "simulate --listen": "[Places](options.md#--listen--l)",
}
"""Where to read more about an option, of all commands or of one."""

_WIDE: Final = 100_000
"""Columns of a help text whose lines are never broken."""

_OPTION: Final = re.compile(r"^ +(?:(-\w), )?(--[\w-]+)=? +(.*)$", re.MULTILINE)
_DEFAULT: Final = re.compile(r" *\[default: (.*)\]$")

_CODE: Final = re.compile(
    r"(?<!\w)'(?P<quoted>[^']+)'(?!\w)"
    r"|(?<![\w-])--?[a-z][\w-]*"  # an option
    r"|[\w.]+(?:=>?|:/?|/)[\w:{][^\s,;]*(?<![.,;:)])"  # such as tcp:9999, name=value and 10.0.0.0/24
    r"|\b(?:[a-z]\w*\.\w+|\d+(?:\.\d+){3})\b"  # such as line.tcpcomm and 10.0.0.5
)
_NEEDS_QUOTES: Final = re.compile(r"[^\w:=.,/-]")


def shown_options(usage: str) -> Iterator[tuple[str, str, str]]:
    """Yield each option of a help text with unbroken lines: its names, its default or "", its sentence."""
    for letter, name, text in _OPTION.findall(usage):
        if name not in ("--help", "--version"):
            default = _DEFAULT.search(text)
            names = f"`{name}`" + (f", `{letter}`" if letter else "")
            yield names, f"`{default[1]}`" if default else "", _DEFAULT.sub("", text)


def _commands() -> str:
    """Return the table of all commands."""
    rows = [
        [f"[{name}](#tcpcomm-{name})", as_markdown(summary)] for name, (_, summary) in COMMANDS.items()
    ]
    return _table(["command", "it does"], rows)


def _options(name: str) -> list[str]:
    """Return how a command is written, and the table of its options, if it has some."""
    options = COMMANDS[name][0]()
    rows = []
    for names, default, text in shown_options(options.getUsage(_WIDE)):
        option = names.split("`")[1]
        link = _LINKS.get(f"{name} {option}", _LINKS.get(option, ""))
        rows.append([names, default, " ".join([as_markdown(text), *([f"{link}."] if link else [])])])
    synopsis = f"```text\ntcpcomm {options.synopsis}\n```\n"
    return [synopsis, *([_table(["option", "default", "meaning"], rows)] if rows else [])]


def _codes(name: str) -> str:
    """Return the table of the exit codes of a command, or "" if it has none of its own."""
    codes = COMMANDS[name][0]().exit_codes
    rows = [[f"`{code}`", as_markdown(meaning)] for code, meaning in sorted(codes.items())]
    return _table(["exit code", "meaning"], rows) if rows else ""


def _keys() -> str:
    """Return the table of the keys of a tap."""
    rows = [[f"`{key}`", f"`{line}`", effect] for key, (line, effect) in KEYS.items()]
    return _table(["key", "the same as the line", "effect"], rows)


def _disturbances() -> str:
    """Return the table of the disturbances of a tap."""
    rows = [[f"`{each.usage}`".replace("|", "\\|"), as_markdown(each.help)] for each in DISTURBANCES]
    return _table(["text", "effect"], rows)


def _generators() -> str:
    """Return the table of the files that ``tcpcomm generate`` makes."""
    rows = [[f"`{each.name}`", as_markdown(each.summary)] for each in GENERATORS]
    return _table(["WHAT", "the file"], rows)


def as_markdown(text: str) -> str:
    """Return a sentence of a help text with its options, values and places in code, for a table."""
    marked, end = [], 0
    for found in _CODE.finditer(text):
        marked += [_escaped(text[end : found.start()]), _code(found)]
        end = found.end()
    return "".join([*marked, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([*|<_])", r"\\\1", text)


def _code(found: re.Match[str]) -> str:
    """Return code. Quotes stay where a shell needs them."""
    text = found["quoted"] or found[0]
    is_argument = found["quoted"] and _NEEDS_QUOTES.search(text) and not text.startswith("tcpcomm ")
    return f"`{found[0] if is_argument else text}`".replace("|", "\\|")


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def written(page: str) -> str:
    """Return the page with all its parts as the code has them, and a section for each new command."""
    parts = {
        "commands": _commands(),
        "keys": _keys(),
        "disturbances": _disturbances(),
        "files": _generators(),
    }
    for name, text in parts.items():
        page = with_part(page, name, text)
    for name, (make, summary) in COMMANDS.items():
        if f": {name} -->" not in page:
            about = as_markdown(" ".join((getattr(make(), "longdesc", None) or summary).split()))
            part = f"<!-- written by python -m tests.docs.commands: {name} -->\n<!-- end of {name} -->\n"
            page = f"{page.rstrip()}\n\n## tcpcomm {name}\n\n{about}\n\n{part}"
        has_heading = f": codes of {name} -->" in page  # because other pages link to it
        codes = _codes(name)
        if has_heading:
            page = with_part(page, f"codes of {name}", codes)
        tables = _options(name) if has_heading or not codes else [*_options(name), codes]
        page = with_part(page, name, "\n".join(tables))
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
