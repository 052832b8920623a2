"""The facts about a target that the suite needs: :class:`TargetOptions`, with defaults for each kind."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import DEFAULT_MAX_FRAME, Framing
from tcpcomm.framing.delimited import Delimited, Lines
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.framing.notation import parse_framing
from tcpcomm.testing.hostile.verdict import BINARY, ECHO, JSON, JSON_RPC, KINDS, LENGTH, LENGTH_BASED

_LARGEST: Final = 2**31

_FRAMINGS: Final = {ECHO: r"delimited:\r\n", LENGTH: "length:4", BINARY: "length:2"}

_ASK: Final = {
    ECHO: "hello",
    JSON: '{"cmd":"ping"}',
    JSON_RPC: '{"jsonrpc":"2.0","method":"ping","id":1}',
    BINARY: "hex:01",
}
_EXPECT: Final = {ECHO: "hello", JSON: '"result"', JSON_RPC: '"result"', BINARY: "hex:01"}


def message_bytes(text: str) -> bytes:
    r"""
    Read a message from its text form: ``PING``, or ``hex:01 00 ff`` for bytes.

    Raises:
        ConfigurationError: the hexadecimal digits are wrong.
    """
    if not text.startswith("hex:"):
        return text.encode()
    try:
        return bytes.fromhex(text[4:])
    except ValueError as error:
        raise ConfigurationError(f"{text!r} must be hexadecimal digits behind hex: ({error})") from None


@frozen(kw_only=True)
class TargetOptions:
    """
    A target, and one request that it answers.

    Args:
        ask: the request, without its framing.
        expect: a part of the reply to it, without its framing; its first bytes for the kind binary.
        framing: how the target cuts messages, in the notation of framings.
        max_frame: the longest message that the target accepts; None: it is not known.
        patience: the seconds in which a target must have dropped a peer that does nothing right.
        within: the seconds in which another peer must be served, whatever a hostile one does.
        keys: names and keys for the kind psk. The first is the attacker's, the second and the third are
            those of the peers that must be served.
        server: the target's name for the kind psk.
        ca: a PEM file of the authority that signed the target's certificate; None: it is not verified.
        certificate: a PEM file of a client certificate.
        private_key: its key.
        pid: the target's process number on this machine.
        bystander_from: the address from which the peers connect that must be served.

    Raises:
        ConfigurationError: an option cannot be right.
    """

    host: str
    port: int
    kind: str = field()
    ask: bytes
    expect: bytes
    framing: Framing
    max_frame: int | None = None
    patience: float = 12.0
    within: float = 1.0
    keys: tuple[tuple[str, bytes], ...] = ()
    server: str = ""
    ca: str | None = None
    certificate: str | None = None
    private_key: str | None = None
    pid: int | None = None
    bystander_from: str | None = None

    @property
    def limit(self) -> int:
        """The longest message of the target, or the usual one if it is not known."""
        return DEFAULT_MAX_FRAME if self.max_frame is None else self.max_frame

    def json_ask(self) -> dict[str, Any]:
        """Return the request as a JSON object."""
        made: dict[str, Any] = json.loads(self.ask)
        return made


def target_options(
    address: str,
    kind: str,
    *,
    ask: str | None = None,
    expect: str | None = None,
    framing: str | None = None,
    **others: Any,
) -> TargetOptions:
    """
    Return the options of a target, with the defaults of its kind.

    Raises:
        ConfigurationError: an option cannot be right.
    """
    host, port = _address(address)
    if kind not in KINDS:
        raise ConfigurationError(f"--kind must be {', '.join(KINDS)}, not {kind!r}")
    found = parse_framing(framing or _FRAMINGS.get(kind, "lines"))
    wanted = LengthPrefixed if kind in LENGTH_BASED else Delimited | Lines
    if not isinstance(found, wanted):
        usual = _FRAMINGS.get(kind, "lines")
        raise ConfigurationError(f"--framing {framing} does not fit --kind {kind}: use one such as {usual}")
    asked = message_bytes(ask if ask is not None else _ASK.get(kind, "PING"))
    expected = message_bytes(expect if expect is not None else _EXPECT.get(kind, "PONG"))
    if kind in (JSON, JSON_RPC):
        _check_json(asked, kind)
    if isinstance(found, LengthPrefixed):
        room = 10 if found.form == "decimal" else 16 if found.form == "hex" else 256
        most = room**found.width - 1
        behind = most + found.adjust + found.header - found.strip  # the length may count the header, too
        found = evolve(found, max_frame=min(_LARGEST, most, behind))
    else:
        found = evolve(found, max_frame=_LARGEST)
    if others.get("bystander_from") is None and host in ("127.0.0.1", "localhost"):
        others["bystander_from"] = "127.0.0.2"
    return TargetOptions(
        host=host, port=port, kind=kind, ask=asked, expect=expected, framing=found, **others
    )


def key_option(text: str) -> tuple[str, bytes]:
    """
    Read NAME=HEX.

    Raises:
        ConfigurationError: the text has another form. The error does not show the key.
    """
    name, _, key = text.partition("=")
    if not name or not re.fullmatch(r"([0-9A-Fa-f]{2})+", key):
        raise ConfigurationError("--key must be a name, = and the key in hexadecimal: robot-1=00ff…")
    return name, bytes.fromhex(key)


def _address(text: str) -> tuple[str, int]:
    if text.startswith("tcp:"):
        raise ConfigurationError(f"the target must be HOST:PORT, without tcp:, not {text!r}")
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ConfigurationError(f"the target must be HOST:PORT, such as 127.0.0.1:9999, not {text!r}")
    return host.strip("[]"), int(port)


def _check_json(ask: bytes, kind: str) -> None:
    try:
        message = json.loads(ask)
    except ValueError as error:
        raise ConfigurationError(f"--ask must be JSON for --kind {kind}: {error}") from None
    if type(message) is not dict or (kind == JSON_RPC and "method" not in message):
        raise ConfigurationError(f"--ask must be one JSON object, with a method for {JSON_RPC}")
