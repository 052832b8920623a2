"""Ways to call the methods of equipment: :func:`run_in_thread`, :func:`is_kept`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from tcpcomm.codec.binary.variables import current_header
from tcpcomm.errors import Fault
from tcpcomm.runtime.bounded_logger import BoundedLogger

_LOG: Final = BoundedLogger()


def run_in_thread(reactor: Any, method: Callable[..., Any], **values: Any) -> Deferred[Any]:
    """Call a method in a thread of the reactor, with the context of its caller."""
    context = copy_context()
    return deferToThreadPool(reactor, reactor.getThreadPool(), context.run, partial(method, **values))


def is_kept(equipment: Any, fault: Fault, header: dict[str, Any] | None) -> bool:
    """
    Return True if equipment keeps a fault for its host. Log the failure of its method.

    Args:
        equipment: the equipment. Its method reads the values in the header of the request.
        fault: the fault.
        header: these values.
    """
    token = current_header.set(header or {})
    try:
        return bool(equipment.keep_fault(fault))
    except Exception:
        _LOG.failure("{name}.keep_fault failed", name=type(equipment).__name__)
        return False
    finally:
        current_header.reset(token)
