"""The reasons of brokers and sockets, in words that say what to do."""

from __future__ import annotations

import socket
import ssl
from typing import Final

TAKEN_OVER: Final = 0x8E
"""The reason with which a broker of MQTT 5 ends a session that another client took over."""

_REFUSALS: Final = {
    0x80: "the broker refused the connection and gave no reason: read the broker's log",
    0x81: "the broker could not read the request: read the broker's log",
    0x82: "the broker found an error in the protocol: read the broker's log",
    0x84: "the broker does not know this version of MQTT: set version = {other}",
    0x85: "the broker does not accept the client id {client!r}: set client_id to another one",
    0x86: "the broker does not accept the user name or the password: check username and password",
    0x87: "the broker does not authorize this client: check username and password, and its access list",
    0x88: "the broker is not available: read its log",
    0x89: "the broker is busy",
    0x8A: "the broker has banned this client: ask its administrator",
    0x8B: "the broker is shutting down",
    0x8C: "the broker wants another way of authentication, which tcpcomm does not have",
    0x8D: "the broker heard nothing for too long: check the network, or raise keepalive",
    0x8E: "another client is called {client!r} and took over the session: give each gateway its own name",
    0x90: "the broker does not accept the topic: check prefix",
    0x93: "the broker got more messages at once than it allows",
    0x94: "the broker does not know a topic alias",
    0x95: "the broker got a packet larger than it allows: raise its limit (mosquitto: max_packet_size)",
    0x96: "the broker gets messages faster than it allows: raise its limit",
    0x97: "the broker's quota is used up: raise its limit",
    0x98: "the broker's administrator ended the connection",
    0x99: "the broker does not accept the content of a message",
    0x9A: "the broker stores no retained messages: set retain = false",
    0x9B: "the broker does not accept messages with confirmation (QoS 1): use another broker",
    0x9C: "the broker asks to use another server: change host",
    0x9D: "the broker has moved: change host",
    0x9F: "the broker accepts no more connections at this rate",
}

_OF_PUBLICATIONS: Final = {
    0x83: "the broker does not take this message, for a reason of its own: read its log",
    0x87: "the broker does not allow this client to publish to {topic!r}: change its access list",
    0x90: "the broker does not accept the topic {topic!r}",
    0x99: "the broker does not accept the content of this message: it is not what its properties say",
}


def refusal_text(code: int, client: str, version: str, detail: str = "") -> str:
    """
    Return the reason with which a broker refused or ended a connection, in words.

    Args:
        code: the reason code of MQTT 5.
        client: the client id.
        version: the version of MQTT that the client speaks.
        detail: the broker's own words.
    """
    other = '"3.1.1"' if version == "5" else '"5"'
    text = _REFUSALS.get(code, f"the broker ended the connection, reason 0x{code:02X}: read its log")
    text = text.format(client=client, other=other)
    return f"{text} (the broker says: {detail})" if detail else text


def publication_refusal(code: int, topic: str, detail: str = "") -> str | None:
    """
    Return the reason why a broker refused one message, or None if the broker itself is in trouble.

    Args:
        code: the reason code of MQTT 5, at least 0x80.
        topic: the topic of the message.
        detail: the broker's own words.
    """
    text = _OF_PUBLICATIONS.get(code)
    if text is None:
        return None
    text = text.format(topic=topic)
    return f"{text} (the broker says: {detail})" if detail else text


def connect_failure(error: BaseException, host: str, port: int, uses_tls: bool) -> str:
    """Return the reason why no connection was made, in words that say what to do."""
    place = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", "") or str(error)
        return (
            f"the certificate of {place} is not trusted: {reason}: "
            "set ca_file to the certificate of its authority, and host to a name in its certificate"
        )
    if isinstance(error, ssl.SSLError):
        reason = (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
        return f"{place} does not speak TLS as expected ({reason}): check port, and the broker's listener"
    if isinstance(error, socket.gaierror):
        return f"the name {host!r} has no address: check host, or the name server"
    if isinstance(error, TimeoutError):
        hint = "; if it speaks no TLS, remove tls" if uses_tls else ""
        return f"{place} does not answer: check cable, power, address and firewall{hint}"
    if isinstance(error, ConnectionRefusedError):
        return f"no program listens on {place}: start the broker, or check host and port"
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        hint = ": check that this port speaks TLS" if uses_tls else ""
        return f"{place} closed the connection{hint}"
    return f"{place} cannot be reached: {error}"
