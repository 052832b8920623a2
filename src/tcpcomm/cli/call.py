"""The subcommand ``tcpcomm call``: it sends one command to the equipment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import evolve
from twisted.internet.defer import Deferred, TimeoutError
from twisted.python import usage

from tcpcomm.cli.common import Refusal, load_declaration, number
from tcpcomm.cli.hosting import ConnectionOptions, no_command, run_reactor
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.equipment.methods import Method, method_names, method_of
from tcpcomm.errors import CodecError, EncodeError, Fault, NotSent, OutcomeUnknown
from tcpcomm.host.host import link_of
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.safe_text import safe_json
from tcpcomm.tools.manual.values import jsonable, lines_of, read_arguments
from tcpcomm.tools.monitor.options import MonitorOptions
from tcpcomm.tools.record.options import RecordingOptions

FAULT: Final = 2
NOT_SENT: Final = 3
OUTCOME_UNKNOWN: Final = 4


class CallOptions(ConnectionOptions, MonitorOptions, RecordingOptions):
    """The options of ``tcpcomm call``."""

    synopsis = "call DEVICE ENDPOINT COMMAND [VALUE | NAME=VALUE ...] [options]"

    longdesc = """Sends one command to the equipment at ENDPOINT, such as tcp:10.0.0.5:9999, and prints the
result. DEVICE is a name that 'tcpcomm devices' lists, or MODULE:NAME. Write arguments as declared, in their
order or by name: 3, job=3, speed=0.5, on=true, mode=auto; lists and structures as JSON. A value in the
header, such as the unit of Modbus, is written as unit=7. A device may have methods beside its commands:
with Modbus, 'holding 100 10' reads and 'holding.write 100 5' writes. The command is sent at most once."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the result is printed",
        1: "the command line has a mistake",
        FAULT: "the equipment answered with a fault",
        NOT_SENT: "the command was not sent: the equipment cannot have seen it",
        OUTCOME_UNKNOWN: "the command was sent, and its outcome is unknown",
    }

    optFlags: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        ["json", "j", "Print the result as JSON."],
    ]
    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["timeout", "t", None, "Seconds to wait for the reply.  [default: as declared]"],
        ["wait", "w", "5", "Seconds to wait for the connection."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) < 2:
            raise usage.UsageError(
                "name a device or a declaration, an endpoint and a command, as in modbus tcp:10.0.0.5:502 "
                "holding 100, or my_camera:VisionCamera tcp:10.0.0.5:9999 locate job=3"
            )
        self.name, self.endpoint, self.command, *self.arguments = (*args, "")[: max(3, len(args))]

    def run(self) -> int:
        declaration = load_declaration(self.name)
        called = declaration.commands.get(self.command) or method_of(declaration.kind, self.command)
        if called is None and ":" not in self.endpoint:
            raise Refusal(
                f"{self.endpoint!r} is not an endpoint: write one behind the device, such as "
                "tcp:10.0.0.5:9999"
            )
        if called is None:
            raise no_command(declaration, self.command, method_names(declaration.kind))
        timeout = None if self["timeout"] is None else number("timeout", self["timeout"], above=True)
        values, header = self._values(declaration, called)
        proxy = self.proxy(declaration, self.endpoint, wait=number("wait", self["wait"]), retries=0)
        try:
            return run_reactor(lambda: self._call(proxy, called, values, header, timeout))
        except Fault as fault:
            raise Refusal(f"the equipment says no: {fault}", code=FAULT) from None
        except NotSent as error:
            raise Refusal(f"not sent: {error}", code=NOT_SENT) from None
        except OutcomeUnknown as error:
            raise Refusal(f"sent, but the outcome is not known: {error}", code=OUTCOME_UNKNOWN) from None
        except (CodecError, EncodeError) as error:
            raise Refusal(f"the command cannot be written: {error}") from None

    def _values(
        self, declaration: Declaration, called: Command | Method
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the values of the arguments, and those of header values that were given."""
        parameters = called.spec.parameters if isinstance(called, Command) else called.parameters
        names = {each.name for each in parameters}
        fields = [each for name, each in declaration.dialect.header_values.items() if name not in names]
        values = read_arguments(parameters, self.arguments, by_name=fields)
        given = {word.partition("=")[0] for word in self.arguments}
        header = {each.name: values.pop(each.name) for each in fields}
        return values, {name: value for name, value in header.items() if name in given}

    async def _call(
        self,
        proxy: Any,
        called: Command | Method,
        values: dict[str, Any],
        header: dict[str, Any],
        timeout: float | None,
    ) -> int:
        if isinstance(called, Command):
            asked = evolve(called, header=header, timeout=called.timeout if timeout is None else timeout)
            result = await link_of(proxy).ask_when_ready(asked, values)
            done = "done" if called.has_reply else "sent"
            has_result = called.spec.result is not None
        else:
            for name, value in header.items():
                proxy = getattr(proxy, name)(value)
            result = await _within(called.call(proxy, values), timeout)
            done, has_result = "done", called.has_result
        if self["json"]:
            print(safe_json(json.dumps(jsonable(result), ensure_ascii=False)))
        elif not has_result:
            print(done)
        else:
            for line in lines_of(result):
                print(line)
        return 0


async def _within(awaitable: Any, timeout: float | None) -> Any:
    """Wait for the result of a method, for so many seconds at most."""
    result = Deferred.fromCoroutine(awaitable) if not isinstance(awaitable, Deferred) else awaitable
    if timeout is None:
        return await result
    try:
        return await result.addTimeout(timeout, the_reactor())
    except TimeoutError:
        raise OutcomeUnknown(f"no result within {timeout:g} s") from None
