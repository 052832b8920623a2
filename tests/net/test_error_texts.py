"""Texts for peers and for lost connections."""

from __future__ import annotations

import errno
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL.SSL import Error as TLSError
from OpenSSL.SSL import SysCallError, ZeroReturnError
from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import (
    ConnectError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
)
from twisted.python.failure import Failure
from twisted.test.iosim import FakeAddress

from tcpcomm.net.error_texts import is_program_error, loss_text, peer_name
from tcpcomm.net.psk import NotProven
from tests.conftest import stable_id

RESET = "the peer reset the connection: its program ended, or it closed with data unread"
BROKE = "the connection broke: the peer vanished, or closed without saying so"


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionDone(), "the peer closed the connection"),
        (ConnectionAborted(), "the connection was aborted here"),
        (ConnectionLost(), BROKE),
        (ConnectionLost("Connection lost"), BROKE),
        (ConnectionLost(errno.ECONNRESET, "reset"), RESET),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), RESET),
        (ConnectError(errno.ECONNRESET, "reset"), RESET),
        (caused(ConnectionLost(), OSError(errno.ECONNRESET, "reset")), RESET),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "the peer had closed the connection already"),
        (
            TimeoutError(errno.ETIMEDOUT, "timed out"),
            "the peer's machine does not answer: cable, power or address",
        ),
        (OSError(errno.EHOSTUNREACH, "No route"), "no route to the peer: cable, switch or address"),
        (OSError(errno.ENETUNREACH, "No"), "no route to the peer's network: is the interface down?"),
        (OSError(errno.ENOBUFS, "No buffer space"), "OSError: [Errno 105] No buffer space"),
        (ValueError("what"), "ValueError: what"),
        (
            TLSError([("SSL routines", "", "tlsv1 alert unknown ca")]),
            "TLS failed: tlsv1 alert unknown ca",
        ),
        (
            TLSError([("SSL routines", "", "no shared cipher"), ("SSL routines", "f", "other")]),
            "TLS failed: no shared cipher; other",
        ),
        (
            TLSError([("SSL routines", "", "wrong version number")]),
            "TLS failed: wrong version number: the peer does not speak TLS",
        ),
        (TLSError([]), "TLS failed: no reason was given"),
        (TLSError(), "TLS failed: no reason was given"),
        (ZeroReturnError(), "TLS failed: no reason was given"),
        (TLSError("plain words"), "TLS failed: plain words"),
        (SysCallError(-1, "Unexpected EOF"), "TLS failed: Unexpected EOF"),
        (SysCallError(errno.ECONNRESET, "ECONNRESET"), RESET),
    ],
    ids=repr,
)
def test_the_reason_for_a_loss_is_in_plain_words(error: BaseException, expected: str) -> None:
    assert expected == loss_text(Failure(error))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionDone(), False),
        (ConnectionLost(errno.ECONNRESET, "reset"), False),
        (ConnectError(errno.ECONNRESET, "reset"), False),
        (OSError(errno.ENETUNREACH, "No"), False),
        (TLSError([("SSL routines", "", "tlsv1 alert unknown ca")]), True),
        (ssl.SSLError(1, "certificate verify failed"), True),
        (NotProven("not proven: another key"), True),
        (ValueError("what"), True),
    ],
    ids=repr,
)
def test_errors_of_programs_are_not_errors_of_the_network(error: BaseException, expected: bool) -> None:
    assert expected == is_program_error(Failure(error))


def test_every_loss_has_a_text() -> None:
    for number in sorted(errno.errorcode):
        assert loss_text(Failure(ConnectionLost(number, "words")))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (IPv4Address("TCP", "192.168.0.10", 50432), "192.168.0.10:50432"),
        (IPv6Address("TCP", "fe80::1", 50432), "[fe80::1]:50432"),
        (IPv6Address("TCP", "fe80::1%eth0", 50432), "[fe80::1%eth0]:50432"),
        (IPv6Address("TCP", "::ffff:10.0.0.5", 1), "[::ffff:10.0.0.5]:1"),
        (UNIXAddress("/run/camera.sock"), "unix:/run/camera.sock"),
        (UNIXAddress(b"/run/camera.sock"), "unix:/run/camera.sock"),
        (UNIXAddress(b"/run/\xff"), "unix:/run/�"),
        (UNIXAddress(b"\0camera"), "unix:\\x00camera"),
        (UNIXAddress(None), "a local peer"),
        (UNIXAddress(""), "a local peer"),
        (HostnameAddress(b"camera-3.example", 9999), "camera-3.example:9999"),
        (FakeAddress(), "a local peer"),
        (None, "a local peer"),
        (("10.0.0.1", 5), "a local peer"),
    ],
    ids=stable_id,
)
def test_a_peer_has_a_name(address: Any, expected: str) -> None:
    assert expected == peer_name(address)


@given(st.binary())
def test_the_name_of_a_socket_cannot_break_a_log_line(path: bytes) -> None:
    assert peer_name(UNIXAddress(path)).isprintable()
