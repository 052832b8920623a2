"""
Declarations with each framing of C#, and our end of them.

``python -m tests.interop.csharp_classes.framed PROGRAM`` asks both ends: C# asks ours, and ours asks C#.
Messages hold every byte where the framing can carry it.
"""

from __future__ import annotations

import base64
import logging
import subprocess
import sys
from typing import Annotated, Any, ClassVar

from tcpcomm import Equipment, blocking, command
from tcpcomm.codec import U16, Binary, Codec, Counted, Json, Rest, Template
from tcpcomm.framing import (
    Checked,
    Cobs,
    ContentLength,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Framing,
    HexText,
    JsonValues,
    LengthPrefixed,
    Lines,
    Netstring,
    Stuffed,
    VariableLength,
    checksum,
)
from tests.docs.processes import SECONDS

__all__ = ["ALL", "program"]

LOOPBACK = '"127.0.0.1"'


class Framed(Equipment):
    codec: ClassVar[Codec] = Binary()

    @command(1)
    def echo(self, data: Annotated[bytes, Rest()]) -> Annotated[bytes, Rest()]:
        """Return the same bytes."""
        return data


class FramedText(Equipment):
    codec: ClassVar[Codec] = Template(fault=None)

    @command("ECHO {data}", reply="SAYS {data}")
    def echo(self, data: str) -> str:
        """Return the same text."""
        return data


class FramedJson(Equipment):
    codec: ClassVar[Codec] = Json()

    @command("echo")
    def echo(self, data: str) -> str:
        """Return the same text."""
        return data


class FramedSize(Equipment):
    codec: ClassVar[Codec] = Binary(fault_head=None)
    framing: ClassVar[Framing] = FixedSize(9)

    @command(1)
    def echo(self, data: Annotated[bytes, Counted(U16)]) -> Annotated[bytes, Counted(U16)]:
        """Return the same bytes."""
        return data


ANY: tuple[Framing, ...] = (
    LengthPrefixed(2, form="little"),
    LengthPrefixed(5, form="decimal"),
    LengthPrefixed(4, form="hex", adjust=-4),
    LengthPrefixed(4, offset=4, sync=b"FINS"),
    VariableLength(),
    VariableLength("ber"),
    VariableLength("decimal", end=b"\r\n"),
    VariableLength("hex"),
    ContentLength(),
    Netstring(),
    Stuffed(),
    Stuffed(end=b"\x7e", escape=b"\x7d", codes={0x7E: 0x5E, 0x7D: 0x5D}, lead=True),
    Cobs(),
    DleStuffed(),
    Enclosed(b"\x10\x02", b"\x10\x03", escape=b"\x10", checksum=checksum("crc-16/arc").written("little")),
    Enclosed(b"\x02", b"\x03", escape=b"\x1b", codes={2: 0xE7, 3: 0xE8, 0x1B: 0}, tail=b"\r"),
    Checked(HexText(Enclosed(b":", b"\r\n")), checksum("lrc")),
    Checked(LengthPrefixed(2), checksum("crc-32/iso-hdlc"), tail=b"\x16"),
    Checked(Cobs(), checksum("crc-8/sae-j1850")),
    Checked(Cobs(), checksum("crc-16/kermit")),
    Checked(Cobs(), checksum("crc-16/dnp").written("hex")),
    Checked(Cobs(), checksum("crc-16/ibm-3740").written("decimal")),
    Checked(Cobs(), checksum("crc-32/iscsi")),
    Checked(Cobs(), checksum("crc-8/maxim-dow")),
    Checked(Cobs(), checksum("sum16")),
)
TEXT: tuple[Framing, ...] = (
    Lines(),
    Delimited((b";", b"\n")),
    Delimited(b"\r\n", keep_ends=False),
    Enclosed(b"$", b"*", checksum=checksum("xor").written("hex"), tail=b"\r\n"),
    Enclosed(cover_start=True, cover_end=False, checksum=checksum("sum8")),
)


def declared(kind: type[Equipment], framing: Framing, name: str) -> Any:
    """Return a declaration with a framing."""
    return type(name, (kind,), {"framing": framing, "__module__": __name__})


ALL: tuple[Any, ...] = (
    *(declared(Framed, each, f"Any{place}") for place, each in enumerate(ANY)),
    *(declared(FramedText, each, f"Text{place}") for place, each in enumerate(TEXT)),
    declared(FramedJson, JsonValues(), "Json0"),
    FramedSize,
)


def data_for(kind: type[Equipment]) -> list[Any]:
    """Return what is said, which holds each byte if that is possible."""
    if issubclass(kind, Framed):
        return [bytes(range(256)) * 2, b"\0", b"", b"\xff" * 254, b"\x01" * 253]
    return [b"abcdef"] if issubclass(kind, FramedSize) else ['a{b}[c]"d\\', "x"]


def program() -> str:
    """Return a program in C# that serves all declarations, then asks those at the ports it is given."""
    lines = ["using System;", "using System.Net;", "internal static class Program", "{"]
    for kind in ALL:
        name = kind.__name__
        shown = "string" if issubclass(kind, FramedText | FramedJson) else "byte[]"
        lines += [
            f"    private sealed class Server{name} : {name}.{name}Server",
            "    {",
            f"        public Server{name}() : base(IPAddress.Loopback, 0) {{ }}",
            f"        protected override {shown} Echo({shown} data) {{ return data; }}",
            "    }",
        ]
    lines += ["    private static void Main(string[] ports)", "    {"]
    for kind in ALL:
        name = kind.__name__
        lines += [
            f"        var server{name} = new Server{name}();",
            f"        server{name}.Start();",
            f"        Console.WriteLine(server{name}.Port);",
        ]
    for place, kind in enumerate(ALL):
        name = kind.__name__
        for data in data_for(kind):
            shown = (
                f"Convert.FromBase64String(Text({place}))" if isinstance(data, bytes) else f"Text({place})"
            )
            lines += [
                f"        using (var client = new {name}.{name}Client({LOOPBACK}, Port(ports[{place}])))",
                "        {",
                "            client.Connect();",
                f"            Say(client.Echo({shown}));",
                "        }",
            ]
    lines += [
        "        Console.In.ReadLine();",
        "    }",
        "    private static int Port(string text) { return int.Parse(text); }",
        "    private static string Text(int place) { return Console.In.ReadLine(); }",
        "    private static void Say(string text) { Console.WriteLine(text); }",
        "    private static void Say(byte[] bytes) { Console.WriteLine(Convert.ToBase64String(bytes)); }",
        "}",
    ]
    return "\n".join(lines)


def as_line(data: Any) -> str:
    """Return what is said, as the program in C# reads and writes it."""
    return base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)


def talk(path: str) -> None:
    """Ask the C# servers, and let the C# clients ask ours. Print what was not the same."""
    servings = [blocking.serve(kind(), at="tcp:0:interface=127.0.0.1") for kind in ALL]
    ports = [str(each.ports[0]) for each in servings]
    said = [as_line(data) for kind in ALL for data in data_for(kind)]
    with subprocess.Popen(
        ["mono", path, *ports], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        for kind in ALL:
            port = int(process.stdout.readline())
            with blocking.remote(kind, at=f"tcp:127.0.0.1:{port}") as ours:
                for data in data_for(kind):
                    if data != ours.echo(data):
                        print(f"{kind.__name__}, {kind.framing}: our host got other bytes")
        out, _ = process.communicate("\n".join([*said, ""]), timeout=SECONDS)
    if said != out.splitlines():
        print(f"the C# clients got other bytes: {out!r}")
    print(f"{len(ALL)} framings")


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    talk(sys.argv[1])
