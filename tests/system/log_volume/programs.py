"""The programs whose log is measured: equipment that logs as it can, and links that expect nothing."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor
from twisted.logger import Logger

from tcpcomm import Equipment, Link, command, event, run
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited

__all__ = ["Noisy"]

_LOG = Logger()


class Noisy(Equipment):
    """Equipment whose handlers fail, and log each message."""

    framing = Delimited(b"\r\n", max_frame=200)
    codec = Template(encoding="ascii", fault="NG,{code:d},{reason}")

    @command("FAIL,{number}", reply="OK")
    def fail(self, number: int) -> None:
        """Raise an error whose text forges a line of the log."""
        raise ValueError(f"\x1b[2J\n2026-01-01T00:00:00+0000 [camera#info] all is well {number}" * 50)

    @command("DEEP,{number}", reply="OK")
    def deep(self, number: int) -> None:
        """Raise an error whose traceback has hundreds of lines."""
        self.deep(number)

    @command("LOG,{number}", reply="OK")
    def log_each(self, number: int) -> None:
        """Log each message, with a format of its own."""
        _LOG.info(f"a message has come: {number}")
        print("printed:", number)

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """Say something."""


def run_links(ports: list[str]) -> None:
    """Keep up a link to each of these ports. Nobody expects what the peers send."""
    links: list[Any] = [
        Link(connect=f"tcp:127.0.0.1:{port}", framing=Delimited(b"\r\n"), reactor=reactor) for port in ports
    ]
    run(*links)


if __name__ == "__main__":
    run_links(sys.argv[1:])
