"""The lines and keys that a running tap understands: :func:`carry_out`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.disturbances import DISTURBANCES
from tcpcomm.tools.tap.disturber import Active
from tcpcomm.tools.tap.grammar import FRAMES_USAGE


class Controlled(Protocol):
    """The tap that lines are for."""

    @property
    def connections(self) -> int:
        """The number of open connections."""

    @property
    def is_pulled(self) -> bool:
        """True after a pull."""

    @property
    def is_listening(self) -> bool:
        """True if clients can connect."""

    def add(self, disturbance: str, /) -> int | None:
        """Begin a disturbance."""

    def list(self) -> tuple[Active, ...]:
        """Return the active disturbances."""

    def remove(self, id: int) -> None:
        """End one."""

    def clear(self) -> int:
        """End all."""

    def restore(self) -> int:
        """End pulls and refusals."""


KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "p": ("pull", "pull the cable; again: plug it in"),
    "d": ("drop next reply", "drop the next reply"),
    "D": ("drop next request", "drop the next request"),
    "c": ("cut next frame", "cut the next frame: half of it, and the rest 0.2 s later"),
    "g": ("glue next frame", "hold the next frame, and send it in one chunk with the one behind it"),
    "l": ("late next reply", "hold the next reply until the host speaks again"),
    "u": ("duplicate next frame", "send the next frame twice"),
    "x": ("corrupt next frame", "change a bit of the next frame"),
    "t": ("truncate next frame", "lose the second half of the next frame"),
    "h": ("half-open", "close the end to the equipment, and tell the host nothing"),
    "r": ("reset", "reset all connections"),
    "n": ("refuse", "refuse new connections; again: accept them"),
    "a": ("list", "show what is active"),
    "0": ("clear", "end all disturbances"),
}
"""The line for each key, and its effect."""

OFFERED: Final[tuple[tuple[str, str], ...]] = (
    ("pull", "pull the cable, until 'restore'"),
    ("refuse", "refuse new connections, until 'restore'"),
    *(KEYS[key] for key in "dDcgluxthr0"),
    ("restore", "end pulls and refusals, and send what is held back"),
    ("delay 0.2", "let all bytes arrive 0.2 s later"),
    ("corrupt checksum next reply", "make the checksum of the next reply wrong"),
    ("cut never next reply", "send half of the next reply, and nothing more"),
    ("drop every 10 replies", "drop each tenth reply"),
)
"""Lines that a page may offer, each with its effect."""


def carry_out(tap: Controlled, line: str) -> str:
    """
    Carry out a line, or the letter of a key. Return the answer, which may have several lines.

    Raises:
        ConfigurationError: the line is not understood, or is not possible now.
    """
    text = line.strip()
    if text in KEYS:
        text = _toggled(tap, KEYS[text][0])
    word, _, rest = text.partition(" ")
    simple: Mapping[str, Callable[[], str]] = {
        "list": lambda: _listed(tap),
        "status": lambda: _status(tap),
        "clear": lambda: _ended(tap.clear()),
        "restore": lambda: _ended(tap.restore()),
        "help": help_text,
        "?": help_text,
    }
    if word in simple and not rest:
        return simple[word]()
    if word == "remove":
        if not (rest.isascii() and rest.isdigit()):
            raise ConfigurationError(f"{line!r}: write the number that 'list' shows, as in 'remove 1'")
        tap.remove(int(rest))
        return f"removed {int(rest)}"
    number = tap.add(text)
    return f"done: {text}" if number is None else f"{number}: {_text_of(tap, number, text)}"


def _toggled(tap: Controlled, line: str) -> str:
    """Return the line for a key, which ends what it began before."""
    if line == "pull" and tap.is_pulled:
        return "restore"
    if line == "refuse":
        for each in tap.list():
            if each.text.startswith("refuse"):
                return f"remove {each.id}"
    return line


def _text_of(tap: Controlled, number: int, text: str) -> str:
    return next((each.text for each in tap.list() if each.id == number), text)


def _ended(count: int) -> str:
    return "nothing was active" if not count else f"ended {count}"


def _listed(tap: Controlled) -> str:
    lines = [
        f"{each.id}: {each.text}{'' if each.hits is None else f' ({each.hits} so far)'}"
        for each in tap.list()
    ]
    return "\n".join(lines) or "no disturbance is active"


def _status(tap: Controlled) -> str:
    state = "listening" if tap.is_listening else "refusing new connections"
    count = tap.connections
    return f"{state}; {count} connection{'' if count == 1 else 's'} open\n{_listed(tap)}"


def help_text() -> str:
    """Return the lines that there are."""
    usages = "\n".join(f"  {each.usage}\n      {each.help}" for each in DISTURBANCES)
    return (
        f"{usages}\n"
        f"  FRAMES is\n      {FRAMES_USAGE}\n"
        "  restore\n      end pulls and refusals, and send what is held back\n"
        "  list, remove NUMBER, clear\n      show or end disturbances\n"
        "  status\n      show the connections, too\n"
        "  quit\n      end the tap"
    )


def keys_text() -> str:
    """Return the keys that there are."""
    lines = [f"  {key}  {effect}" for key, (_, effect) in KEYS.items()]
    lines += ["  :  type a line, such as 'delay 0.2 to-host'; ':?' lists them", "  q  end the tap"]
    return "\n".join(lines)
