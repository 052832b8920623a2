r"""
Proof of identity with a pre-shared key, for equipment that cannot use certificates. Without any I/O.

Both sides prove that they hold the same key before they send anything else. This is *authentication only*.
Others on the network may still read and change the data. If that matters, use TLS.

The exchange uses ASCII lines that end with LF, so that any language with an HMAC function can do it. The
side that accepted the TCP connection is the *acceptor*; the side that made it is the *dialler*::

    acceptor  ->  TCPCOMM-PSK/1 CHALLENGE <nonce>
    dialler   ->  TCPCOMM-PSK/1 PROOF <dialler's name> <nonce> <mac>
    acceptor  ->  TCPCOMM-PSK/1 ACCEPT <mac>

A nonce is 32 random bytes in hex, new for each connection. A mac is the HMAC-SHA256 in hex, with the key,
of these lines, each with LF at its end::

    TCPCOMM-PSK/1
    <"dialler" or "acceptor": the side that proves itself>
    <dialler's name>
    <acceptor's name>
    <dialler's nonce>
    <acceptor's nonce>

Both sides know both names before. The dialler proves itself first, so that a stranger who connects learns
only a nonce. A side that does not accept the proof closes the connection and sends nothing. An acceptor
that accepts the proof, and still does not want the peer, says why in place of ``ACCEPT``, and closes::

    acceptor  ->  TCPCOMM-PSK/1 REFUSE <reason>
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, TcpcommError
from tcpcomm.runtime.tls_rules import check_secret_file

VERSION: Final = "TCPCOMM-PSK/1"
MIN_KEY: Final = 16
MAX_LINE: Final = 256
"""Bytes of a line of the proof of a key. A longer line aborts the connection."""

_REFUSE: Final = f"{VERSION} REFUSE ".encode()
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class NotProven(TcpcommError):
    """The peer did not prove that it holds the key."""


def _check_name(instance: object, attribute: Any, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a name: use letters, digits and . _ - only, and begin with a letter "
            "or digit"
        )


def _frozen_keys(keys: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return MappingProxyType(dict(keys))


@frozen
class PreSharedKeys:
    """
    Our own name, and the keys that we share with our peers.

    Args:
        name: our own name.
        keys: the key that each peer shares with us, by the peer's name: at least 16 random bytes.

    Raises:
        ConfigurationError: a name has other characters than it may have, or a key is too short to be safe.
    """

    name: str = field(validator=_check_name)
    keys: Mapping[str, bytes] = field(converter=_frozen_keys, repr=False, hash=False)

    @keys.validator
    def _check_keys(self, _: Any, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ConfigurationError("there is no key: give at least one")
        for name, key in keys.items():
            _check_name(self, None, name)
            if len(key) < MIN_KEY:
                raise ConfigurationError(
                    f"the key shared with {name} has {len(key)} bytes: it must have at least {MIN_KEY} "
                    "random bytes, as from: python -c 'import secrets; print(secrets.token_hex())'"
                )

    def of(self, *names: str) -> PreSharedKeys:
        """
        Return a copy that has only the keys of these peers.

        Raises:
            ConfigurationError: no key is shared with one of these peers.
        """
        for name in names:
            if name not in self.keys:
                raise ConfigurationError(
                    f"no key is shared with {name!r}; there are {', '.join(self.keys)}"
                )
        return PreSharedKeys(self.name, {name: self.keys[name] for name in names})

    def proof(self, *, dials: bool) -> Proof:
        """
        Return our side of the exchange for a new connection.

        Args:
            dials: True if we made the connection, False if we accepted it.

        Raises:
            ConfigurationError: we dial, and there are keys of several peers, so that the peer is not known.
        """
        if not dials:
            return AcceptingProof(self)
        if len(self.keys) > 1:
            raise ConfigurationError(
                f"there are keys of {', '.join(self.keys)}: choose the one to dial, by keys.of(name)"
            )
        return DialingProof(self, *self.keys)


def read_keys(path: str | Path, name: str) -> PreSharedKeys:
    """
    Read keys from a file with one line for each peer: its name, white space, the key in hex.

    Raises:
        ConfigurationError: the file cannot be read, a line has another form, or two lines have the same
            name. Messages never show a key.
    """
    try:
        check_secret_file(path)
        text = Path(path).read_text("utf-8-sig")  # some editors write a mark at the begin
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the keys in {path}: {error}") from None
    keys: dict[str, bytes] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not re.fullmatch(r"([0-9A-Fa-f]{2})+", words[1]):
            raise ConfigurationError(
                f"{path}, line {number}: there must be a peer's name and its key in hex"
            )
        peer = words[0]
        if peer in lines:
            raise ConfigurationError(
                f"{path}, line {number}: {peer} already has a key in line {lines[peer]}: remove one of them"
            )
        lines[peer] = number
        keys[peer] = bytes.fromhex(words[1])
    return PreSharedKeys(name, keys)


def _nonce() -> str:
    return secrets.token_hex(32)


def _mac(key: bytes, role: str, dialler: str, acceptor: str, nonces: tuple[str, str]) -> str:
    lines = (VERSION, role, dialler, acceptor, *nonces)
    return hmac.new(key, "".join(f"{line}\n" for line in lines).encode(), sha256).hexdigest()


def _fields(line: bytes, kind: str, count: int) -> list[str]:
    fields = line.decode("ascii", "replace").split(" ")
    if len(fields) != count + 2 or fields[:2] != [VERSION, kind]:
        raise NotProven(f"the peer does not speak {VERSION}: it did not send a proper {kind} line")
    return fields[2:]


def _check_nonce(nonce: str) -> None:
    if not _HEX.fullmatch(nonce):
        raise NotProven("the peer's nonce is not 32 bytes in hex")


class Proof:
    """
    One side of one exchange, on a stream of bytes that may be cut anywhere.

    Args:
        nonce: returns a new nonce; only tests replace it.
    """

    def __init__(self, nonce: Callable[[], str]) -> None:
        self.peer: str | None = None
        """The name of the peer; None until it is proven."""
        self.trailing = b""
        """Bytes that are not read yet. Once the peer is proven, they follow the exchange."""
        self._nonce = nonce()

    def begin(self) -> bytes:
        """Return the bytes to send first, which are none unless this side begins."""
        return b""

    def refuse(self, reason: str) -> bytes:
        """Return the bytes that tell a proven peer why it is refused; a dialler only closes."""
        return b""

    def answer(self, line: bytes) -> bytes:
        """
        Read one line from the peer, without its LF; return the bytes to send.

        Raises:
            NotProven: the peer has another key or name, or it does not speak this protocol.
        """
        raise NotImplementedError

    def feed(self, data: bytes) -> bytes:
        """
        Read bytes from the peer; return the bytes to send.

        Raises:
            NotProven: see :meth:`answer`. A peer that speaks another protocol is noticed before its first
                line ends.
        """
        self.trailing += data
        answers = b""
        while self.peer is None:
            line, ended, rest = self.trailing.partition(b"\n")
            if len(line) > MAX_LINE or not VERSION.startswith(line[: len(VERSION)].decode("latin-1")):
                raise NotProven(f"the peer does not speak {VERSION}")
            if not ended:
                break
            self.trailing = rest
            answers += self.answer(line)
        return answers


class DialingProof(Proof):
    """The dialler's side: the acceptor shares one of the keys with us."""

    def __init__(self, keys: PreSharedKeys, acceptor: str, *, nonce: Callable[[], str] = _nonce) -> None:
        super().__init__(nonce)
        self._name = keys.name
        self._acceptor = acceptor
        self._key = keys.keys[acceptor]
        self._peer_nonce: str | None = None

    def answer(self, line: bytes) -> bytes:
        if self._peer_nonce is None:
            (self._peer_nonce,) = _fields(line, "CHALLENGE", 1)
            _check_nonce(self._peer_nonce)
            return f"{VERSION} PROOF {self._name} {self._nonce} {self._mac('dialler')}\n".encode()
        if line.startswith(_REFUSE):
            raise NotProven(f"the peer refuses us: {line[len(_REFUSE) :].decode('ascii', 'replace')}")
        (mac,) = _fields(line, "ACCEPT", 1)
        if not hmac.compare_digest(mac.encode(), self._mac("acceptor").encode()):
            raise NotProven(f"the peer has another key than {self._acceptor}'s, or another name")
        self.peer = self._acceptor
        return b""

    def _mac(self, role: str) -> str:
        assert self._peer_nonce is not None
        return _mac(self._key, role, self._name, self._acceptor, (self._nonce, self._peer_nonce))


