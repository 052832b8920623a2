"""Wrong handshakes and records of TLS. Numbers 701 to 749."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterable
from contextlib import suppress

from tcpcomm.testing.hostile import hello
from tcpcomm.testing.hostile.case import CLOSED, OTHERS_SERVED, case
from tcpcomm.testing.hostile.connection import OPEN, Connection
from tcpcomm.testing.hostile.target import ANSWERED, CannotConnect, Target
from tcpcomm.testing.hostile.verdict import TLS, NotRun, wrong

_TLS = (TLS,)
_REFUSED = "an alert or the end, and no ServerHello"


def _offer(target: Target, data: bytes) -> str:
    """Send a first flight. Return ``taken`` if a ServerHello came, else ``refused``."""
    with target.connect() as peer:
        peer.send(data)
        peer.receive_until(
            lambda received: hello.HANDSHAKE in hello.record_kinds(received), within=target.options.within
        )
        kinds = hello.record_kinds(bytes(peer.received))
        if hello.HANDSHAKE in kinds:
            return "taken"
        if hello.ALERT not in kinds and peer.state is OPEN and peer.end(within=3.0) is OPEN:
            wrong("neither answered a ClientHello nor closed the connection")
        return "refused"


def _must_refuse(target: Target, version: int, ciphers: Iterable[int], what: str) -> None:
    if _offer(target, hello.client_hello(version, ciphers)) == "taken":
        wrong(f"takes {what}")


@case(
    701, "modern ClientHello", kinds=_TLS, sends="TLS 1.2 with AES-GCM and ChaCha20", right="a ServerHello"
)
def modern(target: Target) -> str | None:
    """Offer good ciphers, to know that the other cases mean something."""
    if _offer(target, hello.client_hello()) == "taken":
        return None
    return "refused: the target may speak TLS 1.3 only, or need ciphers for another kind of key"


@case(702, "SSL 3.0", kinds=_TLS, sends="a ClientHello of SSL 3.0", right=_REFUSED)
def ssl_3(target: Target) -> None:
    """Offer SSL 3.0, which was broken in 2014."""
    _must_refuse(target, hello.SSL_3, (*hello.STATIC_RSA, *hello.CBC), "SSL 3.0")


@case(703, "TLS 1.0", kinds=_TLS, sends="a ClientHello of TLS 1.0", right=_REFUSED)
def tls_1_0(target: Target) -> None:
    """Offer TLS 1.0, which RFC 8996 forbids."""
    _must_refuse(target, hello.TLS_1_0, (*hello.CBC, *hello.STATIC_RSA), "TLS 1.0, which RFC 8996 forbids")


@case(704, "TLS 1.1", kinds=_TLS, sends="a ClientHello of TLS 1.1", right=_REFUSED)
def tls_1_1(target: Target) -> None:
    """Offer TLS 1.1, which RFC 8996 forbids."""
    _must_refuse(target, hello.TLS_1_1, (*hello.CBC, *hello.STATIC_RSA), "TLS 1.1, which RFC 8996 forbids")


@case(705, "CBC only", kinds=_TLS, sends="TLS 1.2 with AES in CBC mode only", right=_REFUSED)
def cbc(target: Target) -> None:
    """Offer only ciphers in CBC mode, which have a long history of padding attacks."""
    _must_refuse(target, hello.TLS_1_2, hello.CBC, "ciphers in CBC mode")


@case(706, "no forward secrecy", kinds=_TLS, sends="TLS 1.2 with key transport by RSA", right=_REFUSED)
def static_rsa(target: Target) -> None:
    """Offer only ciphers whose recorded sessions can be read when the key is stolen later."""
    _must_refuse(target, hello.TLS_1_2, hello.STATIC_RSA, "ciphers without forward secrecy")


@case(707, "no encryption", kinds=_TLS, sends="TLS 1.2 with NULL ciphers", right=_REFUSED)
def null_ciphers(target: Target) -> None:
    """Offer only ciphers that encrypt nothing."""
    _must_refuse(target, hello.TLS_1_2, hello.NULL, "ciphers that encrypt nothing")


@case(708, "no certificate", kinds=_TLS, sends="TLS 1.2 with anonymous ciphers", right=_REFUSED)
def anonymous(target: Target) -> None:
    """Offer only ciphers in which the target proves nothing."""
    _must_refuse(target, hello.TLS_1_2, hello.ANONYMOUS, "ciphers without a certificate")


@case(709, "export ciphers", kinds=_TLS, sends="TLS 1.2 with 40-bit ciphers", right=_REFUSED)
def export(target: Target) -> None:
    """Offer only the weak ciphers of the nineties."""
    _must_refuse(target, hello.TLS_1_2, hello.EXPORT, "export ciphers")


@case(710, "3DES", kinds=_TLS, sends="TLS 1.2 with 3DES", right=_REFUSED)
def triple_des(target: Target) -> None:
    """Offer only 3DES, whose blocks are too small."""
    _must_refuse(target, hello.TLS_1_2, hello.TRIPLE_DES, "3DES")


@case(711, "no ciphers", kinds=_TLS, sends="a ClientHello without a cipher", right=_REFUSED)
def no_ciphers(target: Target) -> None:
    """Offer no cipher at all."""
    _must_refuse(target, hello.TLS_1_2, (), "a ClientHello without a cipher")


@case(
    712,
    "compression",
    kinds=_TLS,
    sends="a ClientHello that offers DEFLATE",
    right="no compression is chosen",
)
def compression(target: Target) -> None:
    """Offer compression, which makes secrets readable from lengths."""
    with target.connect() as peer:
        peer.send(hello.client_hello(compression=b"\1\0"))
        peer.receive(target.options.within)
        data = bytes(peer.received)
        if hello.HANDSHAKE in hello.record_kinds(data) and len(data) > 44:
            at = 5 + 4 + 2 + 32
            chosen = data[at + 1 + data[at] + 2]
            if chosen != 0:
                wrong("chose compression")


@case(713, "odd server names", kinds=_TLS, sends="names of 0, 1 and 255 bytes, NULs, paths",
      right="a ServerHello, an alert or the end")  # fmt: skip
def odd_names(target: Target) -> None:
    """Ask for server names that are none."""
    for name in (b"", b".", b"a" * 255, b"a\0b", b"../x", b"\xff\xfe", b"127.0.0.1", b"*"):
        _offer(target, hello.client_hello(server_name=name))


@case(
    714,
    "no server name",
    kinds=_TLS,
    sends="a ClientHello without a server name",
    right="ServerHello, or told",
)
def no_name(target: Target) -> str | None:
    """Leave out the server's name, as a client does that connects to an address."""
    state = _offer(target, hello.client_hello(server_name=None))
    return None if state == "taken" else state


