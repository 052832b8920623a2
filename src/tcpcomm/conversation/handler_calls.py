"""Ways to call the method that carries out a command: :func:`run_in_thread`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool


def run_in_thread(reactor: Any, method: Callable[..., Any], **values: Any) -> Deferred[Any]:
    """Call a method in a thread of the reactor, with the context of its caller."""
    context = copy_context()
    return deferToThreadPool(reactor, reactor.getThreadPool(), context.run, partial(method, **values))
