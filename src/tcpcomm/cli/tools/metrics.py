"""The subcommand ``tcpcomm metrics``: it writes the files for Grafana and Prometheus."""

from __future__ import annotations

import sys

from twisted.python import usage

from tcpcomm.cli.common import Refusal, Subcommand
from tcpcomm.plant.metrics.given_files import GIVEN_FILES, given_file
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.whole_file import write_whole_file


class MetricsCommandOptions(Subcommand):
    """The options of ``tcpcomm metrics``."""

    synopsis = f"metrics {'|'.join(GIVEN_FILES)} [options]"

    longdesc = """Writes a file for the figures that 'twistd tcpcomm --metrics 9100' gives: a dashboard for
Grafana, or alert rules for Prometheus."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["output", "o", None, "The file, in UTF-8, replaced as a whole.  [default: standard output]"],
    ]

    def parseArgs(self, *args: str) -> None:
        names = " or ".join(GIVEN_FILES)
        if len(args) != 1 or args[0] not in GIVEN_FILES:
            raise usage.UsageError(f"name what to write: {names}")
        self.word = args[0]

    def run(self) -> int:
        text, target = given_file(self.word), self["output"]
        if target is None:
            print(text, end="")
            return 0
        try:
            write_whole_file(target, text)
        except OSError as error:
            raise Refusal(f"--output {target}: cannot write it: {error.strerror}") from None
        _, what, next_step = GIVEN_FILES[self.word]
        for line in (f"wrote {target}: {what}", f"next: {next_step}"):
            print(one_line(f"tcpcomm metrics: {line}"), file=sys.stderr)
        return 0
