"""The pre-shared-key exchange, without any I/O."""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.psk import MAX_LINE, AcceptingProof, DialingProof, NotProven, PreSharedKeys, read_keys

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera-1", {"robot-1": KEY, "robot-2": b"another key, random"})
ROBOT = PreSharedKeys("robot-1", {"camera-1": KEY})


def exchange(dialler: DialingProof, acceptor: AcceptingProof) -> list[bytes]:
    """Let both sides talk to the end; return the lines on the wire."""
    wire = [acceptor.begin()]
    sides: list[DialingProof | AcceptingProof] = [dialler, acceptor]
    while wire[-1]:
        wire.append(sides[len(wire) % 2 - 1].answer(wire[-1].removesuffix(b"\n")))
    return wire


def test_both_sides_are_proven_when_they_hold_the_same_key() -> None:
    dialler, acceptor = DialingProof(ROBOT, "camera-1"), AcceptingProof(CAMERA)
    exchange(dialler, acceptor)
    assert ("camera-1", "robot-1") == (dialler.peer, acceptor.peer)


def test_the_lines_and_macs_follow_the_description() -> None:
    theirs, ours = "0" * 63 + "1", "0" * 63 + "2"
    acceptor = AcceptingProof(CAMERA, nonce=lambda: ours)
    dialler = DialingProof(ROBOT, "camera-1", nonce=lambda: theirs)

    def mac(role: str) -> str:
        text = f"TCPCOMM-PSK/1\n{role}\nrobot-1\ncamera-1\n{theirs}\n{ours}\n"
        return hmac.new(KEY, text.encode(), sha256).hexdigest()

    assert [
        f"TCPCOMM-PSK/1 CHALLENGE {ours}\n".encode(),
        f"TCPCOMM-PSK/1 PROOF robot-1 {theirs} {mac('dialler')}\n".encode(),
        f"TCPCOMM-PSK/1 ACCEPT {mac('acceptor')}\n".encode(),
        b"",
    ] == exchange(dialler, acceptor)


def test_a_dialler_with_another_key_is_refused_before_it_learns_anything() -> None:
    dialler = DialingProof(PreSharedKeys("robot-1", {"camera-1": b"x" * 32}), "camera-1")
    acceptor = AcceptingProof(CAMERA)
    with pytest.raises(NotProven, match="calls itself robot-1 but has another key"):
        exchange(dialler, acceptor)
    assert acceptor.peer is None


def test_a_dialler_with_an_unknown_name_is_refused() -> None:
    dialler = DialingProof(PreSharedKeys("stranger", {"camera-1": KEY}), "camera-1")
    with pytest.raises(NotProven, match="no key is shared with a peer called 'stranger'"):
        exchange(dialler, AcceptingProof(CAMERA))


def test_a_dialler_that_connects_to_another_name_is_refused() -> None:
    dialler = DialingProof(PreSharedKeys("robot-1", {"camera-2": KEY}), "camera-2")
    with pytest.raises(NotProven, match="connects to another name than ours"):
        exchange(dialler, AcceptingProof(CAMERA))


def test_an_acceptor_without_the_key_is_refused() -> None:
    dialler = DialingProof(ROBOT, "camera-1")
    dialler.answer(AcceptingProof(CAMERA).begin().strip())
    with pytest.raises(NotProven, match="another key than camera-1's"):
        dialler.answer(b"TCPCOMM-PSK/1 ACCEPT " + b"0" * 64)
    assert dialler.peer is None


def test_a_recorded_proof_does_not_open_a_second_connection() -> None:
    recorded = exchange(DialingProof(ROBOT, "camera-1"), AcceptingProof(CAMERA))
    acceptor = AcceptingProof(CAMERA)
    acceptor.begin()
    with pytest.raises(NotProven, match="another key"):
        acceptor.answer(recorded[1].strip())


