r"""
Proof of identity with a pre-shared key, for equipment that cannot do certificates. Without any I/O.

Both sides prove that they hold the same key, before anything else is said. It is *authentication only*:
what follows can still be read, and by somebody in the middle of the connection also changed. Where that
matters, use TLS.

The exchange, in ASCII lines ended by LF, so that any language can do it with its HMAC function. The
side that accepted the TCP connection is the *acceptor*, the side that made it the *dialler*::

    acceptor  ->  TCPCOMM-PSK/1 CHALLENGE <nonce>
    dialler   ->  TCPCOMM-PSK/1 PROOF <dialler's name> <nonce> <mac>
    acceptor  ->  TCPCOMM-PSK/1 ACCEPT <mac>

A nonce is 32 random bytes, fresh for each connection, in hex. A mac is HMAC-SHA256, in hex, under the
key, over these lines, each ended by LF::

    TCPCOMM-PSK/1
    <"dialler" or "acceptor": whose proof it is>
    <dialler's name>
    <acceptor's name>
    <dialler's nonce>
    <acceptor's nonce>

The names are known to both beforehand. The dialler proves itself first, so that who just connects
learns nothing but a nonce. Whoever is not satisfied closes the connection without a word.
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

__all__ = ["AcceptingProof", "DialingProof", "NotProven", "PreSharedKeys", "Proof", "read_keys"]

VERSION: Final = "TCPCOMM-PSK/1"
MIN_KEY: Final = 16
MAX_LINE: Final = 256
"""Bytes of the longest line that is waited for: none of the exchange's is longer."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class NotProven(TcpcommError):
    """The peer did not prove that it holds the key."""


def _check_name(instance: object, attribute: Any, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a name: it has letters, digits and . _ - only, and begins with a letter "
            "or digit"
        )


