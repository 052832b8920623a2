"""JAKA robots, which speak JSON, and the XML interface of SIMATIC RF600 readers."""

from __future__ import annotations

from typing import Annotated, Literal

from attrs import frozen

from tcpcomm import Equipment, Fault, command, event
from tcpcomm.codec import Json, OneOf, ProtocolErrorKind, Range, Xml
from tcpcomm.framing import JsonValues, XmlDocuments


@frozen
class RobotState:
    """Two words about the state of a robot."""

    enable: str
    power: str


class Jaka(Equipment):
    """
    A JAKA robot: its commands, at port 10001. Positions are in degrees.

    Some versions of the controller leave the text and the word out.
    """

    framing = JsonValues()
    codec = Json(
        "cmdName",
        result=None,
        fault=None,
        code="errorCode",
        reason="errorMsg",
        success={"errorCode": ("0", 0), "errorMsg": ""},
        optional=("errorMsg", "cmdName"),
        echo=True,
        codes=dict.fromkeys(ProtocolErrorKind, "2"),
    )

    @command()
    async def power_on(self) -> None:
        """Switch the power of the robot on."""
        raise NotImplementedError

    @command()
    async def joint_move(
        self,
        relFlag: Literal[0, 1],
        jointPosition: list[float],
        speed: Annotated[float, Range(0)],
        accel: Annotated[float, Range(0, 720)] = 100.0,
    ) -> None:
        """Move the joints to a position, or by a distance if the flag is 1."""
        raise NotImplementedError

    @command(idempotent=True)
    async def get_robot_state(self) -> RobotState:
        """Read the state."""
        raise NotImplementedError


class MyJaka(Jaka):
    """A robot that is controlled by another program."""

    async def power_on(self) -> None:
        raise Fault("3", "permission deny")

    async def joint_move(
        self, relFlag: Literal[0, 1], jointPosition: list[float], speed: float, accel: float = 100.0
    ) -> None:
        if len(jointPosition) != 6:
            raise Fault("2", "six joints are needed")

    async def get_robot_state(self) -> RobotState:
        return RobotState("robot_enabled", "powered_on")


class JakaStates(Equipment):
    """The states that a JAKA robot sends at port 10000: JSON objects that name no kind of message."""

    framing = JsonValues()
    codec = Json(event=None)

    @event()
    def state(
        self, joint_position: list[float] | None = None, enabled: bool = False, error_msg: str = ""
    ) -> None:
        """The state of the robot."""


@frozen
class Greeted:
    """The version of the interface, and the id of the configuration."""

    version: str
    config: str


@frozen
class Refused:
    """A negative reply."""

    code: int
    name: str
    cause: str


@frozen
class Tag:
    """A transponder. The manual says that all but its id may be left out."""

    tag: str
    pc: str | None = None
    time: str | None = None


REFUSED = (
    "<frame><reply><id>{number:d}</id><resultCode>{code:d}</resultCode>"
    "<error><name>{name}</name><cause>{cause}</cause></error></reply></frame>"
)
TAG = "<tag><tagID>{tag}</tagID>[<tagPC>{pc}</tagPC>][<utcTime>{time}</utcTime>]</tag>"


def asked(body: str) -> str:
    """Return the document of a command with this body."""
    return f"<frame><cmd><id>{{number:d}}</id>{body}</cmd></frame>"


def answered(body: str) -> OneOf:
    """Return the forms of a reply: the good one with this body, or the negative one."""
    head = "<frame><reply><id>{number:d}</id><resultCode>0</resultCode>"
    return OneOf(f"{head}{body}</reply></frame>", REFUSED)


class Rf600(Equipment):
    """
    A SIMATIC RF600 reader, at port 10001.

    The caller numbers the commands. A negative reply is a result, because a fault cannot repeat the number.
    """

    framing = XmlDocuments()
    codec = Xml(fault=None, ignore_unknown=True)

    @command(
        asked(
            "<hostGreetings>[<readerType>{reader}</readerType>]"
            "<supportedVersions>{versions*:<version>{version}</version>}</supportedVersions></hostGreetings>"
        ),
        reply=answered(
            "<hostGreetings><returnValue><version>{version}</version><configID>{config}</configID>"
            "</returnValue></hostGreetings>"
        ),
        timeout=20.0,
    )
    async def greet(self, number: int, versions: list[str], reader: str | None = None) -> Greeted | Refused:
        """Begin to communicate."""
        raise NotImplementedError

    @command(asked("<hostGoodbye/>"), reply=answered("<hostGoodbye/>"))
    async def leave(self, number: int) -> Refused | None:
        """End the communication."""
        raise NotImplementedError

    @command(
        asked(
            "<readTagIDs><sourceName>{source}</sourceName><duration>{duration:d}</duration>"
            "<unit>{unit}</unit></readTagIDs>"
        ),
        reply=answered(f"<readTagIDs><returnValue>{{tags*:{TAG}}}</returnValue></readTagIDs>"),
    )
    async def read(
        self, number: int, source: str, duration: int = 0, unit: Literal["Time", "Count"] = "Time"
    ) -> list[Tag] | Refused:
        """Read the transponders at a read point."""
        raise NotImplementedError

    @command(
        "<frame><reply><id>{number:d}</id><resultCode>0</resultCode><ter/></reply></frame>", reply=None
    )
    async def acknowledge(self, number: int) -> None:
        """Acknowledge a report."""
        raise NotImplementedError

    @event(
        "<frame><report><id>{number:d}</id><ter><source><sourceName>{source}</sourceName>"
        f"{{tags*:{TAG}}}</source></ter></report></frame>"
    )
    def seen(self, number: int, source: str, tags: list[Tag]) -> None:
        """Transponders came to a read point."""


class MyRf600(Rf600):
    """A reader with one read point, and one transponder."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    async def greet(self, number: int, versions: list[str], reader: str | None = None) -> Greeted | Refused:
        if reader not in (None, "", "SIMATIC_RF680R"):
            return Refused(14, "ERROR_PARAMETER_ILLEGAL_VALUE", "readerType")
        return Greeted(versions[0], "C1")

    async def leave(self, number: int) -> Refused | None:
        return None

    async def read(
        self, number: int, source: str, duration: int = 0, unit: Literal["Time", "Count"] = "Time"
    ) -> list[Tag] | Refused:
        if source != "Readpoint_1":
            return Refused(4007, "ERROR_READPOINT_NOT_FOUND", "sourceName")
        return [Tag("3005FB63AC1F3681EC880468", "1234")]

    async def acknowledge(self, number: int) -> None:
        self.acknowledged.append(number)
