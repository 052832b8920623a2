"""Reactors with our transports, made for one test each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.pollreactor import PollReactor
from twisted.internet.selectreactor import SelectReactor

from tcpcomm.transports.at_once import AtOnceConnector, AtOncePort
from tcpcomm.transports.reactors import MakesTCP, NativeReactor, NativeTCP

__all__ = ["LOOPS", "REACTORS", "VIEW", "native_view"]

LAST_TURNS = 3
"""Turns of the loop in which asyncio closes what was left open."""


class AtOncePoll(MakesTCP, PollReactor):
    """poll(2), and sending at once."""

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


class AtOnceSelect(MakesTCP, SelectReactor):
    """select(2), and sending at once."""

    port_kind = AtOncePort
    connector_kind = AtOnceConnector


def _loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
    if sys.platform != "win32" and find_spec("uvloop") is not None:
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops


LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = _loops()
"""What makes a new loop, by its name."""


def _new_loop(
    case: Any, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> asyncio.AbstractEventLoop:
    """A new loop, which is closed when the test has cleaned up."""
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
    """Twisted's own asyncio reactor, seen so that its TCP is native."""
    return NativeTCP(AsyncioSelectorReactor(_new_loop(case, asyncio.SelectorEventLoop)))


VIEW = "native_view"
"""The name of that one: it is no reactor for a ReactorBuilder, who changes its class."""


REACTORS: Mapping[str, Callable[..., Any]] = {
    **{f"native_{name}": _native(new_loop) for name, new_loop in LOOPS.items()},
    "at_once_poll": AtOncePoll,
    "at_once_select": AtOnceSelect,
}
"""What makes a new reactor for a ReactorBuilder, by its name."""
