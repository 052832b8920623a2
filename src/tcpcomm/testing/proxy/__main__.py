"""
The fault proxy as a program. Each line of standard input is a command, and ``help`` lists the commands::

    python -m tcpcomm.testing.proxy --target tcp:127.0.0.1:9999 --downstream latency,latency=0.2
"""

from __future__ import annotations

import sys
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python import usage
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.testing.proxy.proxy import FaultProxy
from tcpcomm.testing.proxy.toxics import TOXICS, parse_toxic

_HELP: Final = f"""\
  upstream add TOXIC     from the client to the target: {", ".join(TOXICS)},
                         with settings such as slicer,average_size=3,delay=0.01
  downstream add TOXIC   from the target to the client
  upstream clear         remove all toxics of that direction
  disable                stop listening, and reset all connections
  enable                 listen again
  status                 show the connections, the toxics and the bytes received"""


class Options(usage.Options):
    longdesc = f"A proxy that disturbs bytes between two programs. Commands on standard input:\n\n{_HELP}"

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        ["target", "t", None, "Where to connect to, such as tcp:127.0.0.1:9999."],
        ["listen", "l", "tcp:0:interface=127.0.0.1", "Where to listen."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self["upstream"], self["downstream"] = [], []

    def opt_upstream(self, toxic: str) -> None:
        """A toxic from the client to the target. It may be given several times."""
        self["upstream"].append(parse_toxic(toxic))

    def opt_downstream(self, toxic: str) -> None:
        """A toxic from the target to the client. It may be given several times."""
        self["downstream"].append(parse_toxic(toxic))

    def postOptions(self) -> None:
        if self["target"] is None:
            raise usage.UsageError("--target is missing: add --target tcp:127.0.0.1:9999, for example")


class _Terminal(LineOnlyReceiver):
    delimiter = b"\n"

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy

    def lineReceived(self, line: bytes) -> None:
        words = line.decode(errors="replace").split()
        if words:
            Deferred.fromCoroutine(self._carry_out(words)).addErrback(self._print_failure)

    async def _carry_out(self, words: list[str]) -> None:
        proxy = self._proxy
        directions = {"upstream": proxy.upstream, "downstream": proxy.downstream}
        match words:
            case [("upstream" | "downstream") as direction, "add", toxic]:
                directions[direction].add(parse_toxic(toxic))
            case [("upstream" | "downstream") as direction, "clear"]:
                directions[direction].clear()
            case ["disable"]:
                await proxy.disable()
            case ["enable"]:
                await proxy.enable()
            case ["status"]:
                self._print(f"{proxy.connections} connections")
                for name, toxics in directions.items():
                    self._print(
                        f"{name}: {', '.join(map(str, toxics)) or 'no toxics'}; {toxics.received} bytes"
                    )
                return
            case _:
                self._print(_HELP)
                return
        self._print("ok")

    def _print(self, text: str) -> None:
        self.sendLine(text.encode())  # type: ignore[no-untyped-call]

    def _print_failure(self, failure: Failure) -> None:
        self._print(failure.getErrorMessage())


async def _main(reactor: Any, options: Options) -> None:
    proxy = FaultProxy(options["target"], listen=options["listen"], reactor=reactor)
    for toxics, added in ((proxy.upstream, options["upstream"]), (proxy.downstream, options["downstream"])):
        for toxic in added:
            toxics.add(toxic)
    print(f"listening on port {await proxy.start()}", flush=True)
    from twisted.internet.stdio import StandardIO  # noqa: PLC0415 - Windows may have none

    StandardIO(_Terminal(proxy), reactor=reactor)
    await Deferred()  # until it is interrupted


options = Options()
try:
    options.parseOptions()  # type: ignore[no-untyped-call]
except (usage.UsageError, ConfigurationError) as error:
    sys.exit(f"{error}; --help lists the options")
react(_main, [options])