def test_our_own_proof_sent_back_is_refused() -> None:
    keys = PreSharedKeys("robot-1", {"robot-1": KEY})
    acceptor = AcceptingProof(keys)
    nonce = acceptor.begin().split()[-1]
    with pytest.raises(NotProven, match="repeats ours"):
        acceptor.answer(b"TCPCOMM-PSK/1 PROOF robot-1 " + nonce + b" " + b"0" * 64)


@given(st.binary(max_size=300))
def test_any_wrong_line_raises_not_proven_and_nothing_else(line: bytes) -> None:
    for side in (AcceptingProof(CAMERA), DialingProof(ROBOT, "camera-1")):
        with pytest.raises(NotProven):
            side.answer(line)
        assert side.peer is None


def tamper(place: int, change: int) -> None:
    """Let both sides talk while one byte of their lines is changed on the wire."""
    dialler, acceptor = DialingProof(ROBOT, "camera-1"), AcceptingProof(CAMERA)
    sides: list[DialingProof | AcceptingProof] = [dialler, acceptor]
    sent, line, turn = 0, acceptor.begin(), 0
    while line:
        text = bytearray(line.removesuffix(b"\n"))
        if 0 <= place - sent < len(text):
            text[place - sent] ^= change
        sent += len(text)
        line = sides[turn % 2].answer(bytes(text))
        turn += 1


ALL_LINES = exchange(DialingProof(ROBOT, "camera-1"), AcceptingProof(CAMERA))
EXCHANGE_LENGTH = sum(len(line.removesuffix(b"\n")) for line in ALL_LINES)


@given(st.integers(0, EXCHANGE_LENGTH - 1), st.integers(1, 255))
def test_a_byte_changed_on_the_wire_is_always_noticed(place: int, change: int) -> None:
    with pytest.raises(NotProven):
        tamper(place, change)


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("camera 1", {"robot": KEY}, "'camera 1' cannot be a name"),
        ("camera", {}, "there is no key"),
        ("camera", {"robot": b"short"}, "has 5 bytes: it must have at least 16"),
        ("camera", {"ro bot": KEY}, "'ro bot' cannot be a name"),
    ],
)
def test_unsafe_names_and_keys_are_refused(name: str, keys: dict[str, bytes], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        PreSharedKeys(name, keys)


def test_keys_are_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# of the cell\nrobot-1  {KEY.hex()}  # six axes\n\n")
    keys = read_keys(path, "camera-1")
    assert {"robot-1": KEY} == dict(keys.keys)
    assert KEY.hex() not in repr(keys)


def test_a_key_file_may_be_made_on_windows_and_have_comments_in_any_language(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"\ufeff# 셀 3\r\nrobot-1 {KEY.hex()}\r\n", "utf-8", newline="")
    assert {"robot-1": KEY} == dict(read_keys(path, "camera-1").keys)
    path.write_bytes(b"# Geh\xe4use\n")
    with pytest.raises(ConfigurationError, match=r"cannot read the keys in .*: 'utf-8' codec"):
        read_keys(path, "camera-1")


def test_a_wrong_line_of_the_key_file_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("robot-1 nonsense\n")
    with pytest.raises(ConfigurationError, match="line 1: there must be a peer's name and its key in hex"):
        read_keys(path, "camera-1")


def test_a_name_that_comes_twice_in_the_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"robot-1 {KEY.hex()}\n\nrobot-2 {KEY.hex()}\nrobot-1 {KEY.hex()}\n")
    with pytest.raises(ConfigurationError, match="line 4: robot-1 already has a key in line 1: remove one"):
        read_keys(path, "camera-1")


def test_a_line_has_at_most_256_bytes() -> None:
    line = b"TCPCOMM-PSK/1" + b"x" * (MAX_LINE - 13)
    acceptor = AcceptingProof(CAMERA)
    assert b"" == acceptor.feed(line)
    with pytest.raises(NotProven, match=r"the peer does not speak TCPCOMM-PSK/1$"):
        acceptor.feed(b"x")
