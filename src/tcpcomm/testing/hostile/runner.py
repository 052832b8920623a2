"""Runs cases one after the other, or beside each other, and checks the good peers after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock
from time import monotonic, sleep
from typing import Final

from attrs import field, frozen

from tcpcomm.errors import TcpcommError
from tcpcomm.testing.hostile.bystander import Bystander, newcomer
from tcpcomm.testing.hostile.case import Case
from tcpcomm.testing.hostile.evidence import Evidence, read_process
from tcpcomm.testing.hostile.target import CannotConnect, Target
from tcpcomm.testing.hostile.verdict import NotRun, Verdict, Wrong

_SIDE_BY_SIDE: Final = 8
"""Cases that wait at the same time: fewer than the sessions that a server may allow one address."""


class CannotRun(TcpcommError):
    """The target does not answer a good request, so that no verdict would mean anything."""


@frozen
class Result:
    """The verdict of one case, and what was seen."""

    case: Case
    verdict: Verdict
    text: str
    seconds: float
    worst_delay: float
    """The longest time in seconds for which a good peer waited beside this case."""
    before: Evidence | None = field(default=None)
    after: Evidence | None = field(default=None)


def run_suite(
    target: Target,
    cases: Iterable[Case],
    on_result: Callable[[Result], object] = lambda result: None,
    *,
    at_first: float | None = None,
) -> list[Result]:
    """
    Run cases against a target.

    Args:
        on_result: called with each result when it is there.
        at_first: the seconds to wait for the first reply, before any case; None: some times longer than
            a reply may take.

    Returns:
        The results by number.

    Raises:
        CannotRun: the target does not answer a good request.
    """
    problem, _ = newcomer(target, within=at_first)
    if problem is not None:
        raise CannotRun(
            f"{target.options.host}:{target.options.port} does not answer {target.options.ask!r} with "
            f"{target.options.expect!r} in its framing: {problem}. Check --kind, --framing, --ask, --expect"
        )
    target.evidence = _reading(target)
    runner = _Runner(target, on_result)
    runner.bystander.start()
    try:
        return runner.run(list(cases))
    finally:
        runner.bystander.stop()


class _Runner:
    def __init__(self, target: Target, on_result: Callable[[Result], object]) -> None:
        self._target = target
        self._on_result = on_result
        self._lock = Lock()
        self.bystander = Bystander(target)
        target.watch(self.bystander.worst)

    def run(self, cases: list[Case]) -> list[Result]:
        waiting = [case for case in cases if case.waits and not case.last]
        others = [case for case in cases if not case.waits and not case.last]
        last = [case for case in cases if case.last]
        results = []
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for done in as_completed([pool.submit(self._judge, case) for case in waiting]):
                results.append(done.result())
                self._on_result(results[-1])
        answers = True
        for case in [*others, *last]:
            if answers:
                results.append(self._judge(case))
                answers = self._recovers(results[-1])
            else:
                text = "the target does not answer good requests any more"
                results.append(Result(case, Verdict.NOT_RUN, text, 0.0, 0.0))
            self._on_result(results[-1])
        return sorted(results, key=lambda result: result.case.number)

    def _judge(self, case: Case) -> Result:
        began = monotonic()
        before = self._reading()
        verdict, text = self._play(case)
        with self._lock:
            worst, problem = self._check_others(began)
        if problem is not None and verdict is not Verdict.WRONG:
            verdict, text = Verdict.WRONG, problem
        elif problem is not None:
            text = f"{text}; and {problem}"
        return Result(case, verdict, text, monotonic() - began, worst, before, self._reading())

    def _reading(self) -> Evidence | None:
        """Read the target's process; None if its number was not given, or it has ended meanwhile."""
        try:
            return _reading(self._target)
        except NotRun:
            return None

    def _recovers(self, result: Result) -> bool:
        """Wait until the target answers again, so that the next case is not blamed. Return False if not."""
        if result.verdict is not Verdict.WRONG:
            return True
        deadline = monotonic() + 3 * self._target.options.patience
        while (served := newcomer(self._target))[0] is not None and monotonic() < deadline:
            sleep(0.1)
        return served[0] is None

    def _play(self, case: Case) -> tuple[Verdict, str]:
        try:
            told = case.run(self._target)
        except NotRun as reason:
            return Verdict.NOT_RUN, str(reason)
        except Wrong as reason:
            return Verdict.WRONG, str(reason)
        except CannotConnect as reason:
            return Verdict.WRONG, f"a good peer was not served: {reason}"
        return (Verdict.OK, "") if told is None else (Verdict.INFORMATIONAL, told)

    def _check_others(self, began: float) -> tuple[float, str | None]:
        """Return the longest delay of a good peer, and the problem of the good peers, or None."""
        within = self._target.options.within
        problem, seconds = newcomer(self._target)
        worst = max(seconds, self.bystander.worst(began))
        lost = self.bystander.lost()
        if problem is not None:
            return worst, f"a new good peer is not served: {problem}"
        if lost is not None:
            return worst, lost
        if worst > within:
            return worst, f"a good peer waited {worst:.2f} s, more than {within:g} s"
        return worst, None


def _reading(target: Target) -> Evidence | None:
    pid = target.options.pid
    return None if pid is None else read_process(pid)
