"""A storm of connections is accepted a few at a time, so that other sockets are read between."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import tcp
from twisted.internet.protocol import Factory

from tcpcomm.transports.at_once import MOST_ACCEPTED, AtOncePort
from tcpcomm.transports.native import NativePort


@pytest.mark.parametrize("kind", [AtOncePort, NativePort])
def test_a_port_accepts_few_connections_at_once(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    accepts = []

    def do_read(port: Any) -> None:
        accepts.append(port.numberAccepts)
        port.numberAccepts += 20  # as Twisted does when there were enough

    monkeypatch.setattr(tcp.Port, "doRead", do_read)
    port = kind(0, Factory())
    port.numberAccepts = 100
    port.doRead()
    port.doRead()
    assert [MOST_ACCEPTED, MOST_ACCEPTED] == accepts
