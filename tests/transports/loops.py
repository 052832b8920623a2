"""Reactors with our transports, each made for one test."""

from __future__ import annotations

import asyncio
import select
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.pollreactor import PollReactor
from twisted.internet.selectreactor import SelectReactor

from tcpcomm.transports.at_once import AtOnceConnector, AtOncePort
from tcpcomm.transports.epoll_reactor import LeanPolling
from tcpcomm.transports.reactors import MakesTCP, NativeReactor, NativeTCP

__all__ = ["LOOPS", "REACTORS", "VIEW", "native_view"]

LAST_TURNS = 3
"""Turns of the loop in which asyncio closes connections that are still open."""


class AtOncePoll(MakesTCP, PollReactor):
    """A poll(2) reactor that sends at once."""

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


class AtOnceSelect(MakesTCP, SelectReactor):
    """A select(2) reactor that sends at once."""

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


def _loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
    if sys.platform != "win32" and find_spec("uvloop") is not None:
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops


LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = _loops()
"""Functions that make a new loop, by name."""


def _new_loop(case: Any, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> asyncio.AbstractEventLoop:
    """Return a new loop, which is closed when the test has cleaned up."""
    loop = new_loop()

    def close() -> None:
        for _ in range(LAST_TURNS):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    case.addCleanup(close)
    return loop


def _native(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Callable[[Any], NativeReactor]:
    def make(case: Any) -> NativeReactor:
        return NativeReactor(_new_loop(case, new_loop))

    return make


def native_view(case: Any) -> NativeTCP:
    """Return a view of Twisted's own asyncio reactor with native TCP."""
    return NativeTCP(AsyncioSelectorReactor(_new_loop(case, asyncio.SelectorEventLoop)))


def _on_epoll() -> dict[str, Callable[..., Any]]:
    if not hasattr(select, "epoll"):
        return {}
    from twisted.internet.epollreactor import EPollReactor

    class AtOnceLeanEPoll(MakesTCP, LeanPolling, EPollReactor):
        """An epoll(7) reactor with less work for each event that sends at once."""

        port_kind = AtOncePort
        connector_kind = AtOnceConnector

    return {"at_once_lean_epoll": AtOnceLeanEPoll}


VIEW = "native_view"
"""The name of the view. A ReactorBuilder cannot use it, because it changes the class of its reactor."""


REACTORS: Mapping[str, Callable[..., Any]] = {
    **{f"native_{name}": _native(new_loop) for name, new_loop in LOOPS.items()},
    "at_once_poll": AtOncePoll,
    "at_once_select": AtOnceSelect,
    **_on_epoll(),
}
"""Functions that make a new reactor for a ReactorBuilder, by name."""
