"""Servers and peers that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.system.peer import Peer
from tests.system.running import ON_LOOPBACK, Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server on loopback with the options given; it is stopped after the test."""
    with ExitStack() as stack:

        def start(*options: str, **others: Any) -> Server:
            listen = () if "--listen" in options else ON_LOOPBACK
            return stack.enter_context(Server(*listen, *options, **others))

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[..., Peer]]:
    """Connect a peer; it is closed after the test."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(Peer(*arguments, **options))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server that ``twistd tcpcomm`` runs without options, at a port of its own; shared by a module."""
    with Server(*ON_LOOPBACK) as running:
        yield running
