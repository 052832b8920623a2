"""Equipment with one command in each codec, as targets of the hostile suite."""

from __future__ import annotations

from tcpcomm import Equipment, command
from tcpcomm.codec import Binary, Json, JsonRpc, Template
from tcpcomm.framing import Delimited, LengthPrefixed

__all__ = ["BinaryPing", "JsonPing", "JsonRpcPing", "TemplatePing"]


class TemplatePing(Equipment):
    """A camera that answers in text."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="utf-8", fault="NG,{code:d},{reason}")

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Say that it lives."""

    @command("TRG,{job}", reply="OK,{number:d}")
    def locate(self, job: int) -> int:
        """Take a picture, and count the parts."""
        return 1


class JsonPing(Equipment):
    """A camera that answers in JSON with keys of its own."""

    framing = Delimited(b"\r\n")
    codec = Json()

    @command("ping")
    def ping(self) -> int:
        """Say that it lives."""
        return 1


class JsonRpcPing(Equipment):
    """A camera that answers in JSON-RPC 2.0."""

    framing = Delimited(b"\r\n")
    codec = JsonRpc()

    @command("ping")
    def ping(self) -> int:
        """Say that it lives."""
        return 1


class BinaryPing(Equipment):
    """A camera that answers in bytes."""

    framing = LengthPrefixed(2)
    codec = Binary()

    @command(0x01)
    def ping(self) -> None:
        """Say that it lives."""
