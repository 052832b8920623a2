"""Other protocols at the port: browsers, TLS, SSH, scanners. Numbers 151 to 199."""

from __future__ import annotations

from time import sleep

from tcpcomm.testing.hostile.case import SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.connection import OPEN
from tcpcomm.testing.hostile.hello import client_hello
from tcpcomm.testing.hostile.target import ANSWERED, Target
from tcpcomm.testing.hostile.verdict import ECHO, LINE_BASED, PLAIN, wrong

_NOT_CARRIED_OUT = "the connection is closed, or nothing behind the first line is carried out"


def _browser(target: Target, head: str, kind: str) -> str | None:
    """Send an HTTP request that holds a good request in its body. Only an echo may come back."""
    with target.open() as peer:
        request = target.request()
        body = b"x=1\r\n" + request.wire
        length = f"Content-Length: {len(body)}\r\n" if kind == "body" else ""
        peer.send(f"{head}\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n{length}\r\n".encode() + body)
        peer.receive_until(
            lambda data: target.count_replies(data, request) > 0, within=target.options.within / 2
        )
        if target.count_replies(bytes(peer.received), request) == 0:
            return None
        return _carried_out(target)


def _carried_out(target: Target) -> str:
    if target.kind == ECHO:
        return "the body of a browser's request came back, as everything does"
    return wrong("carried out a request in the body of a browser's request: any web page can send one")


@case(151, "HTTP GET", kinds=PLAIN, sends="GET / HTTP/1.1 with a request behind it", right=_NOT_CARRIED_OUT)
def http_get(target: Target) -> str | None:
    """Send a browser's GET with a good request behind the header."""
    return _browser(target, "GET / HTTP/1.1", "body")


@case(152, "HTTP POST", kinds=PLAIN, sends="POST / HTTP/1.1, a request as body", right=_NOT_CARRIED_OUT)
def http_post(target: Target) -> str | None:
    """Send a form as a web page does, with a good request as its text."""
    return _browser(target, "POST / HTTP/1.1", "body")


@case(153, "HTTP PUT", kinds=PLAIN, sends="PUT /x HTTP/1.1, a request as body", right=_NOT_CARRIED_OUT)
def http_put(target: Target) -> str | None:
    """Send a PUT with a good request as its text."""
    return _browser(target, "PUT /x HTTP/1.1", "body")


@case(154, "HTTP OPTIONS", kinds=PLAIN, sends="OPTIONS * HTTP/1.1", right=_NOT_CARRIED_OUT)
def http_options(target: Target) -> str | None:
    """Send the question that a browser asks before a request to another site."""
    return _browser(target, "OPTIONS * HTTP/1.1", "no body")


@case(155, "HTTP CONNECT", kinds=PLAIN, sends="CONNECT host:443 HTTP/1.1", right=_NOT_CARRIED_OUT)
def http_connect(target: Target) -> str | None:
    """Ask to be passed on to another host, as a proxy is asked."""
    return _browser(target, "CONNECT example.com:443 HTTP/1.1", "no body")


@case(156, "HTTP/0.9", kinds=PLAIN, sends="GET / without a version, then a request", waits=True)
def http_09(target: Target) -> str | None:
    """Send the oldest form of a GET, then a good request."""
    return _garbage(target, b"GET /\r\n")


@case(157, "HTTP/2 preface", kinds=PLAIN, sends="PRI * HTTP/2.0", right=_NOT_CARRIED_OUT)
def http2(target: Target) -> str | None:
    """Send the first bytes of HTTP/2 without TLS."""
    return _browser(target, "PRI * HTTP/2.0\r\n\r\nSM", "no body")


@case(158, "WebSocket", kinds=PLAIN, sends="GET with Upgrade: websocket", right=_NOT_CARRIED_OUT)
def websocket(target: Target) -> str | None:
    """Ask for a WebSocket, with a good request behind the header."""
    return _browser(target, "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade", "body")


@case(159, "HTTP in pieces", kinds=LINE_BASED, sends="POST, cut into packets", right=_NOT_CARRIED_OUT)
def http_in_pieces(target: Target) -> str | None:
    """Send the first line of a POST in three packets, then a good request as its body."""
    with target.open() as peer:
        request = target.request()
        for part in (b"PO", b"ST / HT", b"TP/1.1\r\nHost: a\r\n\r\n", request.wire):
            peer.send(part)
            sleep(0.01)
        peer.receive_until(
            lambda data: target.count_replies(data, request) > 0, within=target.options.within / 2
        )
        if target.count_replies(bytes(peer.received), request) == 0:
            return None
        return _carried_out(target)


