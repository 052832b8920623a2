"""
The basics of GEM: :class:`Gem` declares the equipment, and :class:`GemHost` the messages that hosts answer.

Identity (S1F1), status (S1F3), establishment of communication (S1F13), remote commands (S2F41), alarms
(S5F1) and event reports (S6F11). All other messages go by ``ask`` of :class:`~tcpcomm.devices.hsms.Hsms`.

Source: SEMI E30; SEMI E5, section 10, for the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from tcpcomm.conversation.responder import current_session
from tcpcomm.devices.hsms.forms import Code
from tcpcomm.devices.hsms.session import SELECTED, Hsms, HsmsHost
from tcpcomm.devices.hsms.values import Value
from tcpcomm.equipment.equipment import command, event
from tcpcomm.errors import CodecError, Fault

COMMACK: Final[Mapping[int, str]] = {1: "denied, try again"}
"""The words of COMMACK in S1F14."""

HCACK: Final[Mapping[int, str]] = {
    1: "the command does not exist",
    2: "cannot perform now",
    3: "at least one parameter is invalid",
    4: "acknowledged, an event will say when it is done",
    5: "rejected, already in the desired condition",
    6: "no such object exists",
}
"""The words of HCACK in S2F42. 0 and 4 are success."""

ALARM_SET: Final = 0x80
"""The bit of ALCD that says that the alarm is set."""


@frozen
class Established:
    """The reply to S1F13: COMMACK, and the model and software revision of equipment (empty from a host)."""

    commack: Code
    identity: list[str]


@frozen
class Commanded:
    """The reply to S2F41: HCACK, and for each wrong parameter its name and CPACK."""

    hcack: Code
    parameters: list[Value]


class GemHost(HsmsHost):
    """
    The messages of GEM that a host answers.

    Alarms and event reports call the subscribers of ``tool.alarm`` and ``tool.report``, and are
    acknowledged. Override :meth:`s5f1` and :meth:`s6f11` to acknowledge them otherwise.
    """

    @command("S1F1", timeout="t3", needs=SELECTED, idempotent=True)
    async def s1f1(self) -> list[str]:
        """Return an empty list: the host is there (Are You There)."""
        return []

    @command("S1F13", timeout="t3", needs=SELECTED, idempotent=True)
    async def s1f13(self, identity: list[str]) -> Established:
        """Establish communication with the equipment of this model and software revision."""
        return Established(0, [])

    @command("S5F1", timeout="t3", needs=SELECTED)
    async def s5f1(self, alcd: Code, alid: Value, altx: str) -> Code:
        """Take an alarm: its code, its id and its text. Return ACKC5, 0 if it is accepted."""
        session: Any = current_session()
        session.peer_proxy.alarm.happened({"alcd": alcd, "alid": alid, "altx": altx})
        return 0

    @command("S6F11", timeout="t3", needs=SELECTED)
    async def s6f11(self, dataid: Value, ceid: Value, reports: list[Value]) -> Code:
        """Take an event report: each report is its id and its values. Return ACKC6, 0 to accept it."""
        session: Any = current_session()
        session.peer_proxy.report.happened({"dataid": dataid, "ceid": ceid, "reports": reports})
        return 0


class Gem(Hsms):
    """Equipment that speaks the basics of GEM. Hosts use it, and GemTool implements it."""

    host_side = GemHost

    @command("S1F1", timeout="t3", needs=SELECTED, idempotent=True)
    async def s1f1(self) -> list[str]:
        """Return the model and the software revision (Are You There)."""
        raise NotImplementedError

    @command("S1F3", timeout="t3", needs=SELECTED, idempotent=True)
    async def s1f3(self, svids: list[Value]) -> list[Value]:
        """Return the values of status variables, all of them for an empty list (Selected Status)."""
        raise NotImplementedError

    @command("S1F13", timeout="t3", needs=SELECTED, idempotent=True)
    async def s1f13(self, identity: list[str]) -> Established:
        """Establish communication. A host sends an empty list."""
        raise NotImplementedError

    @command("S2F41", timeout="t3", needs=SELECTED)
    async def s2f41(self, rcmd: Value, parameters: list[Value]) -> Commanded:
        """Carry out a remote command. Each parameter is a list of its name and its value."""
        raise NotImplementedError

    @event("S5F1", needs=SELECTED)
    def alarm(self, alcd: Code, alid: Value, altx: str) -> None:
        """An alarm was set, if bit 8 of the code is set, or cleared."""

    @event("S6F11", needs=SELECTED)
    def report(self, dataid: Value, ceid: Value, reports: list[Value]) -> None:
        """A collection event happened. Each report is a list of its id and its values."""

    async def opening(self, *, active: bool) -> None:
        """Select the session, if the host has connected, and establish communication."""
        await super().opening(active=active)
        await self.establish()

    async def establish(self) -> list[str]:
        """
        Establish communication by S1F13. It is done on each new connection.

        Returns:
            The model and the software revision of the equipment.

        Raises:
            Fault: the equipment denied it: COMMACK is not 0.
        """
        answer = await self.s1f13([])
        if answer.commack:
            raise Fault(f"COMMACK {answer.commack}", COMMACK.get(answer.commack, ""))
        return answer.identity

    async def are_you_there(self) -> list[str]:
        """Return the model and the software revision of the equipment, by S1F1."""
        return await self.s1f1()

    async def status(self, svids: list[int | str]) -> list[Value]:
        """Return the values of these status variables, by S1F3. An empty list asks for all."""
        return await self.s1f3(svids)

    async def remote_command(self, rcmd: str, parameters: dict[str, Value] | None = None) -> int:
        """
        Let the equipment carry out a remote command, by S2F41.

        Args:
            rcmd: the command, such as ``START``.
            parameters: the values of its parameters by name.

        Returns:
            HCACK: 0 if it is done, 4 if an event will say when it is done.

        Raises:
            Fault: the equipment refused it. The code is ``HCACK 2`` and so on, and ``data`` has the wrong
                parameters.
            CodecError: the parameters are not a dictionary, or a value cannot be an item. Nothing was sent.
        """
        if parameters is not None and not isinstance(parameters, Mapping):
            raise CodecError(f"the parameters are a dictionary of names and values, not {parameters!r}")
        items: list[Value] = [[name, value] for name, value in (parameters or {}).items()]
        answer = await self.s2f41(rcmd, items)
        if answer.hcack not in (0, 4):
            raise Fault(f"HCACK {answer.hcack}", HCACK.get(answer.hcack, ""), answer.parameters)
        return answer.hcack

    # -- the equipment's side ---------------------------------------------------------------------------

    async def on_selected(self, session: Any) -> None:
        """Establish communication from this side, too, as GEM wants it."""
        await session.peer_proxy.s1f13(await self.s1f1())

    async def send_report(self, ceid: Value, reports: list[Value], dataid: Value = 0) -> int:
        """
        Send an event report to the host that has selected this equipment, by S6F11 with the W bit.

        Args:
            ceid: the id of the collection event.
            reports: for each report a list of its id and of the list of its values.
            dataid: the id of the data.

        Returns:
            ACKC6, 0 if the host has accepted it.

        Raises:
            NotReady: no host has selected this equipment.
            OutcomeUnknown: the host did not answer within T3, or the connection was lost meanwhile.
        """
        answer: int = await self.ask_host("s6f11", dataid=dataid, ceid=ceid, reports=reports)
        return answer

    async def send_alarm(self, alid: Value, text: str, *, is_set: bool = True, category: int = 0) -> int:
        """
        Send an alarm to the host that has selected this equipment, by S5F1 with the W bit.

        Args:
            alid: the id of the alarm.
            text: its text, at most 120 characters by the standard.
            is_set: False if it is cleared.
            category: the category of the alarm, 0 to 127.

        Returns:
            ACKC5, 0 if the host has accepted it. It raises the same errors as :meth:`send_report`.
        """
        alcd = (ALARM_SET if is_set else 0) | category
        answer: int = await self.ask_host("s5f1", alcd=alcd, alid=alid, altx=text)
        return answer
