"""The published vectors of the proof of a key hold for :mod:`tcpcomm.net.psk`, and for a second program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tcpcomm.net.psk import AcceptingProof, DialingProof, NotProven, PreSharedKeys
from tests.docs import psk_vectors
from tests.docs.parts import part_of

PUBLISHED: dict[str, Any] = json.loads(psk_vectors.FILE.read_text("utf-8"))

GOOD = PUBLISHED["good"]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def dialler(vector: dict[str, Any]) -> DialingProof:
    keys = PreSharedKeys(vector["dialler"], {vector["acceptor"]: bytes.fromhex(vector["key"])})
    return DialingProof(keys, vector["acceptor"], nonce=lambda: str(vector["dialler_nonce"]))


def acceptor(vector: dict[str, Any]) -> AcceptingProof:
    keys = PreSharedKeys(vector["acceptor"], {vector["dialler"]: bytes.fromhex(vector["key"])})
    return AcceptingProof(keys, nonce=lambda: str(vector["acceptor_nonce"]))


def test_the_published_vectors_are_those_of_the_independent_program() -> None:
    # If this fails, run python -m tests.docs.psk_vectors.
    assert psk_vectors.text_of(psk_vectors.vectors()) == psk_vectors.FILE.read_text("utf-8")


@pytest.mark.parametrize("name", psk_vectors.PARTS)
def test_the_page_shows_the_vectors(name: str) -> None:
    # If this fails, run python -m tests.docs.psk_vectors.
    assert psk_vectors.PARTS[name]() == part_of(psk_vectors.PAGE.read_text("utf-8"), name)


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_both_sides_say_the_lines_of_a_good_vector(vector: dict[str, Any]) -> None:
    ours, theirs = dialler(vector), acceptor(vector)

    assert vector["challenge"].encode() == theirs.begin()
    assert vector["proof"].encode() == ours.feed(vector["challenge"].encode())
    assert vector["accept"].encode() == theirs.feed(vector["proof"].encode())
    assert b"" == ours.feed(vector["accept"].encode())
    assert (vector["acceptor"], vector["dialler"]) == (ours.peer, theirs.peer)


@pytest.mark.parametrize("vector", PUBLISHED["refused_by_acceptor"], ids=named)
def test_an_acceptor_refuses_a_bad_line(vector: dict[str, Any]) -> None:
    side = acceptor(GOOD[0])

    with pytest.raises(NotProven):
        side.feed(vector["line"].encode())
    assert side.peer is None


@pytest.mark.parametrize("vector", PUBLISHED["refused_by_dialler"], ids=named)
def test_a_dialler_refuses_a_bad_line(vector: dict[str, Any]) -> None:
    side = dialler(GOOD[0])

    with pytest.raises(NotProven):
        side.feed(vector["lines"].encode())
    assert side.peer is None


def test_the_bytes_under_each_hmac_are_spelled_out() -> None:
    for vector in GOOD:
        names = (vector["dialler"], vector["acceptor"])
        nonces = (vector["dialler_nonce"], vector["acceptor_nonce"])
        for side, key in (("dialler", "proof_input_hex"), ("acceptor", "accept_input_hex")):
            lines = ("TCPCOMM-PSK/1", side, *names, *nonces)
            assert "\n".join((*lines, "")).encode() == bytes.fromhex(vector[key])
