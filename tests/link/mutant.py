"""One broken rule, to test the tests by: :class:`Mutant`."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

__all__ = ["Mutant"]


@frozen
class Mutant:
    """One rule broken: in a method of a class, a piece of its source is replaced."""

    what: str
    kind: type
    method: str
    old: str
    new: str
    killer: Callable[..., None] | None = None
    """The test that kills it; None: the simulation does."""
    arguments: dict[str, Any] = field(factory=dict)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        original = inspect.getattr_static(self.kind, self.method)
        source = textwrap.dedent(inspect.getsource(original))
        assert 1 == source.count(self.old), f"{self.method} does not have {self.old!r} once"
        made: dict[str, Any] = {}
        mutated = source.replace(self.old, self.new)
        exec(f"from __future__ import annotations\n{mutated}", original.__globals__, made)
        setattr(self.kind, self.method, made[self.method])
        try:
            yield
        finally:
            setattr(self.kind, self.method, original)
