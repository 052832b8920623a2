"""
The contract of every codec: :class:`Codec`, and :class:`Dialect`, which is one bound to a declaration.

A codec is configuration: frozen, checked when it is made. What commands and events there are, with which
words, parameters and results, it learns from the declaration of a piece of equipment, as :class:`MessageSpec`\\ s,
and compiles them once into a dialect. A dialect turns messages into frames and frames into messages, at
both ends. It knows no socket, no clock and no session: which reply belongs to which request is decided
elsewhere, by id where the dialect says that replies carry one, and else by their order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from random import Random
from typing import Any, ClassVar, Final, NamedTuple

from attrs import frozen

from tcpcomm.errors import CodecError, Fault

__all__ = [
    "MISSING",
    "MORE",
    "Answer",
    "Asked",
    "Batch",
    "Codec",
    "Dialect",
    "Event",
    "Field",
    "LiteralText",
    "MessageSpec",
    "Notation",
    "ProtocolErrorKind",
    "Refusal",
    "ReplyReader",
    "Request",
]


class Missing(Enum):
    """What an argument is that was not given, where None means something."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class More(Enum):
    """What :meth:`ReplyReader.take` returns while a reply is not complete."""

    MORE = "more"


MORE: Final = More.MORE


class ProtocolErrorKind(Enum):
    """What can be wrong with a request, or go wrong in answering it, that no declaration foresees."""

    UNREADABLE = "the request cannot be read"
    MALFORMED = "the request is none"
    UNKNOWN_COMMAND = "there is no such command"
    BAD_PARAMETERS = "the parameters do not fit the command"
    INTERNAL = "the command failed"
    """A defect of the equipment's program. What it was is logged there, and not told to the peer."""


@frozen
class Field:
    """One named value of a message: a parameter, with its annotation (``Annotated`` kept)."""

    name: str
    type: Any
    default: Any = MISSING


@frozen
class MessageSpec:
    """
    What a declaration says of one command or event, for a codec to compile.

    Attributes:
        name: the method's name.
        where: the class and the method, for error messages: ``VisionCamera.locate``.
        wire: what stands for it on the wire, as the codec wants it: a template, a word, an opcode.
            MISSING: the codec makes one of the name, if it can.
        reply: what its reply looks like, as the codec wants it. MISSING: as the codec does by itself. None:
            no reply is ever sent.
        parameters: its parameters, in order.
        result: the annotation of what it returns; None for a command that only succeeds, and for events.
        is_event: whether it is an event.
    """

    name: str
    where: str
    wire: Any = MISSING
    reply: Any = MISSING
    parameters: tuple[Field, ...] = ()
    result: Any = None
    is_event: bool = False


class LiteralText(NamedTuple):
    """A text that is in some message whatever the values are."""

    where: str
    """The class and the method, for error messages; empty if it belongs to the codec itself."""
    of: str
    """The template, or whatever it is a part of."""
    text: bytes
    by_equipment: bool
    """Whether the equipment sends it; otherwise the host does."""


class Request(NamedTuple):
    """A command that a host asks for, as it arrived at the equipment."""

    name: str
    values: dict[str, Any]
    id: Any = None
    """What the reply must carry, where the codec has ids."""
    wants_reply: bool = True

    @property
    def requests(self) -> tuple[Request]:
        """Itself: what one frame asked for."""
        return (self,)


class Refusal(NamedTuple):
    """What arrived instead of a request, and is answered with a fault."""

    error_kind: ProtocolErrorKind
    problem: CodecError
    """What exactly was wrong, in words."""
    name: str | None = None
    """The command, as far as it could be told."""
    id: Any = None
    wants_reply: bool = True
    foreign: bool = False
    """Whether it is no request at all, as far as can be told: it may be an answer, or an event."""

    @property
    def requests(self) -> tuple[Refusal]:
        """Itself: what one frame asked for."""
        return (self,)

    @property
    def may_be_foreign(self) -> bool:
        """Whether it is no command that was declared: somebody else may know what it is."""
        return self.foreign or self.error_kind is ProtocolErrorKind.UNKNOWN_COMMAND


class Batch(NamedTuple):
    """Several requests in one frame. Their replies leave together, put into one by :meth:`Dialect.join`."""

    requests: Sequence[Request | Refusal]


Asked = Request | Refusal | Batch
"""What one frame asked of the equipment: one request or, where the codec has batches, several."""


class Event(NamedTuple):
    """An event, as it arrived at the host."""

    name: str
    values: dict[str, Any]


class Answer(NamedTuple):
    """A frame, or a part of one, that answers a request, as it arrived at the host."""

    body: Any
    """What :meth:`ReplyReader.take` of that request wants."""
    id: Any = None
    """The request's id, where the codec has ids."""


