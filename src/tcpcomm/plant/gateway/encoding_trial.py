"""Write the command of a call without a connection, to find wrong values: :func:`encoding_error`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tcpcomm.conversation.proxy import HostProxy
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, NotSent
from tcpcomm.plant.gateway.calls import DeviceCall


def encoding_error(
    declaration: Declaration, call: DeviceCall, header: Mapping[str, Any]
) -> CodecError | ConfigurationError | EncodeError | None:
    """
    Return the reason why a call can never be sent, or None if its first command can be.

    A method of the device runs up to its first command. Nothing is sent.

    Args:
        declaration: the declaration of the device.
        call: the command or method with its arguments.
        header: the values in the headers of the link.
    """
    found: list[Any] = []
    try:
        asked = call.ask(EncodingLink(declaration, header), Clock())
    except Exception:  # of a method, as of one that is a coroutine
        asked = fail()
    asked.addBoth(found.append)
    asked.cancel()  # a method may wait for something else than an answer
    error = found[0].value if found and isinstance(found[0], Failure) else None
    # Any other error says that there is no device here, or is the method's own: only a device shows that.
    return error if isinstance(error, CodecError | ConfigurationError | EncodeError) else None


class EncodingLink:
    """
    A link that is never ready: each command is written, and then fails with NotSent.

    Args:
        declaration: the declaration of the device.
        header: the values in the headers of all commands.
    """

    requester = None
    retries = 0

    def __init__(self, declaration: Declaration, header: Mapping[str, Any]) -> None:
        self.header = dict(header)
        self._declaration = declaration
        self.host_proxy = HostProxy(declaration, self, Clock().seconds)

    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        try:
            self._write(command, values)
        except (CodecError, EncodeError):
            return fail()
        return fail(NotSent("there is no connection"))

    def ask_again(self, failure: Failure, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        return fail(failure)

    def _write(self, command: Command, values: dict[str, Any]) -> None:
        dialect, name = self._declaration.dialect, command.name
        two = dialect.two_requests(name, values)
        if two is not None:
            frames = [two.first, two.second]
        else:
            chosen = values.get(dialect.id_parameters.get(name, ""))
            number = chosen if type(chosen) is int else 0
            frames = [dialect.ask(name, values, number, {**self.header, **command.header}, {})[0]]
        for each in frames:
            self._declaration.received.encode(each)
