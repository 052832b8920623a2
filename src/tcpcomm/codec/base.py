"""
The interfaces of all codecs: :class:`Codec`, and :class:`Dialect`, a codec bound to a declaration.

A codec is configuration, checked when it is made. It compiles the commands and events of a declaration,
given as :class:`MessageSpec` objects, into a dialect. A dialect knows no socket, no clock and no session.
Other modules match replies to requests: by id if the dialect has ids, else by order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from attrs import frozen

from tcpcomm.codec.codegen import CommandSource, Source
from tcpcomm.errors import CodecError, Fault
from tcpcomm.framing.base import Framing


class Sentinel(Enum):
    """Values that no message contains."""

    MISSING = "missing"
    """The default of arguments for which None has a meaning."""
    MORE = "more"
    """The result of :meth:`ReplyReader.take` while a reply is incomplete."""


MISSING: Final = Sentinel.MISSING
MORE: Final = Sentinel.MORE


class ProtocolErrorKind(Enum):
    """The errors in reading or answering a request that a declaration does not list."""

    UNREADABLE = "the request cannot be read"
    MALFORMED = "this is not a request"
    UNKNOWN_COMMAND = "there is no such command"
    BAD_PARAMETERS = "the parameters do not fit the command"
    WRONG_STATE = "the state of the session does not allow the command"
    INTERNAL = "the command failed"
    """A defect in the equipment's program. The program logs the details and does not send them."""


@frozen
class Field:
    """One named value of a message, for example a parameter. Its annotation keeps ``Annotated``."""

    name: str
    type: Any
    default: Any = MISSING


@frozen
class MessageSpec:
    """
    The declaration of one command or event, for a codec to compile.

    Attributes:
        name: the method's name.
        where: the class and the method, for error messages: ``VisionCamera.locate``.
        wire: the request on the wire, in the codec's notation: a template, a word, an opcode. If MISSING,
            the codec derives it from the name, if it can.
        reply: the reply, in the codec's notation. If MISSING, the codec's default. If None, no reply is
            ever sent.
        parameters: the parameters, in order.
        result: the annotation of the result. None for events, and for commands without a result.
        is_event: True for an event.
        faults: the faults of this command beside those of all commands, in the codec's notation, or None.
        codec: the codec of this message, or None if it is that of the declaration.
    """

    name: str
    where: str
    wire: Any = MISSING
    reply: Any = MISSING
    parameters: tuple[Field, ...] = ()
    result: Any = None
    is_event: bool = False
    faults: Any = None
    codec: Codec | None = None


class LiteralText(NamedTuple):
    """A text that a message contains, whatever the values are."""

    where: str
    """The class and the method, for error messages; empty if the text belongs to the codec itself."""
    of: str
    """The template, or other notation, that contains the text."""
    text: bytes
    by_equipment: bool
    """True if the equipment sends the text, False if the host does."""


class EndedFrame(bytes):
    """A frame that brings its end. The framing adds none."""

    end: bytes

    def __new__(cls, frame: bytes, end: bytes) -> EndedFrame:
        self = super().__new__(cls, frame)
        self.end = end
        return self


class TwoRequests(NamedTuple):
    """The two frames that ask a command in two phases, and the reader for both answers."""

    first: bytes
    second: bytes
    reader: PhasedReader


class Request(NamedTuple):
    """A command as it arrived at the equipment."""

    name: str
    values: dict[str, Any]
    id: Any = None
    """The id that the reply must carry, if the codec has ids."""
    wants_reply: bool = True
    header: dict[str, Any] | None = None
    """The values that the headers of request and reply carry, if the codec has such values."""

    @property
    def requests(self) -> tuple[Request]:
        """This request alone, as if it were a :class:`Batch`."""
        return (self,)


class Refusal(NamedTuple):
    """A frame that is not a valid request. The equipment answers it with a fault."""

    error_kind: ProtocolErrorKind
    problem: CodecError
    """The error in detail."""
    name: str | None = None
    """The command, if it is known."""
    id: Any = None
    wants_reply: bool = True
    foreign: bool = False
    """True if the frame is probably not a request: it can be an answer or an event."""
    header: dict[str, Any] | None = None
    """The values that the headers of request and fault carry, if the codec has such values."""
    resembles: str = ""
    """The command that the frame would be with another header, or empty."""
    fault: Fault | None = None
    """The fault that tells more than the kind of the error, or None."""

    @property
    def requests(self) -> tuple[Refusal]:
        """This refusal alone, as if it were a :class:`Batch`."""
        return (self,)

    def but(self, **changes: Any) -> Refusal:
        """Return this refusal with other values of these attributes."""
        return self._replace(**changes)

    @property
    def may_be_foreign(self) -> bool:
        """True if the frame is not a declared command, so that another reader may know it."""
        return self.foreign or self.error_kind is ProtocolErrorKind.UNKNOWN_COMMAND