class ReplyReader(ABC):
    """Reads what comes back for one request, which may be several frames."""

    wants_frames: ClassVar[bool] = False
    """Whether :meth:`take` wants frames as they came, instead of what the dialect makes of them."""

    @abstractmethod
    def take(self, body: Any) -> Any:
        """
        Take the next :attr:`Answer.body`.

        Returns:
            The command's result, or ``MORE`` if there are frames to come.

        Raises:
            Fault: the equipment said no.
            CodecError: this is no reply to that command.
        """


@frozen
class Notation:
    """How a command or event looks on the wire, for people: templates, layouts, or shapes of JSON."""

    request: str
    replies: tuple[str, ...] = ()
    """One line for each frame of the reply; none if there is no reply."""


class Codec(ABC):
    """The rule between frames and messages. Subclasses are frozen attrs classes."""

    @abstractmethod
    def bind(self, forms: Sequence[MessageSpec]) -> Dialect:
        """
        Compile the forms of a declaration.

        Raises:
            ConfigurationError: a form cannot be compiled, or two of them could not be told apart. The
                message begins with :attr:`MessageSpec.where` and names the parameter where one is at fault.
        """


class Dialect(ABC):
    """
    A codec that knows the commands and events of one declaration.

    It is frozen after it was made, and shared by all sessions. Values are checked strictly in both
    directions: a string is no number. What does not fit raises
    :class:`~tcpcomm.errors.CodecError`, which names the field, and nothing else is ever raised for bytes
    that a peer sent.
    """

    by_id: ClassVar[bool] = False
    """Whether replies carry the id of their request. Otherwise they come in the order of the requests."""

    largest_id: int = 2**31 - 1
    """The greatest id that a request can carry, where it carries one; then they begin again at 0."""

    has_faults: bool = True
    """Whether the equipment can say no; if not, what it cannot do is answered with nothing."""

    # -- the host's side --------------------------------------------------------------------------------

    @abstractmethod
    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        """
        The frame that asks for a command.

        Args:
            name: the command.
            values: a value for every parameter.
            id: what the reply shall carry; of no use where the codec has no ids.

        Raises:
            CodecError: a value is not of the parameter's type, or cannot be written so.
        """

    @abstractmethod
    def reply_reader(self, name: str) -> ReplyReader | None:
        """A reader for the reply to one request of a command; None if it has no reply."""

    @abstractmethod
    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        """
        What a frame from the equipment is: events are told from answers here, before any matching.

        Raises:
            CodecError: it can be neither.
        """

    def unmatched_event(self, frame: bytes) -> Event | None:
        """The event that a frame is if it answers no command after all; None if it is none."""
        return None

    # -- the equipment's side ---------------------------------------------------------------------------

    @abstractmethod
    def read_at_equipment(self, frame: bytes) -> Asked:
        """What a frame from the host asks for. It never raises: what cannot be read is a Refusal."""

    def acknowledgement(self, request: Request) -> bytes | None:
        """
        The frame by which the equipment says at once that it has begun, where the reply has one.

        Whether it has depends on the command alone.
        """
        return None

    @abstractmethod
    def reply(self, request: Request, result: Any) -> list[bytes]:
        """
        The frames of the reply, without the acknowledgement.

        Raises:
            CodecError: the result is not of the declared type, or cannot be written so.
        """

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        """What does for one command as :meth:`reply` does for all; a dialect may have it prepared."""
        return self.reply

    @abstractmethod
    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        """
        The frame that says no.

        Raises:
            CodecError: the declared form of faults cannot carry this code or reason.
        """

    @abstractmethod
    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """The fault, with this codec's code, that tells of a protocol error that no declaration foresees."""

    def join(self, replies: Sequence[bytes]) -> bytes:
        """One frame for the replies to a batch. Only codecs that read batches have it."""
        raise NotImplementedError(f"{type(self).__name__} has no batches")

    @abstractmethod
    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        """
        The frame that tells of an event.

        Raises:
            CodecError: a value is not of the parameter's type, or cannot be written so.
        """

    def literal_texts(self) -> Iterable[LiteralText]:
        """The texts that messages hold whatever their values are. The framing must carry them."""
        return ()

    # -- for simulators, tests and manuals --------------------------------------------------------------

    @abstractmethod
    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        """Draw values for the parameters of a command or event that pass the wire unchanged."""

    @abstractmethod
    def draw_result(self, name: str, random: Random) -> Any:
        """Draw a result of a command that passes the wire unchanged."""

    @abstractmethod
    def notation(self, name: str) -> Notation:
        """How a command or event looks on the wire, for people."""

    @abstractmethod
    def fault_notation(self) -> str:
        """How a fault looks on the wire, for people."""
