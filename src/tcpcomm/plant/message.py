"""A message on its way to a sink: :class:`OutboxMessage`."""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import frozen

JSON: Final = "application/json"
TEXT: Final = "text/plain"
BINARY: Final = "application/octet-stream"


@frozen(kw_only=True)
class OutboxMessage:
    """
    A message that an outbox has stored, as a sink gets it.

    Its ``id`` stays the same at every delivery, so that a receiver finds duplicates by it:
    :class:`~tcpcomm.plant.Deduplicator`.
    """

    id: str
    """The name of the outbox and the number of the message, such as ``4f9c2a1b-1807``: one in the world."""
    number: int
    """The place of the message in its outbox: a later message has a larger number."""
    topic: str = ""
    """The subject, with slashes: ``line-3/camera-1/locate``."""
    source: str = ""
    """The origin. Messages of one source arrive in the order of their numbers."""
    body: bytes
    content_type: str = JSON
    posted_at: float
    """The wall clock's time when it was posted, in seconds since 1970 (UTC)."""
    expires_at: float | None = None
    """The wall clock's time from which it is worth nothing; None: it never expires."""
    attempts: int = 0
    """The number of times that its sink refused it. An unreachable sink does not count."""

    def value(self) -> Any:
        """
        Return the body as a value: what JSON gives, or the text, or the bytes.

        Raises:
            ValueError: the body is not what ``content_type`` says.
        """
        if self.content_type == JSON:
            return json.loads(self.body)
        return self.body.decode("utf-8") if self.content_type == TEXT else self.body