def _garbage(target: Target, data: bytes) -> str | None:
    """Send another protocol's first bytes, end the line, and ask. A binary target may wait for more."""
    with target.open() as peer:
        if target.kind in LINE_BASED:
            peer.send(data + target.delimiter)
            if target.ask(peer) == ANSWERED:
                return None
        else:
            peer.send(data)
        state = peer.end(within=target.options.patience)
        if state is OPEN and peer.received:
            return f"took it for a message, and answered {bytes(peer.received[:20])!r}"
        if state is OPEN:
            wrong(f"waits for the rest of a foreign message for {target.options.patience:g} s")
        return None


@case(160, "TLS ClientHello", kinds=PLAIN, sends="a ClientHello of TLS 1.2", waits=True)
def tls_hello(target: Target) -> str | None:
    """Begin TLS at a port that does not speak it."""
    return _garbage(target, client_hello())


@case(161, "SSH banner", kinds=PLAIN, sends="SSH-2.0-OpenSSH_9.6", waits=True)
def ssh(target: Target) -> str | None:
    """Send the banner of an SSH client."""
    return _garbage(target, b"SSH-2.0-OpenSSH_9.6\r\n")


@case(162, "SMTP", kinds=PLAIN, sends="EHLO, MAIL FROM", waits=True)
def smtp(target: Target) -> str | None:
    """Speak as a mail program does."""
    return _garbage(target, b"EHLO example.com\r\nMAIL FROM:<a@example.com>\r\n")


@case(163, "Redis", kinds=PLAIN, sends="*1 CRLF $4 CRLF PING CRLF", waits=True)
def redis(target: Target) -> str | None:
    """Send a command of Redis in its own framing."""
    return _garbage(target, b"*1\r\n$4\r\nINFO\r\n")


@case(164, "RDP", kinds=PLAIN, sends="a connection request of TPKT and COTP", waits=True)
def rdp(target: Target) -> str | None:
    """Send the first bytes of a remote desktop client, as port scanners do."""
    return _garbage(target, bytes.fromhex("0300002b26e00000000000436f6f6b69653a206d737473686173683d680d0a"))


@case(165, "SMB", kinds=PLAIN, sends="a negotiate request of SMB", waits=True)
def smb(target: Target) -> str | None:
    """Send the first bytes of a Windows file client."""
    return _garbage(target, bytes.fromhex("00000054ff534d4272000000001801280000000000000000") + b"\0" * 64)


@case(166, "Modbus/TCP", kinds=LINE_BASED, sends="read holding registers", waits=True)
def modbus(target: Target) -> str | None:
    """Send a request of Modbus/TCP."""
    return _garbage(target, bytes.fromhex("000100000006010300000001"))


@case(167, "S7", kinds=LINE_BASED, sends="a connection request of S7", waits=True)
def s7(target: Target) -> str | None:
    """Send the connection request of a Siemens PLC program."""
    return _garbage(target, bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102"))


@case(168, "telnet options", kinds=LINE_BASED, sends="IAC WILL, IAC DO, then a request")
def telnet(target: Target) -> None:
    """Negotiate options of telnet before a request, as a telnet program does."""
    target.served_or_closed(bytes.fromhex("fffb18fffb1ffffd03fffd01") + target.delimiter)


@case(169, "proxy header", kinds=LINE_BASED, sends="PROXY TCP4 …, then a request", right=SERVED_OR_CLOSED)
def proxy_header(target: Target) -> None:
    """Claim another address by the header of a load balancer, then ask."""
    target.served_or_closed(b"PROXY TCP4 10.0.0.1 10.0.0.2 5000 9999" + target.delimiter)


@case(170, "random bytes", kinds=PLAIN, sends="4,096 random bytes that are always the same", waits=True)
def random_bytes(target: Target) -> str | None:
    """Send random bytes."""
    state, found = 12345, bytearray()
    for _ in range(4096):
        state = (state * 1103515245 + 12345) % 2**31
        found.append(state >> 16 & 255)
    return _garbage(target, bytes(found))
