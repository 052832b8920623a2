"""A declaration as the C# generator needs it: :class:`Model`, its commands and its events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.tools.generate.csharp.value_types import CsType, Member, Types


@frozen
class CommandModel:
    """
    A command in C#.

    Attributes:
        command: the command as declared.
        name: the name of its method.
        members: its parameters.
        result: the type of its result.
        layout: the bytes, as the codec told them.
    """

    command: Command
    name: str
    members: tuple[Member, ...]
    result: CsType
    layout: Mapping[str, Any] = field(hash=False)

    @property
    def where(self) -> str:
        return self.command.where

    @property
    def has_reply(self) -> bool:
        return self.command.has_reply

    @property
    def has_result(self) -> bool:
        return self.result.name != "void"


@frozen
class EventModel:
    """
    An event in C#.

    Attributes:
        event: the event as declared.
        name: its name at the client; the server has ``Send`` in front of it.
        members: its parameters.
        layout: its bytes, as the codec told them.
    """

    event: DeclaredEvent
    name: str
    members: tuple[Member, ...]
    layout: Mapping[str, Any] = field(hash=False)

    @property
    def where(self) -> str:
        return self.event.where


@frozen
class Model:
    """
    A declaration in C#.

    Attributes:
        name: the name that the classes begin with.
        types: the classes and enumerations.
    """

    declaration: Declaration
    name: str
    commands: tuple[CommandModel, ...]
    events: tuple[EventModel, ...]
    types: Types = field(hash=False)


@frozen(kw_only=True)
class FaultCodes:
    """
    The codes of faults.

    Attributes:
        type: their type in C#.
        is_mixed: True if they are numbers and words.
    """

    type: str
    is_mixed: bool


class MessageCode(ABC):
    """
    The class ``Messages`` of a codec: it writes and reads the messages of a declaration.

    Attributes:
        message: the type of a message that is read: text, an object, or bytes.
        parts: the files of helper classes, without unused members.
        copied: the files of helper classes that are copied as a whole.
        values: further values of these files.
        codes: the codes of faults.
        has_details: True if faults carry more than a code and a reason.
    """

    message: str
    parts: tuple[str, ...]
    copied: tuple[str, ...] = ()
    values: Mapping[str, str] = MappingProxyType({})
    codes: FaultCodes
    has_details = False
    largest_id = 2**31 - 1

    id_type = "object"
    """The type of the id of a request at the server."""

    @property
    def events_differ(self) -> bool:
        """True if the message of an event is made for each session."""
        return False

    def classes(self) -> Iterator[str]:
        """Yield further classes."""
        return iter(())

    def fields(self) -> Iterator[str]:
        """Yield the fields of the class ``Messages``."""
        return iter(())

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """Yield the members of the class ``Messages``."""

    @abstractmethod
    def request(self, command: CommandModel) -> str:
        """Return a function of C# from a call to the bytes of its request."""

    @abstractmethod
    def reply_reader(self, command: CommandModel) -> str:
        """Return a function of C# from a call to its result."""

    @abstractmethod
    def reply(self, command: CommandModel, result: str) -> str:
        """Return the expression of the messages that answer a command. ``result`` is its result."""

    def acknowledgement(self, command: CommandModel) -> str:
        """Return the expression of the message that is sent before a command is carried out, or nothing."""
        return ""

    def client_members(self) -> Iterator[str]:
        """Yield further members of the client."""
        return iter(())

    def server_members(self) -> Iterator[str]:
        """Yield further members of the server."""
        return iter(())

    def before_dispatch(self) -> Iterator[str]:
        """Yield the statements of the server before the commands are tried one after another."""
        return iter(())

    def after_dispatch(self) -> Iterator[str]:
        """Yield the statements of the server if a message is none of the commands."""
        return iter(())

    def asked_members(self) -> Iterator[str]:
        """Yield the members of the class ``Asked`` that identify the command."""
        yield "public string Command { get; set; }"
