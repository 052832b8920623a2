"""The generators that there are: :data:`GENERATORS`. Add yours as one more row."""

from __future__ import annotations

from typing import Final

from tcpcomm.tools.generate.generator import Generator

GENERATORS: Final = (
    Generator(
        name="wireshark",
        summary="a dissector for Wireshark 4.0 and later (.lua)",
        place="tcpcomm.tools.generate.wireshark.dissector:wireshark_dissector",
        next_step="put it into the folder Personal Lua Plugins, which Wireshark shows under Help, About, "
        "Folders; or: tshark -X lua_script:{file} -r CAPTURE",
    ),
    Generator(
        name="kaitai",
        summary="a Kaitai Struct format (.ksy) of the messages of a binary declaration",
        place="tcpcomm.tools.generate.kaitai.format:kaitai_format",
        next_step="kaitai-struct-compiler --target python {file} makes a parser of it",
    ),
    Generator(
        name="csharp",
        summary="a C# file with a client and a server, for .NET Framework 4.5 or later, .NET and Mono",
        place="tcpcomm.tools.generate.csharp.generator:csharp_classes",
        next_step="add {file} to a C# project, or: mcs -langversion:6 -target:library {file}",
    ),
    Generator(
        name="html",
        summary="the manual as one page for a browser, which needs no network",
        place="tcpcomm.tools.generate.html_page:html_manual",
        next_step="open {file} in a browser",
    ),
)
"""The generators, in the order of the help."""


def generator(name: str) -> Generator | None:
    """Return the generator of this name, or None if there is none."""
    return next((each for each in GENERATORS if each.name == name), None)
