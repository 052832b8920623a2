"""
Twisted's own tests of TCP transports, on ours.

They build a reactor for each test. Ours listens and connects with our transports, so that all of them take
part: endpoints, connectors, ports, half-close, producers, abort, and Twisted's TLS above them.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests import conftest

if sys.platform == "win32":
    conftest.skip("Twisted's tests of its asyncio reactor do not run on Windows")
conftest.needs_module("hamcrest", "pip install pyhamcrest")

from twisted.internet.test import test_tcp, test_tls  # noqa: E402
from twisted.trial.unittest import SynchronousTestCase  # noqa: E402

from tests.transports.loops import REACTORS  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::twisted.protocols._tls_legacy.LegacyContextFactoryWarning"),
    pytest.mark.filterwarnings("ignore:Passing pyOpenSSL .* objects is deprecated"),
]

BUILDERS: tuple[Any, ...] = (
    test_tcp.TCP4ClientTestsBuilder,
    test_tcp.TCP6ClientTestsBuilder,
    test_tcp.TCPPortTestsBuilder,
    test_tcp.TCPFDPortTestsBuilder,
    test_tcp.TCPConnectionTestsBuilder,
    test_tcp.TCP4ConnectorTestsBuilder,
    test_tcp.TCP6ConnectorTestsBuilder,
    test_tcp.TCPTransportTestsBuilder,
    test_tcp.AbortConnectionTests,
    test_tls.SSLClientTestsMixin,
    test_tls.StartTLSClientTestsMixin,
    test_tls.TLSPortTestsBuilder,
    test_tls.AbortSSLConnectionTests,
)

LEFT_OUT = {
    # For each chunk, Twisted's reactors look up the "system" field of the old twisted.python.log, which
    # takes a seventh of the time of a frame. twisted.logger, its successor, does not use it.
    "test_logPrefix": None,
}
LEFT_OUT_TLS = {
    # Twisted's TLS sends its close when it aborts. Twisted's transports drop it with all queued data; ours
    # have already sent it, so that the peer may see a normal end before the reset.
    "test_serverAbortsConnectionTwice": None,
    "test_serverAbortsConnectionThenLosesConnection": None,
}


def _cases() -> dict[str, type]:
    cases = {}
    for builder in BUILDERS:
        for name, reactor in REACTORS.items():
            title = f"{builder.__name__}_on_{name}"
            members: dict[str, Any] = {"__module__": __name__, "reactorFactory": reactor}
            if name.startswith("native") or name == "at_once_lean_epoll":
                members |= LEFT_OUT
            if builder is test_tls.AbortSSLConnectionTests:
                members |= LEFT_OUT_TLS
            cases[title] = type(title, (builder, SynchronousTestCase), members)
    return cases


globals().update(_cases())
