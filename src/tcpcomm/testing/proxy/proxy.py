"""
A TCP proxy that disturbs the bytes between two programs: :class:`FaultProxy`.

Use it if you cannot pull a cable: it needs no rights and no second machine. Put it between the two
programs, and add *toxics* (Toxiproxy's word) to either direction::

    proxy = FaultProxy("tcp:127.0.0.1:9999")
    port = await proxy.start()                  # let the client connect to this one
    proxy.downstream.add(Latency(0.2))          # bytes of the server arrive 0.2 s later
    proxy.upstream.add(Blackhole())             # bytes of the client do not arrive
    proxy.upstream.clear()                      # now they arrive
    await proxy.stop()

On the command line, each line of standard input is a command, and ``help`` lists the commands::

    python -m tcpcomm.testing.proxy --target tcp:127.0.0.1:9999 --downstream latency,latency=0.2
"""

from __future__ import annotations

import sys
from random import Random
from typing import Any, Final, cast

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import IListeningPort, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python import usage
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError
from tcpcomm.testing.proxy.connection import Connection, ProxyState, Toxics
from tcpcomm.testing.proxy.toxics import TOXICS, parse_toxic

__all__ = ["FaultProxy"]


class FaultProxy:
    """
    Listens, connects each client to a target, and applies toxics to the bytes between them.

    Args:
        target: the client endpoint to connect to, or its string.
        listen: the server endpoint to listen at, as a string. The default is a free port of this machine.
        reactor: the reactor. The default is Twisted's.
        clock: the clock for delays. The default is the reactor.
        random: the source of the random values of toxics.
    """

    def __init__(
        self,
        target: IStreamClientEndpoint | str,
        *,
        listen: str = "tcp:0:interface=127.0.0.1",
        reactor: Any = None,
        clock: IReactorTime | None = None,
        random: Random | None = None,
    ) -> None:
        if reactor is None:
            from twisted.internet import reactor  # noqa: PLC0415 - never at import time
        self._reactor = reactor
        self._listen = listen
        self._listening: IListeningPort | None = None
        endpoint = clientFromString(reactor, target) if isinstance(target, str) else target
        self._state = ProxyState(endpoint, reactor if clock is None else clock, random or Random())

    @property
    def upstream(self) -> Toxics:
        """The toxics for bytes from the client to the target."""
        return self._state.upstream

    @property
    def downstream(self) -> Toxics:
        """The toxics for bytes from the target to the client."""
        return self._state.downstream

    @property
    def port(self) -> int:
        """
        The port at which it listens.

        Raises:
            ValueError: the proxy is not started.
        """
        if self._listening is None:
            raise ValueError("the proxy does not listen: call start() first")
        return int(cast("Any", self._listening.getHost()).port)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._state.open)

    def start(self) -> Deferred[int]:
        """Listen. Return a Deferred of the port, which stays the same after the first start."""
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> int:
        if self._listening is not None:
            return self.port
        factory = Factory.forProtocol(lambda: Connection(self._state).client)
        factory.noisy = False
        self._listening = await serverFromString(self._reactor, self._listen).listen(factory)
        kind, port, *options = self._listen.split(":")
        if port == "0":
            self._listen = ":".join([kind, str(self.port), *options])
        return self.port

    enable = start

    def disable(self) -> Deferred[None]:
        """
        Stop listening and reset all connections until ``enable()``, as if the program had ended.

        Returns:
            A Deferred that fires when all connections have ended.
        """
        return Deferred.fromCoroutine(self._disable())

    stop = disable

    async def _disable(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)
        connections = list(self._state.open)
        for each in connections:
            each.reset()
        await DeferredList([each.ended for each in connections])


# -- the command line -------------------------------------------------------------------------------------

_HELP: Final = f"""\
  upstream add TOXIC     from the client to the target: {", ".join(TOXICS)},
                         with settings such as slicer,average_size=3,delay=0.01
  downstream add TOXIC   from the target to the client
  upstream clear         remove all toxics of that direction
  disable                stop listening, and reset all connections
  enable                 listen again
  status                 show the connections, the toxics and the bytes received"""


class Options(usage.Options):
    """The options of ``python -m tcpcomm.testing.proxy``."""

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
    """Reads commands from standard input, one in a line."""

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


def main() -> None:
    """Run the proxy until it is interrupted."""
    options = Options()
    try:
        options.parseOptions()  # type: ignore[no-untyped-call]
    except (usage.UsageError, ConfigurationError) as error:
        sys.exit(f"{error}; --help lists the options")
    react(_main, [options])