class Batch(NamedTuple):
    """Several requests in one frame. :meth:`Dialect.join` puts their replies into one frame."""

    requests: Sequence[Request | Refusal]
    """The requests. A long batch reads each of them when somebody asks for it."""
    in_order: bool = False
    """True if each request waits for the end of the one before it."""


Asked = Request | Refusal | Batch
"""The content of one frame from the host: one request, or several if the codec has batches."""


class Event(NamedTuple):
    """An event as it arrived at the host."""

    name: str
    values: dict[str, Any]


class Answer(NamedTuple):
    """A frame, or a part of a frame, that answers a request, as it arrived at the host."""

    body: Any
    """The argument for :meth:`ReplyReader.take` of that request."""
    id: Any = None
    """The request's id, if the codec has ids."""


class ReplyReader(ABC):
    """Reads the reply to one request. A reply can consist of several frames."""

    wants_frames: ClassVar[bool] = False
    """True if :meth:`take` wants whole frames instead of :attr:`Answer.body`."""

    whole: Callable[[Any], Any] | None = None
    """
    Reads a good reply that is one :attr:`Answer.body`, and changes nothing; None: only :meth:`take` can.

    It raises Fault or CodecError in every other case. A body that it reads is not an event.
    """

    is_one_frame: ClassVar[bool] = False
    """
    True if every reply is one frame. A frame that makes no sense can have taken its place then, and a
    session without ids goes on.
    """

    is_hasty: ClassVar[bool] = False
    """True if the first answer must come soon. The command may wait for its turn for longer than that."""

    is_acknowledged: bool = False
    """True if the acknowledgement was read that comes before the reply."""

    silence_is_success: ClassVar[bool] = False
    """True if the command has succeeded when no answer came within its timeout. The result is None."""

    is_without_id: bool = False
    """True if the reply has no id although other replies of the session have one."""

    @abstractmethod
    def take(self, body: Any) -> Any:
        """
        Read the next :attr:`Answer.body`.

        Returns:
            The command's result, or ``MORE`` if more frames must follow.

        Raises:
            Fault: the equipment answered with a fault.
            CodecError: the body is not a reply to that command.
        """


class SilenceReader(ReplyReader):
    """
    Reads the fault that can come in place of silence, by another reader.

    Args:
        reader: reads the default reply of the command, or its fault.
    """

    is_one_frame = True
    is_hasty = True
    silence_is_success = True

    def __init__(self, reader: ReplyReader) -> None:
        self._reader = reader

    def take(self, body: Any) -> Any:
        self._reader.take(body)
        raise CodecError("it is not a fault, and the command has no reply")


class PhasedReader(ReplyReader):
    """Reads the answer to the first of two requests, and then the reply to the second one."""

    wants_second: bool
    """True if the first request was answered, and the second one must be sent."""

    @abstractmethod
    def second_is_sent(self) -> None:
        """Note that the second request is sent."""


@frozen
class Notation:
    """The form of a command or event on the wire, for people: templates, layouts, or shapes of JSON."""

    request: str
    replies: tuple[str, ...] = ()
    """One line for each frame of the reply; empty if there is no reply."""
    faults: tuple[str, ...] = ()
    """One line for each form of the faults that only this command has."""


class Codec(ABC):
    """The rule between frames and messages. Subclasses are frozen attrs classes."""

    takes_silence: ClassVar[bool] = False
    """True if a command may have ``reply=Silence(...)``."""

    compiles_silence: ClassVar[bool] = False
    """True if :meth:`bind` knows Silence. Else it gets the command with the default reply."""

    takes_faults: ClassVar[bool] = False
    """True if one command can have faults of its own, by :attr:`MessageSpec.faults`."""

    def completed(self, spec: MessageSpec) -> MessageSpec:
        """Return a declared message with what this codec decides from its request: if there is a reply."""
        return spec

    @abstractmethod
    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        """
        Compile the commands and events of a declaration.

        Raises:
            ConfigurationError: a message cannot be compiled, or two messages cannot be distinguished. The
                error begins with :attr:`MessageSpec.where`, and names the parameter if one is wrong.
        """


