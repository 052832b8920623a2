"""
The disturbances of a tap, each as a value with a text: ``drop reply 3``.

:func:`~tcpcomm.tools.tap.grammar.parse_disturbance` reads the texts. A disturbance is configuration only: a
:class:`~tcpcomm.tools.tap.disturber.Disturber` counts the frames and carries it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from random import Random
from typing import Any, ClassVar, Final

from attrs import field, frozen

from tcpcomm.errors import BadChecksum, ConfigurationError, FramingError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import decode
from tcpcomm.tools.tap.direction import Toxic
from tcpcomm.tools.tap.toxics import TOXICS, Blackhole, Latency
from tcpcomm.tools.tap.which import Mode, PassingFrame, Which

MOST_GLUED: Final = 1000
"""Frames that are glued into one chunk. A disturbance with more is refused."""

MOST_COPIES: Final = 100
"""Copies of one frame that are sent. A disturbance with more is refused."""

LONGEST_WAIT: Final = 3600.0
"""
Seconds for which a disturbance delays bytes, or lasts if it ends by itself. A longer disturbance is
refused.
"""

_SHOWN: Final = 12
_CHECKSUM_BYTES: Final = 64

Changed = tuple[list[tuple[float, bytes]], str]
"""The pieces in place of a frame, each with its delay in seconds; and words for what happened."""


def _number(least: float, most: float, unit: str) -> Any:
    def check(instance: object, attribute: Any, value: float | None) -> None:
        if value is not None and not least <= value <= most:
            limits = f"from {least:g} to {most:g} {unit}"
            raise ConfigurationError(f"{attribute.name} must be {limits}, not {value:g}")

    return check


def _seconds(instance: object, attribute: Any, value: Any) -> None:
    _number(0, LONGEST_WAIT, "s")(instance, attribute, value)


_position = _number(1, 1_000_000_000, "bytes")


@frozen(kw_only=True)
class Disturbance:
    """A change to what passes."""

    word: ClassVar[str] = ""
    """The word with which its text begins."""

    usage: ClassVar[str] = ""
    """The forms of its text, with optional parts in brackets."""

    help: ClassVar[str] = ""
    """The effect, in a few words."""

    @property
    def needs_messages(self) -> bool:
        """True if only a declaration can tell which frames are meant."""
        return False

    @property
    def settings(self) -> str:
        """The settings as text, behind the word."""
        return ""

    @property
    def scope(self) -> str:
        """The frames, directions or connections as text, behind the settings."""
        return ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.word, self.settings, self.scope]))


@frozen(kw_only=True)
class OnFrames(Disturbance):
    """A disturbance of single frames. Without a framing, each chunk is a frame."""

    default_mode: ClassVar[Mode] = Mode.NEXT

    which: Which = field(factory=Which)

    @property
    def needs_messages(self) -> bool:
        return self.which.needs_messages

    @property
    def scope(self) -> str:
        return str(self.which)

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        """
        Return the pieces in place of the bytes of a frame, and words for what happened.

        Args:
            wire: the bytes, which another disturbance may have changed already.
            frame: the frame as it came.
            framing: the framing of its direction.
            random: the source of random values.
        """
        raise NotImplementedError


@frozen(kw_only=True)
class Delay(OnFrames):
    """Frames arrive later. Those behind them wait, because TCP keeps their order."""

    word = "delay"
    usage = "delay SECONDS [jitter SECONDS] [FRAMES]"
    help = "let all bytes, or some frames, arrive later; the bytes behind them wait, too"
    default_mode = Mode.ALL

    seconds: float = field(validator=_seconds)
    jitter: float = field(default=0.0, validator=_seconds)

    @property
    def settings(self) -> str:
        return f"{self.seconds:.12g}" + (f" jitter {self.jitter:.12g}" if self.jitter else "")

    @property
    def scope(self) -> str:
        return self.which.place if self.which.is_everything else str(self.which)

    def as_toxic(self) -> Toxic | None:
        """Return the toxic that does the same for all bytes, or None if only some frames are meant."""
        return Latency(self.seconds, self.jitter) if self.which.is_everything else None

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        delay = max(0.0, self.seconds + random.uniform(-self.jitter, self.jitter))
        return [(delay, wire)], f"delayed by {delay:.3g} s"


@frozen(kw_only=True)
class Late(OnFrames):
    """A reply arrives when its host has given it up: after a time, or when the other side speaks again."""

    word = "late"
    usage = "late [SECONDS] [FRAMES]"
    help = "hold a frame back until the other side speaks again, or for so many seconds"

    seconds: float | None = field(default=None, validator=_seconds)

    @property
    def settings(self) -> str:
        return "" if self.seconds is None else f"{self.seconds:.12g}"

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        if self.seconds is None:
            other = "host" if frame.to_host else "equipment"
            return [(inf, wire)], f"held back until the {other} speaks again"
        return [(self.seconds, wire)], f"held back for {self.seconds:g} s"


@frozen(kw_only=True)
class Drop(OnFrames):
    """Frames are lost."""

    word = "drop"
    usage = "drop [FRAMES]"
    help = "lose a frame"

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        return [], f"dropped: {_size(len(wire))}"


@frozen(kw_only=True)
class Duplicate(OnFrames):
    """Frames arrive several times."""

    word = "duplicate"
    usage = "duplicate [COPIES] [FRAMES]"
    help = "send a frame again, once or so many times"

    copies: int = field(default=1, validator=_number(1, MOST_COPIES, "copies"))

    @property
    def settings(self) -> str:
        return "" if self.copies == 1 else str(self.copies)

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        return [(0.0, wire)] * (self.copies + 1), f"sent {self.copies + 1} times"


@frozen(kw_only=True)
class Cut(OnFrames):
    """Half of a frame arrives, and the rest after a time, or never."""

    word = "cut"
    usage = "cut [after BYTES] [wait SECONDS | never] [FRAMES]"
    help = (
        "send half of a frame, or so many bytes, and the rest 0.2 s later; with 'never', nothing more "
        "arrives until 'restore'"
    )

    after: int | None = field(default=None, validator=_position)
    wait: float | None = field(default=0.2, validator=_seconds)
    """Seconds until the rest follows; None: never."""

    @property
    def settings(self) -> str:
        place = "" if self.after is None else f"after {self.after}"
        wait = "never" if self.wait is None else "" if self.wait == 0.2 else f"wait {self.wait:.12g}"
        return " ".join(filter(None, [place, wait]))

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        at = _within(self.after, wire)
        if at is None:
            return [(0.0, wire)], f"not cut: it has only {_size(len(wire))}"
        if self.wait is None:
            wait, rest = inf, "the rest, and all behind it, is held back"
        else:
            wait, rest = self.wait, f"the rest {self.wait:g} s later"
        return [(0.0, wire[:at]), (wait, wire[at:])], f"cut after {at} of {_size(len(wire))}, {rest}"


@frozen(kw_only=True)
class Truncate(OnFrames):
    """The end of a frame is lost. What follows arrives."""

    word = "truncate"
    usage = "truncate [after BYTES] [FRAMES]"
    help = "lose the second half of a frame, or all after so many bytes of it"

    after: int | None = field(default=None, validator=_position)

    @property
    def settings(self) -> str:
        return "" if self.after is None else f"after {self.after}"

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        at = _within(self.after, wire)
        if at is None:
            return [(0.0, wire)], f"not truncated: it has only {_size(len(wire))}"
        return [(0.0, wire[:at])], f"truncated to {at} of {_size(len(wire))}"


@frozen(kw_only=True)
class Glue(OnFrames):
    """A frame waits for others of its direction, and all arrive in one chunk."""

    word = "glue"
    usage = "glue [COUNT] [wait SECONDS] [FRAMES]"
    help = "hold frames back, 2 or so many, and send them in one chunk; after 1 s, though fewer have come"

    frames: int = field(default=2, validator=_number(2, MOST_GLUED, "frames"))
    wait: float = field(default=1.0, validator=_seconds)
    """Seconds after which the frames are sent, though fewer have come."""

    @property
    def settings(self) -> str:
        count = "" if self.frames == 2 else str(self.frames)
        return " ".join(filter(None, [count, "" if self.wait == 1.0 else f"wait {self.wait:.12g}"]))


@frozen(kw_only=True)
class Corrupt(OnFrames):
    """One bit, one byte, or the checksum of a frame is wrong."""

    word = "corrupt"
    usage = "corrupt [bit NUMBER | byte NUMBER | checksum] [FRAMES]"
    help = (
        "change a bit of a frame at random, a certain bit or byte (the first is 1), or the checksum, or "
        "without a checksum the last byte"
    )

    bit: int | None = field(default=None, validator=_position)
    byte: int | None = field(default=None, validator=_position)
    checksum: bool = False

    @property
    def settings(self) -> str:
        if self.checksum:
            return "checksum"
        if self.bit is not None:
            return f"bit {self.bit}"
        return "" if self.byte is None else f"byte {self.byte}"

    def change(self, wire: bytes, frame: PassingFrame, framing: Framing, random: Random) -> Changed:
        words = ""
        if self.checksum:
            at, words = _checksum_place(wire, frame, framing)
            mask = 1
        elif self.byte is not None:
            at, mask = self.byte - 1, 0xFF
        else:
            bit = random.randrange(8 * len(wire)) if self.bit is None else self.bit - 1
            at, mask = bit // 8, 0x80 >> bit % 8
        if at >= len(wire):
            return [(0.0, wire)], f"not corrupted: it has only {_size(len(wire))}"
        changed = wire[:at] + bytes([wire[at] ^ mask]) + wire[at + 1 :]
        values = "" if frame.is_secret else f": {wire[at]:02x} became {changed[at]:02x}"
        return [(0.0, changed)], f"corrupted byte {at + 1} of {len(wire)}{values}{words}"


@frozen(kw_only=True)
class OnConnections(Disturbance):
    """A disturbance of connections. It happens at once, or in place of a frame."""

    which: Which | None = None
    """The frame in whose place it happens; None: at once."""

    connection: int | None = None
    """The number of the connection, if it happens at once; None: all."""

    @property
    def needs_messages(self) -> bool:
        return self.which is not None and self.which.needs_messages

    @property
    def scope(self) -> str:
        if self.which is not None:
            return str(self.which)
        return "" if self.connection is None else f"on {self.connection}"


@frozen(kw_only=True)
class Reset(OnConnections):
    """Both ends are reset (RST)."""

    word = "reset"
    usage = "reset [FRAMES | on CONNECTION]"
    help = "reset both ends (RST), at once or in place of a frame"


@frozen(kw_only=True)
class Close(OnConnections):
    """Both ends are closed in order (FIN)."""

    word = "close"
    usage = "close [FRAMES | on CONNECTION]"
    help = "close both ends (FIN), at once or in place of a frame"


@frozen(kw_only=True)
class HalfOpen(OnConnections):
    """One end is closed; the other stays open and hears nothing, as after a restart of a machine."""

    word = "half-open"
    usage = "half-open [to-host | to-equipment] [on CONNECTION]"
    help = (
        "close the end to the equipment, or to the host; the other end stays open and hears nothing, and "
        "its bytes are lost"
    )

    to_host: bool = False
    """True if the end to the host is closed, False if the end to the equipment is."""

    @property
    def settings(self) -> str:
        return "to-host" if self.to_host else ""


@frozen(kw_only=True)
class OnStreams(Disturbance):
    """A disturbance of all bytes of a direction, until it is removed."""

    to_host: bool | None = None
    """True: the direction to the host, False: to the equipment, None: both."""

    connection: int | None = None
    """The number of the connection; None: all."""

    seconds: float | None = field(default=None, validator=_seconds)
    """Seconds after which it is removed; None: it stays."""

    @property
    def scope(self) -> str:
        place = Which(to_host=self.to_host, connection=self.connection).place
        return " ".join(filter(None, ["" if self.seconds is None else f"for {self.seconds:.12g}", place]))

    def toxic(self) -> Toxic:
        """Return the toxic that does it."""
        raise NotImplementedError


@frozen(kw_only=True)
class Pull(OnStreams):
    """The cable is pulled: no bytes and no close arrive. They arrive afterwards."""

    word = "pull"
    usage = "pull [for SECONDS] [to-host | to-equipment] [on CONNECTION]"
    help = (
        "let nothing arrive, neither bytes nor a close, as with a pulled cable, until 'restore' or for a "
        "time; then all of it arrives"
    )

    def toxic(self) -> Toxic:
        return Blackhole()


@frozen(kw_only=True)
class Poison(OnStreams):
    """A toxic, in Toxiproxy's words."""

    usage = "TOXIC [NAME=VALUE ...] [for SECONDS] [to-host | to-equipment] [on CONNECTION]"
    help = f"a toxic of Toxiproxy: {', '.join(TOXICS)}"

    kind: type[Toxic]
    values: tuple[tuple[str, float], ...] = ()

    def toxic(self) -> Toxic:
        made: Toxic = self.kind(**dict(self.values))
        return made

    @property
    def settings(self) -> str:
        name = next(name for name, kind in TOXICS.items() if kind is self.kind)
        return " ".join([name, *(f"{key}={value:.12g}" for key, value in self.values)])


