"""
The test vectors of the proof of a key: ``python -m tests.docs.psk_vectors`` writes them.

The vectors are made here by :mod:`hmac` alone, from the description in the page, without
:mod:`tcpcomm.net.psk`. A test compares both.
"""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any, Final

from tests.conftest import ROOT
from tests.docs.parts import with_part

__all__ = ["FILE", "PAGE", "PARTS", "text_of", "vectors"]

PAGE: Final = ROOT / "docs" / "reference" / "psk-vectors.md"
FILE: Final = ROOT / "docs" / "reference" / "psk-vectors.json"

_VERSION: Final = "TCPCOMM-PSK/1"
_KEY: Final = bytes(range(32)).hex()
_DIALLER_NONCE: Final = "11" * 32
_ACCEPTOR_NONCE: Final = "22" * 32


def _nonce(word: str) -> str:
    """Return 32 bytes that look random and are always the same."""
    return sha256(word.encode()).hexdigest()


def _input(side: str, dialler: str, acceptor: str, dialler_nonce: str, acceptor_nonce: str) -> str:
    """Return the text that the HMAC of a side covers: six lines, each with LF at its end."""
    lines = (_VERSION, side, dialler, acceptor, dialler_nonce, acceptor_nonce)
    return "".join(f"{line}\n" for line in lines)


def _mac(key: str, text: str, algorithm: str = "sha256") -> str:
    return hmac.new(bytes.fromhex(key), text.encode("ascii"), algorithm).hexdigest()


def _good(name: str, key: str, names: tuple[str, str], nonces: tuple[str, str]) -> dict[str, Any]:
    """Return one exchange, with each line and the text behind each HMAC."""
    dialler, _ = names
    ours, theirs = nonces
    proof_input = _input("dialler", *names, *nonces)
    accept_input = _input("acceptor", *names, *nonces)
    proof_mac, accept_mac = _mac(key, proof_input), _mac(key, accept_input)
    return {
        "name": name,
        "key": key,
        "dialler": dialler,
        "acceptor": names[1],
        "dialler_nonce": ours,
        "acceptor_nonce": theirs,
        "challenge": f"{_VERSION} CHALLENGE {theirs}\n",
        "proof_input_hex": proof_input.encode().hex(),
        "proof_mac": proof_mac,
        "proof": f"{_VERSION} PROOF {dialler} {ours} {proof_mac}\n",
        "accept_input_hex": accept_input.encode().hex(),
        "accept_mac": accept_mac,
        "accept": f"{_VERSION} ACCEPT {accept_mac}\n",
    }


def vectors() -> dict[str, Any]:
    """Return all vectors, as the JSON file holds them."""
    first = _good("plain", _KEY, ("robot-1", "camera-1"), (_DIALLER_NONCE, _ACCEPTOR_NONCE))
    return {
        "protocol": _VERSION,
        "about": "Lines are ASCII and end with LF. Keys, nonces, macs and *_hex are hexadecimal.",
        "good": [
            first,
            _good("the shortest key", "00" * 15 + "01", ("a", "b"), (_nonce("1"), _nonce("2"))),
            _good("a key of one block", "a5" * 64, ("Robot.7", "camera_1"), (_nonce("3"), _nonce("4"))),
            _good("a key longer than a block", "5a" * 131, ("r-1", "c-1"), (_nonce("5"), _nonce("6"))),
            _good("the longest names", _KEY, ("r" * 64, f"C{'-' * 62}9"), (_nonce("7"), _nonce("8"))),
            _good("names that differ in case", _KEY, ("ROBOT-1", "Camera-1"), (_nonce("9"), _nonce("10"))),
            _good("nonces of zeros and ones", _KEY, ("robot-1", "camera-1"), ("00" * 32, "ff" * 32)),
        ],
        "refused_by_acceptor": _refused_by_acceptor(first),
        "refused_by_dialler": _refused_by_dialler(first),
    }


def _refused_by_acceptor(good: dict[str, Any]) -> list[dict[str, str]]:
    """Return lines that an acceptor with the first vector's key, names and nonce must refuse."""
    ours, theirs, mac = good["dialler_nonce"], good["acceptor_nonce"], good["proof_mac"]

    def proof(mac: str = mac, name: str = "robot-1", nonce: str = ours, version: str = _VERSION) -> str:
        return f"{version} PROOF {name} {nonce} {mac}\n"

    def of(side: str = "dialler", name: str = "robot-1", to: str = "camera-1", nonce: str = ours) -> str:
        return _mac(_KEY, _input(side, name, to, nonce, theirs))

    text = _input("dialler", "robot-1", "camera-1", ours, theirs)
    other_key = _mac("ff" * 32, text)
    swapped = _mac(_KEY, _input("dialler", "robot-1", "camera-1", theirs, ours))
    cases = {
        "another key": proof(other_key),
        "the mac of the other side": proof(of("acceptor")),
        "another acceptor": proof(of(to="camera-2")),
        "nonces in the wrong order": proof(swapped),
        "the acceptor's own nonce": proof(of(nonce=theirs), nonce=theirs),
        "a nonce in upper case": proof(of(nonce="AB" * 32), nonce="AB" * 32),
        "a nonce of 31 bytes": proof(of(nonce="11" * 31), nonce="11" * 31),
        "a nonce of 33 bytes": proof(of(nonce="11" * 33), nonce="11" * 33),
        "a mac in upper case": proof(mac.upper()),
        "a mac of 31 bytes": proof(mac[:-2]),
        "a mac with one bit changed": proof(mac[:-1] + f"{int(mac[-1], 16) ^ 1:x}"),
        "no mac": proof(""),
        "a name that has no key": proof(of(name="robot-2"), name="robot-2"),
        "a name in another case": proof(of(name="ROBOT-1"), name="ROBOT-1"),
        "version 2": proof(version="TCPCOMM-PSK/2"),
        "HMAC-SHA1": proof(_mac(_KEY, text, "sha1")),
        "HMAC-SHA512": proof(_mac(_KEY, text, "sha512")),
        "lines that end with CR LF in the mac": proof(_mac(_KEY, text.replace("\n", "\r\n"))),
        "no LF behind the last line in the mac": proof(_mac(_KEY, text[:-1])),
        "the key as hexadecimal text": proof(hmac.new(_KEY.encode(), text.encode(), "sha256").hexdigest()),
        "CR before LF": proof()[:-1] + "\r\n",
        "two spaces": proof().replace(" PROOF ", "  PROOF "),
        "a word too many": proof()[:-1] + " x\n",
        "an ACCEPT line": f"{_VERSION} ACCEPT {mac}\n",
        "the challenge sent back": good["challenge"],
    }
    return [{"name": name, "line": line} for name, line in cases.items()]