class Dialect(ABC):
    """
    A codec that knows the commands and events of one declaration.

    It never changes, and all sessions share it. It checks values strictly in both directions: for example,
    a string is never accepted as a number. A value that does not fit raises
    :class:`~tcpcomm.errors.CodecError`, which names the field. Bytes from a peer cause no other exception.
    """

    by_id: bool = False
    """True if replies carry the id of their request. If False, they come in the order of the requests."""

    reads_by_request: bool = False
    """True if some replies can be read only with the values of their requests, by :meth:`reader_for`."""

    mixes_order: bool = False
    """True if some replies carry an id, and others come in the order of their requests."""

    id_parameters: Mapping[str, str] = MappingProxyType({})
    """The parameters that are the ids of their commands, by the names of the commands."""

    largest_id: int = 2**31 - 1
    """The largest id that a request can carry. After it, ids start again at 0."""

    header_values: Mapping[str, Field] = MappingProxyType({})
    """The values that headers carry, by name. If there are some, hosts ask by :meth:`ask`."""

    codes_are_texts: bool = False
    """True if the code of a fault is a text even where it looks like a number: ``"3"``."""

    event_values: frozenset[str] = frozenset()
    """The values that headers of events carry, so that the event differs from session to session."""

    meanings: Mapping[int | str, str] = MappingProxyType({})
    """The words of the codes of faults, which are the reason of a fault that comes without one."""

    has_faults: bool = True
    """True if the equipment can answer with a fault. If False, it sends nothing instead of a fault."""

    def can_fail(self, name: str) -> bool:
        """Return True if a command can be answered with a fault."""
        return self.has_faults

    def fault_codes(self, name: str) -> Sequence[int | str]:
        """Return the codes of the faults of a command that have a form of their own on the wire."""
        return ()

    first_requests: Mapping[str, bytes] = {}
    """The names of the requests that begin a command in two phases, and the frames that answer them."""

    # -- the host's side --------------------------------------------------------------------------------

    @abstractmethod
    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        """
        Return the frame that requests a command.

        Args:
            name: the command.
            values: a value for every parameter.
            id: the id that the reply must carry; ignored if the codec has no ids.

        Raises:
            CodecError: a value has the wrong type, or cannot be written in the declared form.
        """

    def ask(
        self,
        name: str,
        values: Mapping[str, Any],
        id: int,
        header: Mapping[str, Any],
        learned: dict[str, Any],
    ) -> tuple[bytes, ReplyReader | None]:
        """
        Return the frame that requests a command, and a reader for its reply, if headers carry values.

        Args:
            name: the command.
            values: a value for every parameter.
            id: the id that the reply must carry.
            header: the values in headers that were set, by name.
            learned: those that earlier replies of this session gave. The reader adds those of this reply.

        Raises:
            CodecError: as :meth:`request`.
        """
        return self.request(name, values, id), self.reader_for(name, values)

    def two_requests(self, name: str, values: Mapping[str, Any]) -> TwoRequests | None:
        """
        Return the two frames that request a command in two phases, or None if one frame requests it.

        Raises:
            CodecError: as for :meth:`request`.
        """
        return None

    @abstractmethod
    def reply_reader(self, name: str) -> ReplyReader | None:
        """Return a reader for the reply to one request of a command, or None if it has no reply."""

    def reader_for(self, name: str, values: Mapping[str, Any]) -> ReplyReader | None:
        """
        Return a reader for the reply to a request with these values, or None if it has no reply.

        It is needed only if :attr:`reads_by_request` is True.
        """
        return self.reply_reader(name)

    @abstractmethod
    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        """
        Return the events and answers in a frame from the equipment.

        Raises:
            CodecError: the frame is neither an event nor an answer.
        """

    def answers_another(self, name: str, body: Any) -> bool:
        """Return True if the body of an :class:`Answer` is surely the reply to another command."""
        return False

    def outer_fault(self, frame: bytes) -> Fault | None:
        """Return the fault in a frame that answers a command of another codec, or None."""
        return None

    def stray_answer(self, frame: bytes) -> bytes | None:
        """Return the frame that refuses an answer to no command, or None if nothing is said about it."""
        return None

    def unmatched_event(self, frame: bytes) -> Event | None:
        """Return the event in a frame that answered no command, or None if the frame is not an event."""
        return None

    # -- the equipment's side ---------------------------------------------------------------------------

    @abstractmethod
    def read_at_equipment(self, frame: bytes) -> Asked:
        """Return the request in a frame from the host. A frame that cannot be read gives a Refusal."""

    def session_reader(self) -> Callable[[bytes], Asked]:
        """Return a function that reads the frames of one session in order, if their order matters."""
        return self.read_at_equipment

    def answer_id(self, request: Request) -> Any:
        """Return the :attr:`Answer.id` of the answers to a request, or None if they carry no id."""
        return request.id

    def acknowledgement(self, request: Request) -> bytes | None:
        """Return the frame that acknowledges a command before its reply, or None if it has none."""
        return None

    @abstractmethod
    def reply(self, request: Request, result: Any) -> list[bytes]:
        """
        Return the frames of the reply, without the acknowledgement.

        Raises:
            CodecError: the result has the wrong type, or cannot be written in the declared form.
        """

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        """Return a function that does the work of :meth:`reply` for one command. It may be faster."""
        return self.reply

    @abstractmethod
    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        """
        Return the frame that answers a request with a fault.

        Raises:
            CodecError: the codec's faults cannot carry this code or reason.
        """

    @abstractmethod
    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        """Return the fault for a protocol error, with the code that this codec gives it."""

    def fault_for_request(self, name: str | None, kind: ProtocolErrorKind, reason: str) -> Fault:
        """Return the fault for a protocol error in a request of a command, or of none if that is None."""
        return self.fault_for(kind, reason)

    def tells(self, name: str | None, kind: ProtocolErrorKind) -> bool:
        """Return True if a protocol error is answered with a fault, and False if with nothing."""
        return self.has_faults if name is None else self.can_fail(name)

    charset: str | None = None
    """The encoding, as Python calls it, if the loop over a session's frames gets them as text."""

    def recognition(self, source: Source, names: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """
        Return statements by which a loop recognises commands, and groups of those commands.

        The statements set ``number`` to the number of the group, from 1, that ``frame`` may belong to, or
        to 0. By default they read it with :meth:`read_at_equipment`, and set ``asked`` to the request.
        """
        numbers = {name: number for number, name in enumerate(names, 1)}
        read, find = source.constant(self.read_at_equipment, "read"), source.constant(numbers.get, "find")
        number = f"{find}(asked.name, 0) if type(asked) is Request and asked.wants_reply else 0"
        return [f"asked = {read}(frame)", f"number = {number}"], [[name] for name in names]

    def command_source(self, source: Source, name: str, sent: Framing) -> CommandSource:
        """
        Return the source by which a loop reads and answers a command that was recognised.

        Args:
            source: the source of the loop. Its function ``encode`` returns a frame as bytes on the wire.
            name: the command.
            sent: the framing that has this function.
        """
        write = source.constant(self.replier(name), "write")
        statements = ["if not isinstance(value, LATER):", f"(written,) = {write}(asked, value)"]
        return CommandSource((), "**asked.values", statements, "encode(written)")

    def join(self, replies: Sequence[bytes]) -> bytes:
        """Return one frame with the replies to a batch. Only codecs that have batches implement it."""
        raise NotImplementedError(f"{type(self).__name__} has no batches")

    @abstractmethod
    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        """
        Return the frame of an event.

        Raises:
            CodecError: a value has the wrong type, or cannot be written in the declared form.
        """

    def event_to(self, name: str, values: Mapping[str, Any], header: Mapping[str, Any]) -> bytes:
        """
        Return the frame of an event to one session, if headers of events carry values.

        Args:
            name: the event.
            values: a value for every parameter.
            header: the values of the session for its header, by name.

        Raises:
            CodecError: as :meth:`event`, or a value of the header does not fit.
        """
        return self.event(name, values)

    def literal_texts(self) -> Iterable[LiteralText]:
        """Return the texts that messages contain whatever their values are. The framing must carry them."""
        return ()

    # -- for simulators, tests and manuals --------------------------------------------------------------

    @abstractmethod
    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        """Draw values for the parameters of a command or event. They can be sent without change."""

    @abstractmethod
    def draw_result(self, name: str, random: Random) -> Any:
        """Draw a result of a command. It can be sent without change."""

    def draw_reply(self, request: Request, random: Random) -> Any:
        """Draw a result of a command for one request. Some results depend on the values of the request."""
        return self.draw_result(request.name, random)

    @abstractmethod
    def notation(self, name: str) -> Notation:
        """Return the form of a command or event on the wire, for people."""

    @abstractmethod
    def fault_notation(self) -> str:
        """Return the form of a fault on the wire, for people, or nothing without faults."""

    def layout(self, name: str) -> dict[str, Any] | None:
        """
        Return the bytes of a command or event as plain data, which a program can write a codec from.

        None: the codec does not tell them.
        """
        return None

    def fault_layout(self) -> dict[str, Any] | None:
        """Return the bytes of a fault as plain data, or None if the codec does not tell them."""
        return None

    def rules(self) -> dict[str, Any]:
        """Return the rules that hold for the bytes of all messages, such as the encoding, as plain data."""
        return {}