@frozen(kw_only=True)
class Refuse(Disturbance):
    """New connections are refused: nobody listens. The open ones go on."""

    word = "refuse"
    usage = "refuse [for SECONDS]"
    help = "refuse new connections until it is removed, or for a time; the open ones go on"

    seconds: float | None = field(default=None, validator=_seconds)

    @property
    def scope(self) -> str:
        return "" if self.seconds is None else f"for {self.seconds:.12g}"


DISTURBANCES: Final[tuple[type[Disturbance], ...]] = (
    Delay,
    Late,
    Drop,
    Duplicate,
    Cut,
    Truncate,
    Glue,
    Corrupt,
    Pull,
    HalfOpen,
    Reset,
    Close,
    Refuse,
    Poison,
)
"""All kinds of disturbances."""


def _size(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _within(after: int | None, wire: bytes) -> int | None:
    """Return the place of a cut, by default the middle, or None if no byte would follow."""
    at = len(wire) // 2 if after is None else after
    return at if 0 < at < len(wire) else None


def _checksum_place(wire: bytes, frame: PassingFrame, framing: Framing) -> tuple[int, str]:
    """Return the place of a byte that breaks the checksum, and words for it."""
    for at in range(len(wire) - 1, max(-1, len(wire) - 1 - _CHECKSUM_BYTES), -1):
        changed = wire[:at] + bytes([wire[at] ^ 1]) + wire[at + 1 :]
        if any(isinstance(each, BadChecksum) for each in _faults(framing, changed)):
            return at, ", so that the checksum is wrong"
    inside = wire.rfind(frame.frame)
    at = inside + len(frame.frame) - 1 if inside >= 0 and frame.frame else len(wire) - 1
    return at, ", because the framing has no checksum"


def _faults(framing: Framing, wire: bytes) -> Iterator[FramingError]:
    for each in decode(framing.decoder(), wire):
        if isinstance(each, FramingError):
            yield each
