"""
A station: it measures parts, and asks the inspection program to judge each.

    python station.py tcp:127.0.0.1:9999 A
"""

import sys
from random import Random
from typing import Any

from twisted.internet import task

from inspection import Inspection
from tcpcomm import Fault, remote

PARTS = 20


def measured(station: str) -> dict[str, list[float]]:
    """Return the diameters of this station's parts, by serial number. A real station would have a gauge."""
    random = Random(station)
    parts = {}
    for number in range(1, PARTS + 1):
        diameter, roughness = random.gauss(10.0, 0.03), random.uniform(0.0, 0.02)
        parts[f"{station}-{number:03d}"] = [random.gauss(diameter, roughness) for _ in range(8)]
    return parts


async def main(reactor: Any, at: str, station: str) -> None:
    inspection = remote(Inspection, at=at)

    def tell(ok: int, ng: int) -> None:
        print(f"station {station}: {ok} OK, {ng} NG", flush=True)

    inspection.tally.subscribe(tell)
    await inspection.enter(station)
    for serial, diameters in measured(station).items():
        result = await inspection.inspect(serial, diameters)
        print(f"{result.serial}: {result.judgement} {result.reason}".rstrip(), flush=True)
    try:
        await inspection.inspect(f"{station}-last", diameters=[10.0])
    except Fault as fault:
        print(f"{station}-last: not inspected: {fault.reason}", flush=True)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
