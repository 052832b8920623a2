"""The subcommand ``tcpcomm call``: it sends one command to the equipment."""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import evolve
from twisted.python import usage

from tcpcomm.cli.common import Refusal, load_declaration, number
from tcpcomm.cli.hosting import ConnectionOptions, declared_command, run_reactor
from tcpcomm.cli.values import jsonable, lines_of, read_arguments
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, EncodeError, Fault, NotSent, OutcomeUnknown
from tcpcomm.host.host import link_of
from tcpcomm.runtime.safe_text import safe_json

FAULT: Final = 2
NOT_SENT: Final = 3
OUTCOME_UNKNOWN: Final = 4


class CallOptions(ConnectionOptions):
    """The options of ``tcpcomm call``."""

    synopsis = "call MODULE:NAME ENDPOINT COMMAND [NAME=VALUE ...] [options]"

    longdesc = f"""Sends one command to the equipment at ENDPOINT, such as tcp:10.0.0.5:9999, and prints the
result. Write arguments as declared: job=3, speed=0.5, on=true, mode=auto; lists and structures as JSON. A
value in the header, such as the unit of Modbus, is written as unit=7. The command is sent at most once. The
exit code is 0 for a result, {FAULT} if the equipment answered with a fault, {NOT_SENT} if the command was
not sent, {OUTCOME_UNKNOWN} if it was sent and its outcome is unknown, 1 for everything else."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["timeout", "t", None, "Seconds to wait for the reply.  [default: as declared]"],
        ["wait", "w", "5", "Seconds to wait for the connection."],
    ]

    def parseArgs(self, *args: str) -> None:
        if len(args) < 3:
            raise usage.UsageError(
                "name a declaration, an endpoint and a command, as in my_camera:VisionCamera "
                "tcp:10.0.0.5:9999 locate job=3"
            )
        self.name, self.endpoint, self.command, *self.arguments = args

    def run(self) -> int:
        declaration = load_declaration(self.name)
        command = self._command(declaration)
        header = {
            name: field
            for name, field in declaration.dialect.header_values.items()
            if name not in command.names
        }
        values = read_arguments([*command.spec.parameters, *header.values()], self.arguments)
        given = {word.partition("=")[0] for word in self.arguments}
        own = {name: values.pop(name) for name in header}
        command = evolve(command, header={name: value for name, value in own.items() if name in given})
        wait = number("wait", self["wait"])
        proxy = self.proxy(declaration, self.endpoint, wait=wait, retries=0)
        try:
            return run_reactor(lambda: self._ask(proxy, command, values))
        except Fault as fault:
            raise Refusal(f"the equipment says no: {fault}", code=FAULT) from None
        except NotSent as error:
            raise Refusal(f"not sent: {error}", code=NOT_SENT) from None
        except OutcomeUnknown as error:
            raise Refusal(f"sent, but the outcome is not known: {error}", code=OUTCOME_UNKNOWN) from None
        except (CodecError, EncodeError) as error:
            raise Refusal(f"the command cannot be written: {error}") from None

    def _command(self, declaration: Declaration) -> Command:
        command = declared_command(declaration, self.command)
        if self["timeout"] is not None:
            return evolve(command, timeout=number("timeout", self["timeout"], above=True))
        return command

    async def _ask(self, proxy: Any, command: Command, values: dict[str, Any]) -> int:
        result = await link_of(proxy).ask_when_ready(command, values)
        if self["json"]:
            print(safe_json(json.dumps(jsonable(result), ensure_ascii=False)))
        elif command.spec.result is None:
            print("done" if command.has_reply else "sent")
        else:
            for line in lines_of(result):
                print(line)
        return 0