def _frozen_keys(keys: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return MappingProxyType(dict(keys))


@frozen
class PreSharedKeys:
    """
    Who we are, and the keys that we share with our peers, by their names.

    Args:
        name: our own name.
        keys: for each peer's name the key that is shared with it: random bytes, at least 16.

    Raises:
        ConfigurationError: a name cannot be one, or a key is too short to be safe.
    """

    name: str = field(validator=_check_name)
    keys: Mapping[str, bytes] = field(converter=_frozen_keys, repr=False, hash=False)

    @keys.validator
    def _check_keys(self, _: Any, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ConfigurationError("there is no key")
        for name, key in keys.items():
            _check_name(self, None, name)
            if len(key) < MIN_KEY:
                raise ConfigurationError(
                    f"the key shared with {name} has {len(key)} bytes: it must have at least {MIN_KEY}, "
                    "drawn at random, as by: python -c 'import secrets; print(secrets.token_hex())'"
                )

    def of(self, *names: str) -> PreSharedKeys:
        """
        The same, with the keys of these peers only.

        Raises:
            ConfigurationError: no key is shared with one of them.
        """
        for name in names:
            if name not in self.keys:
                raise ConfigurationError(
                    f"no key is shared with {name!r}; there are {', '.join(self.keys)}"
                )
        return PreSharedKeys(self.name, {name: self.keys[name] for name in names})

    def proof(self, *, dials: bool) -> Proof:
        """
        Our side of the exchange on a new connection, which we made (``dials``) or accepted.

        Raises:
            ConfigurationError: who dials knows whom, but there are keys of several peers.
        """
        if not dials:
            return Proof(AcceptingProof(self))
        if len(self.keys) > 1:
            raise ConfigurationError(
                f"there are keys of {', '.join(self.keys)}: choose the one to dial, by keys.of(name)"
            )
        return Proof(DialingProof(self, *self.keys))


def read_keys(path: str | Path, name: str) -> PreSharedKeys:
    """
    Read keys from a file with one line for each peer: its name, white space, the key in hex.

    Raises:
        ConfigurationError: the file cannot be read, or a line is not of that form. No key is ever shown.
    """
    try:
        text = Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the keys in {path}: {error}") from None
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not re.fullmatch(r"([0-9A-Fa-f]{2})+", words[1]):
            raise ConfigurationError(
                f"{path}, line {number}: there must be a peer's name and its key in hex"
            )
        keys[words[0]] = bytes.fromhex(words[1])
    return PreSharedKeys(name, keys)


def _nonce() -> str:
    return secrets.token_hex(32)


def _mac(key: bytes, role: str, dialler: str, acceptor: str, nonces: tuple[str, str]) -> str:
    lines = (VERSION, role, dialler, acceptor, *nonces)
    return hmac.new(key, "".join(f"{line}\n" for line in lines).encode(), sha256).hexdigest()


def _words(line: bytes, kind: str, count: int) -> list[str]:
    words = line.decode("ascii", "replace").split(" ")
    if len(words) != count + 2 or words[:2] != [VERSION, kind]:
        raise NotProven(f"the peer does not speak {VERSION}: its line should have been {kind}")
    return words[2:]


class DialingProof:
    """
    The dialler's side of one exchange.

    Args:
        keys: our name and the key that is shared with the peer.
        peer: the name of the acceptor we mean to reach.
        nonce: where nonces come from; only tests have another source than the system's.
    """

    def __init__(self, keys: PreSharedKeys, peer: str, *, nonce: Callable[[], str] = _nonce) -> None:
        if peer not in keys.keys:
            raise ConfigurationError(f"no key is shared with {peer!r}")
        self.peer = peer
        self.proven = False
        """Whether the peer has proven that it holds the key."""
        self._name = keys.name
        self._key = keys.keys[peer]
        self._nonce = nonce()
        self._theirs: str | None = None

    def begin(self) -> bytes:
        """What to send first: nothing, the acceptor begins."""
        return b""

    def line(self, line: bytes) -> bytes:
        """
        Take one line from the peer, without its LF; return what to send, LF included.

        Raises:
            NotProven: the peer holds another key, or none, or is somebody else.
        """
        if self._theirs is None:
            (theirs,) = _words(line, "CHALLENGE", 1)
            if not _HEX.fullmatch(theirs):
                raise NotProven("the peer's nonce is none")
            self._theirs = theirs
            mac = self._mac("dialler")
            return f"{VERSION} PROOF {self._name} {self._nonce} {mac}\n".encode()
        (mac,) = _words(line, "ACCEPT", 1)
        if not hmac.compare_digest(mac.encode(), self._mac("acceptor").encode()):
            raise NotProven(f"the peer has another key than {self.peer}'s, or another name")
        self.proven = True
        return b""

    def _mac(self, role: str) -> str:
        assert self._theirs is not None
        return _mac(self._key, role, self._name, self.peer, (self._nonce, self._theirs))


class AcceptingProof:
    """
    The acceptor's side of one exchange.

    Args:
        keys: our name and the keys of all peers that may come.
        nonce: where nonces come from; only tests have another source than the system's.
    """

    def __init__(self, keys: PreSharedKeys, *, nonce: Callable[[], str] = _nonce) -> None:
        self.peer: str | None = None
        """The name of the peer, once it is proven."""
        self.proven = False
        """Whether the peer has proven that it holds its key."""
        self._keys = keys
        self._nonce = nonce()

    def begin(self) -> bytes:
        """What to send first."""
        return f"{VERSION} CHALLENGE {self._nonce}\n".encode()

    def line(self, line: bytes) -> bytes:
        """
        Take one line from the peer, without its LF; return what to send, LF included.

        Raises:
            NotProven: the peer holds another key, or none; or it repeats our own nonce.
        """
        if self.proven:
            raise NotProven("the peer goes on after the exchange")
        name, theirs, mac = _words(line, "PROOF", 3)
        if not _HEX.fullmatch(theirs) or theirs == self._nonce:
            raise NotProven("the peer's nonce is none, or is ours")
        # For an unknown name the same work is done, so that time does not tell which names exist.
        key = self._keys.keys.get(name, b"\0" * MIN_KEY)
        nonces = (theirs, self._nonce)
        right = hmac.compare_digest(
            mac.encode(), _mac(key, "dialler", name, self._keys.name, nonces).encode()
        )
        if name not in self._keys.keys:
            raise NotProven(f"no key is shared with a peer called {name[:64]!r}")
        if not right:
            raise NotProven(f"the peer calls itself {name} but has another key, or seeks another than us")
        self.peer, self.proven = name, True
        return f"{VERSION} ACCEPT {_mac(key, 'acceptor', name, self._keys.name, nonces)}\n".encode()


class Proof:
    """
    One side's part of the exchange, on a stream of bytes that may be cut anywhere.

    Args:
        side: what answers each line.
    """

    def __init__(self, side: DialingProof | AcceptingProof) -> None:
        self._side = side
        self.trailing = b""
        """What has come and is not dealt with; once the peer is proven, what comes after the exchange."""

    @property
    def peer(self) -> str | None:
        """The name of the peer, once it is proven."""
        return self._side.peer if self._side.proven else None

    def begin(self) -> bytes:
        """What to send first."""
        return self._side.begin()

    def feed(self, data: bytes) -> bytes:
        """
        Take bytes from the peer; return what to send.

        Raises:
            NotProven: see :meth:`DialingProof.line` and :meth:`AcceptingProof.line`. A peer that speaks something
                else is found out before it ends a line.
        """
        self.trailing += data
        answers = b""
        while not self._side.proven:
            line, ended, rest = self.trailing.partition(b"\n")
            if len(line) > MAX_LINE or not VERSION.startswith(line[: len(VERSION)].decode("latin-1")):
                raise NotProven(f"the peer does not speak {VERSION}")
            if not ended:
                break
            self.trailing = rest
            answers += self._side.line(line)
        return answers
