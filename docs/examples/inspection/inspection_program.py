"""
The inspection program: it serves several stations at once, each with a session and a tally of its own.

    python inspection_program.py tcp:9999:interface=127.0.0.1 3
"""

import sys
from statistics import fmean

from attrs import define, field
from twisted.internet.defer import Deferred

from inspection import Inspection, Judgement, Result
from tcpcomm import Fault, per_session, run, serve

DIAMETER = 10.0
TOLERANCE = 0.05
ROUNDNESS = 0.04


@define
class Line:
    """The state that the stations share: the line runs when all of them have entered."""

    stations: int
    _entered: set[str] = field(factory=set, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)

    async def enter(self, station: str) -> None:
        self._entered.add(station)
        if len(self._entered) < self.stations:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn
        while self._waiting:
            self._waiting.pop().callback(None)


class StationInspection(Inspection):
    """The inspection of one station: each session has an object of its own."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._counts = {Judgement.OK: 0, Judgement.NG: 0}

    async def enter(self, station: str) -> None:
        await self._line.enter(station)

    async def inspect(self, serial: str, diameters: list[float]) -> Result:
        result = judged(serial, diameters)
        self._counts[result.judgement] += 1
        if sum(self._counts.values()) % 10 == 0:
            self.tally(ok=self._counts[Judgement.OK], ng=self._counts[Judgement.NG])
        return result

    async def ping(self) -> None:
        pass


def judged(serial: str, diameters: list[float]) -> Result:
    """Judge one part."""
    if len(diameters) < 3:
        raise Fault(1, f"{len(diameters)} diameters are too few")
    mean, out_of_round = fmean(diameters), max(diameters) - min(diameters)
    if abs(mean - DIAMETER) > TOLERANCE:
        return Result(serial, Judgement.NG, f"diameter {mean:.3f} mm")
    if out_of_round > ROUNDNESS:
        return Result(serial, Judgement.NG, f"out of round by {out_of_round:.3f} mm")
    return Result(serial, Judgement.OK)


if __name__ == "__main__":
    at, stations = sys.argv[1:]
    run(serve(per_session(StationInspection, Line(int(stations))), at=at))