class AcceptingProof(Proof):
    """The acceptor's side: all peers that share a key with us may connect."""

    def __init__(self, keys: PreSharedKeys, *, nonce: Callable[[], str] = _nonce) -> None:
        super().__init__(nonce)
        self._keys = keys

    def refuse(self, reason: str) -> bytes:
        text = reason.encode("ascii", "replace").replace(b"\n", b" ")
        return _REFUSE + text[: MAX_LINE - len(_REFUSE)] + b"\n"

    def begin(self) -> bytes:
        return f"{VERSION} CHALLENGE {self._nonce}\n".encode()

    def answer(self, line: bytes) -> bytes:
        if self.peer is not None:
            raise NotProven("the peer sent another line after the exchange")
        name, peer_nonce, mac = _fields(line, "PROOF", 3)
        _check_nonce(peer_nonce)
        if peer_nonce == self._nonce:
            raise NotProven("the peer's nonce repeats ours")
        # An unknown name takes the same time as a known one, so that the time does not show the names.
        key = self._keys.keys.get(name, b"\0" * MIN_KEY)
        nonces = (peer_nonce, self._nonce)
        expected = _mac(key, "dialler", name, self._keys.name, nonces)
        is_equal = hmac.compare_digest(mac.encode(), expected.encode())
        if name not in self._keys.keys:
            raise NotProven(f"no key is shared with a peer called {name[:64]!r}")
        if not is_equal:
            raise NotProven(
                f"the peer calls itself {name} but has another key, or connects to another name than ours"
            )
        self.peer = name
        return f"{VERSION} ACCEPT {_mac(key, 'acceptor', name, self._keys.name, nonces)}\n".encode()
