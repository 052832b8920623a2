"""
The tables of the options of ``remote`` and ``serve``: ``python -m tests.docs.link_options`` writes them.

The meaning of an option comes from the docstring that ``help`` shows, and its default from the code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from tcpcomm import FrameFactory, Limits, Policy, remote, serve
from tcpcomm.host.options import HostOptions
from tcpcomm.link.option_texts import option_texts
from tcpcomm.link.policy import PROFILES
from tcpcomm.session.factory import UNSET
from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["PAGE", "TABLES"]

PAGE: Final = ROOT / "docs/reference/link-options.md"


def of_remote() -> str:
    """Return the table of the options of ``remote``."""
    defaults = {each.name: each.default for each in attrs.fields(HostOptions)}
    return _table(option_texts(remote), {"at": None, **defaults})


def of_serve() -> str:
    """Return the table of the options of ``serve``."""
    return _table(option_texts(serve), {**_defaults(FrameFactory), **_defaults(serve)})


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters}


def _table(texts: Mapping[str, str], defaults: Mapping[str, Any]) -> str:
    rows = [["option", "default", "meaning"], ["---"] * 3]
    for name, text in texts.items():
        rows.append([f"`{name}`", _default(defaults.get(name, inspect.Parameter.empty)), _markdown(text)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _default(value: Any) -> str:
    if isinstance(value, Policy):
        value = next(name for name, policy in PROFILES.items() if policy == value)
    assert not isinstance(value, Limits)
    if value is inspect.Parameter.empty or value is UNSET or value == ():
        return ""
    return f"`{value}`"


def _markdown(text: str) -> str:
    plain = re.sub(
        r":\w+:`~?(?:[\w.]*\.)?(\w+)`|``(.*?)``", lambda match: f"`{match[1] or match[2]}`", text
    )
    return plain.replace("|", r"\|")


TABLES: Final[Mapping[str, Callable[[], str]]] = {"remote": of_remote, "serve": of_serve}


def main() -> None:
    """Write the tables."""
    page = PAGE.read_text("utf-8")
    for part, table in TABLES.items():
        page = with_part(page, part, table())
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