def _refused_by_dialler(good: dict[str, Any]) -> list[dict[str, str]]:
    """Return lines that a dialler with the first vector's key, names and nonce must refuse."""
    ours, theirs = good["dialler_nonce"], good["acceptor_nonce"]
    text = _input("acceptor", "robot-1", "camera-1", ours, theirs)
    challenge, mac = good["challenge"], good["accept_mac"]
    other = _mac(_KEY, _input("acceptor", "robot-1", "camera-2", ours, theirs))
    second = {
        "the mac of the other side": good["proof_mac"],
        "another key": _mac("ff" * 32, text),
        "another acceptor": other,
        "a mac in upper case": mac.upper(),
        "a mac of 31 bytes": mac[:-2],
        "no mac": "",
    }
    found = [
        {"name": name, "lines": f"{challenge}{_VERSION} ACCEPT {mac}\n"} for name, mac in second.items()
    ]
    first = {
        "a REFUSE line, which gives a reason": f"{challenge}{_VERSION} REFUSE the name is in use\n",
        "a challenge of version 2": challenge.replace("PSK/1", "PSK/2"),
        "a nonce of 31 bytes in the challenge": f"{_VERSION} CHALLENGE {theirs[2:]}\n",
        "a nonce in upper case in the challenge": f"{_VERSION} CHALLENGE {'AB' * 32}\n",
        "a challenge without a nonce": f"{_VERSION} CHALLENGE\n",
        "a proof instead of a challenge": good["proof"],
    }
    return found + [{"name": name, "lines": lines} for name, lines in first.items()]


def text_of(value: dict[str, Any]) -> str:
    """Return the JSON file."""
    return json.dumps(value, indent=1) + "\n"


def _exchange() -> str:
    good = vectors()["good"][0]
    lines = [
        f"key             {good['key']}",
        f"dialler         {good['dialler']}",
        f"acceptor        {good['acceptor']}",
        f"dialler nonce   {good['dialler_nonce']}",
        f"acceptor nonce  {good['acceptor_nonce']}",
        "",
        f"acceptor -> {good['challenge'].rstrip()}",
        f"dialler  -> {good['proof'].rstrip()}",
        f"acceptor -> {good['accept'].rstrip()}",
    ]
    return _block(lines)


def _bytes() -> str:
    good = vectors()["good"][0]
    parts = []
    for title, key in (("the dialler's proof", "proof"), ("the acceptor's proof", "accept")):
        data = bytes.fromhex(good[f"{key}_input_hex"])
        parts.append(f"The {len(data)} bytes under the HMAC of {title}:\n\n{_block(_dump(data))}")
        parts.append(f"\nThe HMAC: `{good[f'{key}_mac']}`\n")
    return "\n".join(parts)


def _dump(data: bytes) -> list[str]:
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:04x}  {part.hex(' '):<47}  |{shown}|")
    return lines


def _refused() -> str:
    found = vectors()
    parts = []
    for title, key in (("An acceptor", "refused_by_acceptor"), ("A dialler", "refused_by_dialler")):
        rows = "".join(f"- {each['name']}\n" for each in found[key])
        parts.append(f"{title} must refuse, and close without a word:\n\n{rows}")
    return "\n".join(parts)


def _good_table() -> str:
    rows = "".join(
        f"| {each['name']} | {len(each['key']) // 2} bytes | `{each['proof_mac'][:16]}…` "
        f"| `{each['accept_mac'][:16]}…` |\n"
        for each in vectors()["good"]
    )
    return f"| vector | key | mac of the proof | mac of the acceptance |\n|---|---|---|---|\n{rows}"


def _block(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in ("```text", *lines, "```"))


PARTS: Final = {"exchange": _exchange, "bytes": _bytes, "good": _good_table, "refused": _refused}
"""The parts of the page, and the functions that write them."""


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    for name, write in PARTS.items():
        page = with_part(page, name, write())
    PAGE.write_text(page, "utf-8")
    FILE.write_text(text_of(vectors()), "utf-8")
