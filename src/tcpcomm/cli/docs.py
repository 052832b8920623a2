"""The subcommand ``tcpcomm docs``: it opens the copy of the documentation that a wheel brings."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Final

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand

FIRST_PAGE: Final = Path(__file__).resolve().parent.parent / "site" / "index.html"
"""The first page of the copy. ``python docs/build.py`` writes it into a source tree."""


class DocsOptions(Subcommand):
    """The options of ``tcpcomm docs``."""

    synopsis = "docs [options]"

    longdesc = """Opens the documentation in the browser and prints its path. It is the copy that was
installed with tcpcomm, and needs no network."""

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["print", "p", "Print the path only, and open nothing."],
    ]

    def parseArgs(self, *args: str) -> None:
        if args:
            raise usage.UsageError(f"it takes no argument, such as {args[0]}")

    def run(self) -> int:
        if not FIRST_PAGE.is_file():
            raise Refusal(
                f"there is no {FIRST_PAGE}: a wheel brings it; in the source of tcpcomm, build it with: "
                'pip install -e ".[docs]" && python docs/build.py'
            )
        print(FIRST_PAGE, flush=True)
        if not self["print"] and not webbrowser.open(FIRST_PAGE.as_uri()):
            raise Refusal("no browser could be started; open the page at that path by hand")
        return 0
