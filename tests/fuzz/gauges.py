"""One gauge, declared in several codecs: what the fuzz targets of sessions serve and ask."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tcpcomm import Equipment, Fault, Login, command, event
from tcpcomm.codec import F32, U8, Binary, Codec, Counted, Json, JsonRpc, Template, Text
from tcpcomm.framing import Delimited, LengthPrefixed

__all__ = ["DECLARED", "PASSWORD", "Bodies", "served"]

PASSWORD: Final = "open sesame"


class JsonRpcGauge(Equipment):
    """The gauge in JSON-RPC: one command answers at once, one late, one with text, and one never."""

    framing = Delimited(b"\n", max_frame=300)
    codec: ClassVar[Codec] = JsonRpc()

    @command(timeout=1.0)
    def measure(self, tank: int) -> float:
        """The level in mm."""
        raise NotImplementedError

    @command(timeout=1.0)
    async def settle(self, tank: int) -> float:
        """The level, when the liquid has settled."""
        raise NotImplementedError

    @command(timeout=1.0)
    def rename(self, text: str) -> str:
        """The new name of the gauge."""
        raise NotImplementedError

    @command(reply=None)
    def zero(self) -> None:
        """Make this level the zero."""
        raise NotImplementedError

    @event()
    def full(self, tank: int) -> None:
        """A tank is full."""


class JsonGauge(JsonRpcGauge):
    """The gauge in JSON without ids."""

    codec = Json()


class JsonWithIdsGauge(JsonRpcGauge):
    """The gauge in JSON with ids."""

    codec = Json(id="id", parameters="params")


class TextGauge(Equipment):
    """The part of the gauge that text with a separator can say."""

    framing = Delimited(b"\n", max_frame=200)
    codec = Text()

    @command(timeout=1.0)
    def rename(self, text: str) -> str:
        """The new name of the gauge."""
        raise NotImplementedError

    @command(reply=None)
    def zero(self) -> None:
        """Make this level the zero."""
        raise NotImplementedError

    @event()
    def full(self, text: str) -> None:
        """A tank is full."""


class TemplateGauge(Equipment):
    """The gauge with a template for each message."""

    framing = Delimited(b"\r\n", max_frame=200)
    codec = Template(fault="NG,{code:d},{reason}")

    @command("LVL,{tank}", reply="LVL {height:.2f}", timeout=1.0)
    def measure(self, tank: int) -> float:
        """The level in mm."""
        raise NotImplementedError

    @command("SET,{tank}", reply="SET {height:.2f}", timeout=1.0)
    async def settle(self, tank: int) -> float:
        """The level, when the liquid has settled."""
        raise NotImplementedError

    @command("NAM,{text}", reply="NAM,{text}", timeout=1.0)
    def rename(self, text: str) -> str:
        """The new name of the gauge."""
        raise NotImplementedError

    @command("ZERO", reply=None)
    def zero(self) -> None:
        """Make this level the zero."""
        raise NotImplementedError

    @event("FULL,{tank}")
    def full(self, tank: int) -> None:
        """A tank is full."""


class LoginGauge(TemplateGauge):
    """The gauge behind a login."""

    greeting = "Welcome"
    login = (Login("Password:", "{password}"), Login("Logged in"))


class BinaryGauge(Equipment):
    """The gauge with a layout of bytes for each message."""

    framing = LengthPrefixed(2, max_frame=200)
    codec = Binary()

    @command(1, timeout=1.0)
    def measure(self, tank: U8) -> F32:
        """The level in mm."""
        raise NotImplementedError

    @command(2, timeout=1.0)
    async def settle(self, tank: U8) -> F32:
        """The level, when the liquid has settled."""
        raise NotImplementedError

    @command(3, timeout=1.0)
    def rename(self, text: Annotated[str, Counted(U8)]) -> Annotated[str, Counted(U8)]:
        """The new name of the gauge."""
        raise NotImplementedError

    @command(4, reply=None)
    def zero(self) -> None:
        """Make this level the zero."""
        raise NotImplementedError

    @event(5)
    def full(self, tank: U8) -> None:
        """A tank is full."""


DECLARED: Final[tuple[type[Equipment], ...]] = (
    JsonRpcGauge,
    JsonGauge,
    JsonWithIdsGauge,
    TextGauge,
    TemplateGauge,
    LoginGauge,
    BinaryGauge,
)


class Bodies:
    """The bodies of all gauges."""

    clock: IReactorTime

    def measure(self, tank: int) -> float:
        if tank > 99:
            raise Fault(3, "no such tank")
        return tank / 4

    async def settle(self, tank: int) -> float:
        settled: Deferred[float] = Deferred()
        self.clock.callLater(0.2, settled.callback, float(tank % 10))
        return await settled

    def rename(self, text: str) -> str:
        return text

    def zero(self) -> None:
        pass

    def authenticate(self, password: str) -> bool:
        return password == PASSWORD


_SERVED: Final = {kind: type(f"My{kind.__name__}", (Bodies, kind), {}) for kind in DECLARED}


def served(kind: type[Equipment], clock: IReactorTime) -> Any:
    """Return an object that implements a declared gauge."""
    gauge: Any = _SERVED[kind]()
    gauge.clock = clock
    return gauge