@case(
    715,
    "unknown extensions",
    kinds=_TLS,
    sends="extensions that nobody knows",
    right="a ServerHello, or told",
)
def unknown_extensions(target: Target) -> str | None:
    """Send extensions with numbers that nobody has, as browsers do to keep servers honest."""
    extra = bytes.fromhex("0a0a0000 1a1a000400000000 fafa0001ff")
    state = _offer(target, hello.client_hello(extra=extra))
    return None if state == "taken" else state


@case(716, "garbage", kinds=_TLS, sends="random bytes", right=CLOSED)
def garbage(target: Target) -> None:
    """Send bytes that are not a record."""
    for data in (b"\0" * 64, b"\xff" * 64, bytes(range(256))):
        with target.connect() as peer:
            peer.send(data)
            target.must_close(peer)


@case(717, "plain text at a TLS port", kinds=_TLS, sends="a request without TLS", right=CLOSED)
def plain_text(target: Target) -> None:
    """Send a good request without TLS: it must not be carried out."""
    with target.connect() as peer:
        peer.send(target.request().wire * 3)
        target.must_close(peer)
        target.must_not_answer(peer)


@case(718, "HTTP at a TLS port", kinds=_TLS, sends="GET / HTTP/1.1", right=CLOSED)
def http(target: Target) -> None:
    """Send a browser's request without TLS."""
    with target.connect() as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        target.must_close(peer)


@case(719, "half a handshake", kinds=_TLS, sends="a ClientHello, then nothing", waits=True, right=CLOSED)
def half_handshake(target: Target) -> None:
    """Begin a handshake and do not go on."""
    with target.connect() as peer:
        peer.send(hello.client_hello())
        target.must_close(peer)


@case(720, "half a ClientHello", kinds=_TLS, sends="20 bytes of a ClientHello", waits=True, right=CLOSED)
def half_hello(target: Target) -> None:
    """Send the first bytes of a ClientHello."""
    with target.connect() as peer:
        peer.send(hello.client_hello()[:20])
        target.must_close(peer)


