"""Programs and commands that send what a row of the page has, or what a form asks: :class:`Copies`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from tcpcomm.codec.annotations import fields_of, has_fields
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing, format_framing
from tcpcomm.session.observer import MaskedBytes
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.actions import read_texts
from tcpcomm.tools.monitor.model import LARGEST_KEPT_FRAME, MonitorModel
from tcpcomm.tools.monitor.sources import Source
from tcpcomm.tools.monitor.wire import framing_of, wire_of
from tcpcomm.tools.send.notation import text_of

LANGUAGES: Final = ("shell", "python", "csharp")

_PLACE: Final = re.compile(r"(?:tcp:|ssl:|tls:)?(?P<host>\[[^\]]+\]|[^:\[\]]+):(?P<port>[0-9]{1,5})\b")
_NOWHERE: Final = ("10.0.0.5", "9999")
_IDENTIFIER: Final = re.compile(r"(?<!^)(?=[A-Z])")

_PYTHON: Final = """\
import socket

with socket.create_connection(("{host}", {port}), timeout=5) as connection:
    connection.sendall(bytes.fromhex("{hex}"))
    print(connection.recv(65536))
"""

_PYTHON_CALL: Final = """\
{imports}
from tcpcomm.blocking import remote

with remote({kind}, at="tcp:{host}:{port}") as {name}:
    print({name}.{command}({arguments}))
"""

_CSHARP: Final = """\
using System;
using System.Net.Sockets;

class Program
{{
    static void Main()
    {{
        byte[] request = {{ {bytes} }};
        using (var client = new TcpClient("{host}", {port}))
        {{
            var stream = client.GetStream();
            stream.ReadTimeout = 5000;
            stream.Write(request, 0, request.Length);
            var reply = new byte[65536];
            int count = stream.Read(reply, 0, reply.Length);
            Console.WriteLine(BitConverter.ToString(reply, 0, count));
        }}
    }}
}}
"""


class Copies:
    """
    Writes programs that send bytes.

    Args:
        model: the rows, and the sources that they belong to.
    """

    def __init__(self, model: MonitorModel) -> None:
        self._model = model

    def of_row(self, number: int, language: str) -> str:
        """
        Return a program that sends the frame of a row to the equipment.

        Raises:
            Denied: the row is not kept any more, has no frame that can be sent, or has secret bytes.
        """
        _check(language)
        row = self._model.row(number)
        source = None if row is None else self._model.source(row.source)
        if row is None or source is None:
            raise Denied(404, "this row is not kept any more, because newer ones took its place")
        if not row.frame:
            raise Denied(400, "this row has no frame")
        if isinstance(row.frame, MaskedBytes):
            raise Denied(400, "the bytes of this frame are secret")
        if row.size > LARGEST_KEPT_FRAME:
            raise Denied(400, f"the frame has {row.size} bytes, which are too many to copy")
        host, port = self._place(source, row.session)
        return _program(language, bytes(row.frame), framing_of(self._model, row), host, port)

    def of_command(self, source: str, command: str, texts: Mapping[str, str], language: str) -> str:
        """
        Return a program that asks a command.

        Raises:
            Denied: the command does not exist, or an argument is wrong.
        """
        _check(language)
        found = self._model.source(source)
        declaration: Declaration | None = None if found is None else found.declaration
        declared = None if declaration is None else declaration.commands.get(command)
        if found is None or declaration is None or declared is None:
            raise Denied(404, f"there is no command {command!r} here")
        values = read_texts(declared.spec.parameters, texts)
        host, port = self._place(found, found.session)
        kind = declaration.kind
        if language == "shell":
            words = [f"{kind.__module__}:{kind.__name__}", f"tcp:{host}:{port}", command]
            words += [f"{name}={text}" for name, text in texts.items()]
            return shlex.join(["tcpcomm", "call", *words])
        if language == "python":
            needed = {kind}
            arguments = [f"{name}={_python_text(value, needed)}" for name, value in values.items()]
            return _PYTHON_CALL.format(
                imports="\n".join(_imports(needed)),
                kind=kind.__name__,
                host=host,
                port=port,
                name=_IDENTIFIER.sub("_", kind.__name__).lower(),
                command=command,
                arguments=", ".join(arguments),
            )
        try:
            frame = declaration.dialect.request(command, values, 1)
        except (EncodeError, ConfigurationError, ValueError) as error:
            raise Denied(400, f"the command cannot be written: {error}") from None
        return _program(language, frame, declaration.received, host, port)

    def _place(self, source: Source, session: int | None) -> tuple[str, str]:
        """Return the host and the port of the equipment."""
        watched = self._model.any_session(session)
        subject: Any = None if watched is None else watched.session
        own = ", ".join(source.addresses)
        texts = [str(getattr(subject, "target", "")), own, str(getattr(subject, "peer", ""))]
        for text in texts:
            match = _PLACE.match(text)
            if match is not None:
                return match["host"], match["port"]
        return _NOWHERE


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise Denied(400, f"write as={', as='.join(LANGUAGES)}, not {language!r}")


def _python_text(value: Any, needed: set[type[Any]]) -> str:
    """Return a value as an expression, and note the classes that it needs."""
    if isinstance(value, Enum):
        needed.add(type(value))
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, list | tuple):
        shown = ", ".join(_python_text(each, needed) for each in value)
        return f"[{shown}]"
    if has_fields(type(value)):
        needed.add(type(value))
        names = [each.name for each in fields_of(type(value))]
        shown = ", ".join(f"{name}={_python_text(getattr(value, name), needed)}" for name in names)
        return f"{type(value).__name__}({shown})"
    return repr(value)


def _imports(needed: Iterable[type[Any]]) -> Iterator[str]:
    for module in sorted({each.__module__ for each in needed}):
        names = sorted(each.__name__ for each in needed if each.__module__ == module)
        yield f"from {module} import {', '.join(names)}"


def _program(language: str, frame: bytes, framing: Framing | None, host: str, port: str) -> str:
    wire = wire_of(frame, framing)
    framing = framing if wire is not frame else None
    if language == "shell":
        return _shell(frame, wire, framing, host, port)
    if language == "python":
        return _PYTHON.format(host=host.strip("[]"), port=port, hex=wire.hex(" "))
    shown = ", ".join(f"0x{byte:02X}" for byte in wire)
    return _CSHARP.format(host=host.strip("[]"), port=port, bytes=shown)


def _shell(frame: bytes, wire: bytes, framing: Framing | None, host: str, port: str) -> str:
    words = ["tcpcomm", "send", f"tcp:{host}:{port}"]
    notation = None
    if framing is not None:
        try:
            notation = format_framing(framing)
        except ConfigurationError:
            notation = None  # a framing that has no text
    if notation is not None:
        words += ["--framing", notation]
    data = wire if notation is None else frame
    is_text = data.isascii() and sum(byte < 0x20 for byte in data) <= len(data) // 4
    words += ["-a", text_of(data)] if is_text else ["-x", data.hex(" ")]
    return shlex.join(words)
