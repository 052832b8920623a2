"""Declarations of Json and JsonRpc that hypothesis draws."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from hypothesis import strategies as st

from tcpcomm.codec import Codec, Dialect, Field, Json, JsonRpc, MessageSpec
from tcpcomm.errors import Fault
from tests.codec.cases import Case, Opaque
from tests.codec.drawn import Drawn, Rebuilt
from tests.codec.json.foreign import ForeignJson
from tests.codec.plain import plain
from tests.codec.values import Axis, Door, Light, Position, Tree

__all__ = ["DRAWN"]

LEAVES: Final[tuple[Any, ...]] = (bool, int, str, float, bytes, datetime, Axis, Door, Light, Position, Tree)
FAULTS: Final = (Fault(3), Fault(4, "문", {"axis": [1, None]}), Fault(-7, "door"))
CODECS: Final[tuple[Codec, ...]] = (
    Json(),
    Json(id="id"),
    Json("Type", parameters="Data", result="Data", fault="Error", event="Type", echo=True, naming="pascal"),
    JsonRpc(),
    JsonRpc(by_position=True),
    JsonRpc(naming="camel", ascii=True),
    Json(success={"ok": True, "version": range(2, 5)}, optional=("version", "cmd"), echo=True),
    Json(parameters="p", reason=None, data=None, ascii=True, naming="camel"),
    Json(
        encoding="cp949", id="no", success={"status": ("OK", "WARN")}, failure={"status": "NG"}, fault=None
    ),
)


def list_of(item: Any) -> Any:
    """Return the annotation of a list."""
    kind: Any = list
    return kind[item]


def optional(item: Any) -> Any:
    """Return the annotation of a value that may be None."""
    return item | None


types = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(list_of), inner.map(optional), inner.map(lambda item: dict.__class_getitem__((str, item)))
    ),
    max_leaves=3,
)
wild_types = st.one_of(
    types,
    st.sampled_from([int | float, int | str | None, complex, set[int], Opaque, dict[int, str]]),
)


@st.composite
def messages(draw: st.DrawFn, kinds: st.SearchStrategy[Any]) -> Case:
    """Draw a codec, a command and an event with values of these kinds."""
    parameters = [Field(f"part_{index}", draw(kinds)) for index in range(draw(st.integers(0, 3)))]
    told = [Field(f"told{index}", draw(kinds)) for index in range(draw(st.integers(0, 2)))]
    specs = (
        MessageSpec("ask", "Device.ask", parameters=tuple(parameters), result=draw(kinds)),
        MessageSpec("tell", "Device.tell", parameters=tuple(told), is_event=True),
    )
    return Case("drawn", draw(st.sampled_from(CODECS)), specs, FAULTS)


@st.composite
def wild(draw: st.DrawFn) -> Case:
    """Draw a command with values of any kind."""
    fields = [Field(f"v{index}", draw(wild_types)) for index in range(draw(st.integers(1, 2)))]
    spec = MessageSpec("ask", "Device.ask", parameters=tuple(fields), result=draw(wild_types))
    return Case("wild", draw(st.sampled_from(CODECS)), (spec,), (Fault(3),))


class RebuiltJson(Rebuilt):
    """Messages by the data of ``tcpcomm describe``."""

    def __init__(self, dialect: Dialect, spec: MessageSpec) -> None:
        known = (dialect.layout(spec.name), dialect.rules(), dialect.fault_layout())
        self._foreign = ForeignJson(*json.loads(json.dumps(known)))

    def request(self, values: dict[str, Any], id: int) -> bytes:
        return self._foreign.request(plain(values), id)

    def read_request(self, frame: bytes) -> Any:
        return self._foreign.read_request(frame)

    def reply(self, values: dict[str, Any], result: Any, id: int) -> list[bytes]:
        return self._foreign.reply(plain(result), id)

    def fault(self, fault: Fault, id: int) -> bytes:
        return self._foreign.fault(fault.code, fault.reason, plain(fault.data), id)

    def plain(self, values: dict[str, Any]) -> Any:
        return plain(values)


DRAWN: Final = Drawn("json", messages(types), wild(), RebuiltJson)
