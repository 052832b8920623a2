"""
The states of a session, as commands and events declare them: :class:`StateRule`.

A state is a name, such as ``selected``. A session is in any number of states, and begins in none. Both ends
know them: a command that succeeds, and an event, enter and leave them at each end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from tcpcomm.errors import ConfigurationError

States = str | Iterable[str] | None
"""The names of states in a declaration: one, several, or none."""


@frozen
class StateRule:
    """The states that a command or an event needs, enters and leaves, and those that forbid it."""

    needs: frozenset[str]
    not_in: frozenset[str]
    enters: frozenset[str]
    leaves: frozenset[str]

    def allows(self, states: frozenset[str]) -> bool:
        """Return True if a session in these states may carry the message."""
        return self.needs <= states and self.not_in.isdisjoint(states)

    @property
    def changes(self) -> bool:
        """True if the message enters or leaves a state."""
        return bool(self.enters or self.leaves)

    def after(self, states: frozenset[str]) -> frozenset[str]:
        """Return the states of a session that was in these states before the message."""
        return (states - self.leaves) | self.enters


def state_rule(where: str, needs: Any, not_in: Any, enters: Any, leaves: Any) -> StateRule | None:
    """
    Return the rule of a command or an event, or None if it has nothing to do with states.

    Raises:
        ConfigurationError: a name is not a text, a state is entered and left at once, or it is both needed
            and forbidden.
    """
    given = {"needs": needs, "not_in": not_in, "enters": enters, "leaves": leaves}
    if all(each is None for each in given.values()):
        return None
    names = {argument: _names(where, argument, value) for argument, value in given.items()}
    both = names["enters"] & names["leaves"]
    if both:
        raise ConfigurationError(f"{where} enters and leaves {', '.join(sorted(both))}: remove one of them")
    both = names["needs"] & names["not_in"]
    if both:
        raise ConfigurationError(
            f"{where} needs {', '.join(sorted(both))}, and not_in forbids it: remove one of them"
        )
    return StateRule(**names)


def _names(where: str, argument: str, value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    names = [value] if isinstance(value, str) else value
    is_list = isinstance(names, tuple | list | set | frozenset) and bool(names)
    if not is_list or not all(isinstance(each, str) and each for each in names):
        raise ConfigurationError(
            f'{where}: {argument} takes the name of a state, as in {argument}="selected", or a tuple of '
            f"names, not {value!r}"
        )
    return frozenset(names)


def words(states: Iterable[str]) -> str:
    """Return the names of states for an error message, such as ``the states ready and selected``."""
    names = sorted(states)
    return f"the state {names[0]}" if len(names) == 1 else f"the states {' and '.join(names)}"


def problem(rule: StateRule, states: frozenset[str], changed_by: Iterable[tuple[str, StateRule]]) -> str:
    """
    Return the reason why a session in these states may not carry a message.

    Args:
        rule: the rule of the message.
        states: the states of the session.
        changed_by: the names and rules of the commands that may help.
    """
    missing = rule.needs - states
    if not missing:
        forbidden = rule.not_in & states
        helpful = [name for name, each in changed_by if each.leaves & forbidden]
        way = f", which {' or '.join(helpful)} leaves" if helpful else ""
        return f"is not allowed in {words(forbidden)}{way}"
    helpful = [name for name, each in changed_by if each.enters & missing]
    way = f", which {' or '.join(helpful)} enters" if helpful else ""
    now = words(states) if states else "no state"
    return f"needs {words(missing)}{way}, and the session is in {now}"
