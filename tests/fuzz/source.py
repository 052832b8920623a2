"""A target, and the source that cuts its input into choices and chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TypeVar

from attrs import define, frozen

__all__ = ["Source", "Target", "cut", "require"]

T = TypeVar("T")


@frozen
class Target:
    """
    Something to fuzz.

    Args:
        name: its name on the command line, and the name of its folder in ``corpus``.
        about: one sentence that says what it reads.
        run: runs one input. It raises if a law is broken.
        seeds: returns good inputs to begin with.
    """

    name: str
    about: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


@define
class Source:
    """The bytes of one input, taken from the front. After their end, every number is 0."""

    data: bytes
    at: int = 0

    @property
    def is_empty(self) -> bool:
        return self.at >= len(self.data)

    def number(self) -> int:
        """Return the next byte as a number from 0 to 255."""
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def choice(self, among: Sequence[T]) -> T:
        """Return one of at most 256 values."""
        return among[self.number() % len(among)]

    def take(self, size: int) -> bytes:
        """Return the next bytes, or fewer at the end."""
        begin, self.at = self.at, self.at + size
        return self.data[begin : self.at]

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take(len(self.data))


def cut(stream: bytes, seed: int) -> list[bytes]:
    """Cut a stream into chunks: single bytes for the seed 0, else chunks of different sizes."""
    random = Random(seed)
    sizes = (1,) if seed == 0 else (1, 2, 3, 5, 8, 13, 64)
    chunks = []
    while stream:
        size = random.choice(sizes)
        chunks.append(stream[:size])
        stream = stream[size:]
    return chunks


def require(is_true: object, what: str) -> None:
    """Fail with ``what`` if a law is broken. It works under ``python -O`` too."""
    if not is_true:
        raise AssertionError(what)
