"""The health of a program, as checks with names: :class:`Health`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger

MOST_CHECKS: Final = 1000
"""Checks of one ``Health``. A further one is an error."""

Check = Callable[[], str]
"""Returns a problem in words, or an empty text."""


@frozen
class CheckResult:
    """The outcome of one check."""

    name: str
    problem: str
    """The problem in words, or an empty text."""
    required: bool
    """True if the program is not ready while there is this problem."""


class Health:
    """
    The checks that tell if a program is ready.

    A check is a function that returns a problem in words, or an empty text. It runs in the reactor's thread
    and must not block.

    Args:
        checks: the first checks, by name.
    """

    log = BoundedLogger()

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self._checks: dict[str, tuple[Check, bool]] = {}
        self._several: list[Callable[[], list[CheckResult]]] = []
        for name, check in (checks or {}).items():
            self.add(name, check)

    def add(self, name: str, check: Check, *, required: bool = True) -> None:
        """
        Add a check, or replace the one with its name.

        Args:
            name: its name.
            check: returns a problem in words, or an empty text.
            required: False if the program is ready also with this problem, which is only shown.
        """
        if name not in self._checks and len(self._checks) >= MOST_CHECKS:
            raise ConfigurationError(f"there are {MOST_CHECKS} checks already")
        self._checks[name] = (check, required)

    def add_outbox(self, outbox: Any, name: str) -> None:
        """Check that an outbox takes messages, and show the problems of its sinks."""

        def sinks() -> list[CheckResult]:
            found = outbox.figures().sinks.items()
            return [
                CheckResult(f"{name}: {sink}", "" if each.state == "delivering" else each.state, False)
                for sink, each in found
            ]

        self.add(name, lambda: str(outbox.figures().problem))
        self.add_several(sinks)

    def add_several(self, checks: Callable[[], list[CheckResult]]) -> None:
        """Add a function that returns the outcomes of several checks, as many as there are now."""
        self._several.append(checks)

    def results(self) -> list[CheckResult]:
        """Run all checks. A check that fails itself is a problem."""
        found = [self._run(name, check, required) for name, (check, required) in self._checks.items()]
        for several in self._several:
            try:
                found += several()
            except Exception:
                self.log.failure("several checks failed")
        return found

    def _run(self, name: str, check: Check, required: bool) -> CheckResult:
        try:
            problem = str(check() or "")
        except Exception as error:
            self.log.failure("the check {check} failed", check=name)
            problem = f"the check failed: {type(error).__name__}: {error}"
        return CheckResult(name, problem, required)
