"""The simulator of GEM equipment: :class:`GemTool`, to be served as it is, or subclassed."""

from __future__ import annotations

from typing import Any

from tcpcomm.devices.hsms.gem import Commanded, Established, Gem
from tcpcomm.devices.hsms.values import Value


class GemTool(Gem):
    """
    GEM equipment that keeps status variables, and takes remote commands.

    ::

        class Sorter(GemTool):
            async def on_command(self, rcmd: str, parameters: dict[str, Value]) -> int:
                if rcmd != "START":
                    return 1                                     # HCACK: this command does not exist
                await self.send_report(ceid=10, reports=[[1, [parameters["LOTID"]]]])
                return 0

    Args:
        model: the model, MDLN.
        revision: the software revision, SOFTREV.
        status: the values of the status variables by their ids. The program may change them at any time.
    """

    def __init__(
        self,
        model: str = "tcpcomm",
        revision: str = "1.0",
        status: dict[Any, Value] | None = None,
    ) -> None:
        self.model = model
        self.revision = revision
        self.variables: dict[Any, Value] = {1: "IDLE", 2: 0} if status is None else status
        """The values of the status variables, by their ids."""

    async def on_command(self, rcmd: Any, parameters: dict[Any, Value]) -> int:
        """Carry out a remote command. Override it. Return HCACK: 0 if it is done."""
        return 0

    async def s1f1(self) -> list[str]:
        return [self.model, self.revision]

    async def s1f3(self, svids: list[Value]) -> list[Value]:
        # An unknown variable is an empty list (SEMI E5, S1F4).
        return [self._variable(each) for each in svids or self.variables]

    def _variable(self, svid: Value) -> Value:
        return [] if isinstance(svid, list) else self.variables.get(svid, [])

    async def s1f13(self, identity: list[str]) -> Established:
        return Established(0, await self.s1f1())

    async def s2f41(self, rcmd: Value, parameters: list[Value]) -> Commanded:
        wrong = [each for each in parameters if not _is_named(each)]
        if wrong:
            return Commanded(3, [])
        return Commanded(await self.on_command(rcmd, dict(parameters)), [])


def _is_named(parameter: Value) -> bool:
    """Return True if a parameter is a list of its name and its value. A list names nothing."""
    return isinstance(parameter, list) and len(parameter) == 2 and not isinstance(parameter[0], list)
