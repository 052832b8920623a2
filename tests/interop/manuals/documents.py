"""JAKA robots, which speak JSON, and the XML interface of SIMATIC RF600 readers."""

from __future__ import annotations

from typing import Annotated, Literal

from attrs import frozen

from tcpcomm import Equipment, Fault, command, event
from tcpcomm.codec import Json, ProtocolErrorKind, Range, Xml
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
    """The name and the cause in a negative reply."""

    name: str = "ERROR_UNKNOWN_ERROR"
    cause: str = ""


@frozen
class Tag:
    """A transponder. The manual says that all but its id may be left out."""

    tag: str
    pc: str | None = None
    time: str | None = None


TAG = "<tag><tagID>{tag}</tagID>[<tagPC>{pc}</tagPC>][<utcTime>{time}</utcTime>]</tag>"


def asked(body: str) -> str:
    """Return the document of a command with this body."""
    return f"<frame><cmd><id>{{id:d}}</id>{body}</cmd></frame>"


def answered(body: str) -> str:
    """Return the document of a good reply with this body."""
    return f"<frame><reply><id>{{id:d}}</id><resultCode>0</resultCode>{body}</reply></frame>"


class Rf600(Equipment):
    """A SIMATIC RF600 reader, at port 10001. Replies, good ones and negative ones, repeat the id."""

    framing = XmlDocuments()
    codec = Xml(
        fault="<frame><reply><id>{id:d}</id><resultCode>{code:d}</resultCode>"
        "<error><name>{name}</name><cause>{cause}</cause></error></reply></frame>",
        codes=dict.fromkeys(ProtocolErrorKind, 10),
        id="id",
        data=Refused,
        ignore_unknown=True,
    )

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
    async def greet(self, versions: list[str], reader: str | None = None) -> Greeted:
        """Begin to communicate."""
        raise NotImplementedError

    @command(asked("<hostGoodbye/>"), reply=answered("<hostGoodbye/>"))
    async def leave(self) -> None:
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
        self, source: str, duration: int = 0, unit: Literal["Time", "Count"] = "Time"
    ) -> list[Tag]:
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

    async def greet(self, versions: list[str], reader: str | None = None) -> Greeted:
        if reader not in (None, "", "SIMATIC_RF680R"):
            raise Fault(14, data=Refused("ERROR_PARAMETER_ILLEGAL_VALUE", "readerType"))
        return Greeted(versions[0], "C1")

    async def leave(self) -> None:
        pass

    async def read(
        self, source: str, duration: int = 0, unit: Literal["Time", "Count"] = "Time"
    ) -> list[Tag]:
        if source != "Readpoint_1":
            raise Fault(4007, data=Refused("ERROR_READPOINT_NOT_FOUND", "sourceName"))
        return [Tag("3005FB63AC1F3681EC880468", "1234")]

    async def acknowledge(self, number: int) -> None:
        self.acknowledged.append(number)
