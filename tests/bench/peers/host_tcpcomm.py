"""
Locate with a proxy of tcpcomm; the arguments are a port, a count, and how many commands are in flight.

With ``--twisted`` it uses Twisted's own transport, with ``--native`` uvloop, and else the one that sends at
once.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import task

from tcpcomm import link_of, remote
from tests.bench.peers.locating import measure_locate
from tests.bench.peers.typed_tcpcomm import VisionCamera


class Pipelined(VisionCamera):
    pipeline = 64


async def main(reactor: Any, port: str, count: str, in_flight: str, *options: str) -> None:
    at = f"{'native' if '--native' in options else 'tcp'}:127.0.0.1:{port}"
    if "--twisted" in options:
        at += ":at-once=no"
    camera = remote(VisionCamera if in_flight == "1" else Pipelined, at=at, reactor=reactor)
    await measure_locate(camera.locate, int(count), int(in_flight))
    await link_of(camera).stopService()


if __name__ == "__main__":
    if "--native" in sys.argv[1:]:
        from tcpcomm.transports import uvloop_reactor

        uvloop_reactor.install()
    task.react(main, sys.argv[1:])