@case(
    721,
    "slow ClientHello",
    kinds=_TLS,
    sends="a ClientHello, one byte each 0.2 s",
    waits=True,
    right=CLOSED,
)
def slow_hello(target: Target) -> None:
    """Send a ClientHello so slowly that it never ends in time."""
    with target.connect() as peer:
        for byte in hello.client_hello():
            if not peer.send(bytes([byte])):
                return
            peer.receive(0.2)
            if peer.state is not OPEN:
                return
        target.must_close(peer)


@case(722, "half close in the handshake", kinds=_TLS, sends="a ClientHello, FIN", right=CLOSED)
def half_close(target: Target) -> None:
    """Close the sending direction behind a ClientHello."""
    with target.connect() as peer:
        peer.send(hello.client_hello())
        peer.finish()
        target.must_close(peer)


@case(723, "reset in the handshake", kinds=_TLS, sends="a ClientHello, RST, 100 times", right=OTHERS_SERVED)
def reset(target: Target) -> None:
    """Reset a hundred connections inside the handshake."""
    for _ in range(100):
        with suppress(CannotConnect), target.connect() as peer:
            peer.send(hello.client_hello())
            peer.reset()


@case(724, "200 handshakes", kinds=_TLS, sends="200 ClientHellos", right=OTHERS_SERVED)
def many_handshakes(target: Target) -> None:
    """Make the target compute two hundred key exchanges and use none."""
    for _ in range(200):
        with suppress(CannotConnect), target.connect() as peer:
            peer.send(hello.client_hello())
            peer.receive(0.05)


@case(725, "record too long", kinds=_TLS, sends="a record that announces 65,535 bytes", right=CLOSED)
def record_too_long(target: Target) -> None:
    """Announce a record that is longer than TLS allows, and send it."""
    with target.connect() as peer:
        peer.send(b"\x16\x03\x01\xff\xff" + b"\1" * 65535)
        target.must_close(peer)


@case(726, "flood of empty records", kinds=_TLS, sends="10,000 empty handshake records", right=CLOSED)
def empty_records(target: Target) -> None:
    """Send ten thousand records without content."""
    with target.connect() as peer:
        peer.send(hello.record(hello.HANDSHAKE, b"") * 10_000)
        target.must_close(peer)


@case(
    727,
    "flood of ChangeCipherSpec",
    kinds=_TLS,
    sends="a ClientHello, 10,000 ChangeCipherSpec",
    right=CLOSED,
)
def change_cipher_spec(target: Target) -> None:
    """Send ten thousand times the record that TLS 1.3 ignores."""
    with target.connect() as peer:
        peer.send(hello.client_hello() + hello.record(hello.CHANGE_CIPHER_SPEC, b"\1") * 10_000)
        target.must_close(peer)


@case(728, "early ChangeCipherSpec", kinds=_TLS, sends="ChangeCipherSpec before keys exist", right=CLOSED)
def early_change(target: Target) -> None:
    """Send ChangeCipherSpec and data before the keys exist, which once made servers use empty keys."""
    with target.connect() as peer:
        peer.send(hello.client_hello())
        peer.receive(target.options.within)
        change = hello.record(hello.CHANGE_CIPHER_SPEC, b"\1")
        peer.send(change + hello.record(hello.HANDSHAKE, b"\x14\0\0\x0c" + b"\0" * 12))
        target.must_close(peer)


@case(729, "flood of alerts", kinds=_TLS, sends="10,000 warnings", right=CLOSED)
def alerts(target: Target) -> None:
    """Send ten thousand warnings inside a handshake."""
    with target.connect() as peer:
        peer.send(hello.client_hello() + hello.record(hello.ALERT, b"\1\x5a") * 10_000)
        target.must_close(peer)


@case(730, "data before the handshake", kinds=_TLS, sends="a record of application data", right=CLOSED)
def early_data(target: Target) -> None:
    """Send a request in a record of application data before any key exists."""
    with target.connect() as peer:
        peer.send(hello.record(hello.APPLICATION_DATA, target.request().wire))
        target.must_close(peer)
        target.must_not_answer(peer)


@case(
    731,
    "Heartbleed",
    kinds=_TLS,
    sends="a heartbeat that announces 16 KiB",
    right="no heartbeat comes back",
)
def heartbleed(target: Target) -> None:
    """Ask for more bytes back than were sent."""
    with target.connect() as peer:
        peer.send(hello.client_hello(extra=bytes.fromhex("000f000101")))
        peer.receive(target.options.within)
        peer.send(hello.record(24, bytes.fromhex("014000")))
        peer.end(within=1.0)
        if 24 in hello.record_kinds(bytes(peer.received)):
            wrong("answered a heartbeat that asks for more than it sent")


