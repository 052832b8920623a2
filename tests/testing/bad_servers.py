"""A small server in threads that is right, and has at most one flaw, to try the hostile suite on."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

from tests.system.running import DEADLINE

__all__ = ["KEY", "SERVER", "BadServer", "answer_everything"]

KEY = bytes(range(32))
SERVER = "camera-1"

_LIMIT = 65_536
_GOOD = "127.0.0.2"
"""The address of the peers that must be served; only Linux has it."""


class BadServer(AbstractContextManager["BadServer"]):
    """
    A server of lines that answers PING with PONG.

    Args:
        flaw: the one thing that it does wrong; empty: nothing.
        answer: makes the reply to a line, or returns None if nobody waits for one.
        partial: the seconds that an unfinished line may take.
    """

    def __init__(
        self,
        flaw: str = "",
        *,
        answer: Callable[[bytes], bytes | None] | None = None,
        partial: float = 0.5,
    ) -> None:
        self._flaw = flaw
        self._partial = partial
        self._answer = answer or self._pong
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listening.getsockname()[1]
        self._patient = flaw in ("never times out", "has no limit")
        self._kept: list[socket.socket] = []
        self._one_at_a_time = Lock()
        self._stopped = False
        self._threads: list[Thread] = []
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            thread = Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            if self._flaw == "hangs":
                with self._one_at_a_time:
                    self._talk(peer)
            else:
                self._talk(peer)
        except OSError:
            pass
        finally:
            if self._flaw == "leaks files":
                self._kept.append(peer)
            else:
                peer.close()

    def _talk(self, peer: socket.socket) -> None:
        if self._flaw.startswith("psk"):
            self._prove(peer)
        number = 0
        for lines in self._lines(peer):
            replies = b""
            for line in lines:
                if number == 0 and line.endswith(b" HTTP/1.1") and self._flaw != "carries out HTTP":
                    return
                number += 1
                if self._flaw == "crashes" and not line.isascii():
                    self._listening.shutdown(socket.SHUT_RDWR)
                    self._listening.close()
                    return
                if self._flaw == "is slow":
                    with self._one_at_a_time:
                        sleep(0.3)
                reply = self._answer(line)
                if reply is not None:
                    copies = 2 if self._flaw == "answers twice" else 1
                    replies += (reply + b"\r\n") * copies
            # One send: a peer that counts the replies to one packet does not wait long for more.
            peer.settimeout(DEADLINE)
            peer.sendall(replies)

    def _lines(self, peer: socket.socket) -> Iterator[list[bytes]]:
        """Yield the lines that each chunk completes."""
        buffer = bytearray()
        began: float | None = None
        too_long = False
        while not self._stopped:
            peer.settimeout(0.1)
            try:
                data = peer.recv(65536)
            except TimeoutError:
                if began and monotonic() - began > self._partial and not self._patient:
                    return
                continue
            if not data or (self._flaw == "drops replies at half close" and self._has_ended(peer)):
                return
            if self._flaw == "takes a chunk for a message":
                yield [data.strip()]
                continue
            buffer += data
            lines: list[bytes] = []
            if b"\n" in data:
                *lines, rest = bytes(buffer).split(b"\n")
                buffer = bytearray(rest)
                lines = [line.removesuffix(b"\r") for line in lines]
                if too_long:
                    lines[0], too_long = b"too long", False
                yield lines
            if len(buffer) > _LIMIT and self._flaw != "has no limit":
                buffer, too_long = bytearray(), True
            if began is None or lines:
                began = monotonic() if buffer or too_long else None
            if began and monotonic() - began > self._partial and not self._patient:
                return

    @staticmethod
    def _has_ended(peer: socket.socket) -> bool:
        """Wait until a hostile peer ends or goes on. The others have not ended: they wait for the reply."""
        if peer.getpeername()[0] == _GOOD:
            return False
        peer.settimeout(DEADLINE if sys.platform == "linux" else 0.1)
        try:
            return peer.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False

    def _pong(self, line: bytes) -> bytes:
        if line == b"PING":
            return b"PONG"
        if self._flaw == "carries out beginnings" and line.startswith(b"PING"):
            return b"PONG"
        if self._flaw == "fills in formats" and b"{" in line:
            return line.replace(b"{0.__class__.__mro__}", str(int.__mro__).encode())
        if self._flaw == "has no limit":
            return b"unknown " + line
        return b"unknown " + line[:100]

    def _prove(self, peer: socket.socket) -> None:
        nonce = "0" * 64 if self._flaw == "psk with one nonce" else secrets.token_hex(32)
        peer.sendall(f"TCPCOMM-PSK/1 CHALLENGE {nonce}\n".encode())
        peer.settimeout(DEADLINE)
        line = b""
        while not line.endswith(b"\n"):
            byte = peer.recv(1)
            if not byte or len(line) > 256:
                raise OSError("no proof")
            line += byte
        words = line.decode("latin-1").split()
        if len(words) != 5:
            raise OSError("no proof")
        _, _, name, theirs, mac = words
        expected = _mac("dialler", name, theirs, nonce)
        if theirs == nonce and self._flaw != "psk with reflection":
            raise OSError("reflected")
        if mac != expected and self._flaw != "psk without a check":
            raise OSError("not proven")
        peer.sendall(f"TCPCOMM-PSK/1 ACCEPT {_mac('acceptor', name, theirs, nonce)}\n".encode())

    def close(self) -> None:
        """Stop, and close every connection."""
        self._stopped = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(5)
        for thread in self._threads:
            thread.join(5)
        for peer in self._kept:
            with suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _mac(side: str, name: str, dialler: str, acceptor: str) -> str:
    lines = f"TCPCOMM-PSK/1\n{side}\n{name}\n{SERVER}\n{dialler}\n{acceptor}\n"
    return hmac.new(KEY, lines.encode(), "sha256").hexdigest()


def answer_everything(line: bytes) -> bytes | None:
    """Answer JSON-RPC as a careless program does: also notifications, and with one kind of error."""
    try:
        message: Any = json.loads(line)
        id = message.get("id") if isinstance(message, dict) else None
        if isinstance(message, dict) and message.get("method") == "ping":
            return json.dumps({"jsonrpc": "2.0", "result": 1, "id": id}).encode()
    except ValueError:
        id = None
    return json.dumps({"jsonrpc": "2.0", "error": {"code": -1, "message": "no"}, "id": id}).encode()
