"""Messages of templates from the JSON of ``tcpcomm describe`` alone: :class:`RebuiltTemplates`."""

from __future__ import annotations

import json
from typing import Any

from tcpcomm.codec import Dialect, MessageSpec
from tcpcomm.errors import Fault
from tests.codec.drawn import Rebuilt
from tests.codec.plain import plain
from tests.codec.template.foreign import ForeignTemplates

__all__ = ["RebuiltTemplates"]


class RebuiltTemplates(Rebuilt):
    """Messages by the data of ``tcpcomm describe``."""

    def __init__(self, dialect: Dialect, spec: MessageSpec) -> None:
        known = (dialect.layout(spec.name), dialect.rules(), dialect.fault_layout())
        self._foreign = ForeignTemplates(*json.loads(json.dumps(known)))
        self._asked: dict[str, Any] = {}  # the values of the last request, which a fault may repeat

    def request(self, values: dict[str, Any], id: int) -> bytes:
        self._asked = plain(values)
        return self._foreign.request(self._asked, id)

    def read_request(self, frame: bytes) -> Any:
        return self._foreign.read_request(frame)

    def reply(self, values: dict[str, Any], result: Any, id: int) -> list[bytes]:
        return self._foreign.reply(plain(values), plain(result), id)

    def fault(self, fault: Fault, id: int) -> bytes:
        return self._foreign.fault(fault.code, fault.reason, plain(fault.data), id, self._asked)

    def plain(self, values: dict[str, Any]) -> Any:
        return plain(values)