@case(732, "ClientHello in small records", kinds=_TLS, sends="a ClientHello in records of 5 bytes",
      right="a ServerHello, an alert or the end")  # fmt: skip
def small_records(target: Target) -> str:
    """Cut a ClientHello into records of five bytes."""
    body = hello.client_hello()[5:]
    pieces = (body[at : at + 5] for at in range(0, len(body), 5))
    return _offer(target, b"".join(hello.record(hello.HANDSHAKE, piece, hello.TLS_1_0) for piece in pieces))


@case(733, "close without close_notify", kinds=_TLS, sends="a request, then FIN without an alert",
      right=OTHERS_SERVED)  # fmt: skip
def no_close_notify(target: Target) -> None:
    """Ask, then close TCP without the end of TLS, as most programs do."""
    for _ in range(10):
        with target.open() as peer:
            if target.ask(peer) != ANSWERED:
                wrong("did not answer")


@case(734, "garbage inside a session", kinds=_TLS, sends="a good session, then bytes that are no record",
      right=CLOSED)  # fmt: skip
def garbage_inside(target: Target) -> None:
    """Send bytes without encryption on a session that is encrypted."""
    with target.open() as peer:
        if target.ask(peer) != ANSWERED:
            wrong("did not answer")
        raw = Connection(_detached(peer))
        with raw:
            raw.send(hello.record(hello.APPLICATION_DATA, b"\0" * 64))
            target.must_close(raw)


def _detached(peer: Connection) -> ssl.socket:  # type: ignore[name-defined]
    import socket  # noqa: PLC0415 - one case

    return socket.socket(fileno=peer.socket.detach())


@case(735, "renegotiation", kinds=_TLS, sends="a TLS 1.2 session that renegotiates", right="it is refused")
def renegotiation(target: Target) -> str | None:
    """Ask for a new handshake inside a session of TLS 1.2: it costs the target more than the peer."""
    try:
        from OpenSSL import SSL  # noqa: PLC0415 - the extra tls has it
    except ImportError:
        raise NotRun("renegotiation needs pyOpenSSL: pip install tcpcomm[tls]") from None
    with warnings.catch_warnings(), target.connect() as peer:
        warnings.simplefilter("ignore", DeprecationWarning)
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        if target.options.certificate is not None and target.options.private_key is not None:
            context.use_certificate_file(target.options.certificate)
            context.use_privatekey_file(target.options.private_key)
        secured = SSL.Connection(context, peer.socket)
        peer.socket.setblocking(True)
        peer.socket.settimeout(None)
        secured.set_connect_state()
        try:
            secured.do_handshake()
        except SSL.Error as error:
            return f"no session of TLS 1.2: {error}"
        try:
            secured.renegotiate()
            secured.do_handshake()
            secured.send(target.request().wire)
            secured.recv(1)
        except SSL.Error:
            return None
        return None if secured.total_renegotiations() == 0 else wrong("renegotiated")


@case(736, "no client certificate", kinds=_TLS, sends="a handshake without a certificate",
      right="refused if --certificate was given, else told")  # fmt: skip
def no_certificate(target: Target) -> str | None:
    """Connect without a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    answered = False
    with target.connect() as peer, suppress(OSError, ssl.SSLError):
        peer.socket.settimeout(2.0)
        peer.socket = context.wrap_socket(peer.socket)
        answered = target.ask(peer) == ANSWERED
    if not answered:
        return None
    if target.options.certificate is not None:
        wrong("served a client without a certificate")
    return "no client certificate is demanded"


@case(737, "tickets and versions", kinds=_TLS, sends="sessions of TLS 1.2 and of TLS 1.3", right="told")
def versions(target: Target) -> str:
    """Connect with each good version of TLS."""
    found = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = target.tls_context()
        context.minimum_version = context.maximum_version = version
        with target.connect() as peer:
            peer.socket.settimeout(2.0)
            with suppress(OSError, ssl.SSLError):
                peer.socket = context.wrap_socket(peer.socket, server_hostname="localhost")
                if target.ask(peer) == ANSWERED:
                    cipher = peer.socket.cipher()
                    found.append(f"{version.name} ({cipher[0] if cipher else 'no cipher'})")
    if not found:
        wrong("speaks neither TLS 1.2 nor TLS 1.3")
    return ", ".join(found)
