"""
The texts of disturbances: :func:`parse_disturbance`, for keys, scripts, options and the web page.

::

    drop reply 3                  delay 0.2 to-host            pull for 5
    cut after 3 every 5           glue 3 requests              reset reply 2 of locate
    corrupt checksum next reply   slicer average_size=1        refuse

A text is a word, its settings, and then the frames: ``next``, ``reply 3``, ``every 10``, ``share 0.01``
or ``all``; ``of locate`` for one command; ``to-host`` or ``to-equipment``; ``on 2`` for one connection.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final

from attrs import evolve

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.disturbances import (
    DISTURBANCES,
    Close,
    Corrupt,
    Cut,
    Delay,
    Disturbance,
    Drop,
    Duplicate,
    Glue,
    HalfOpen,
    Late,
    OnFrames,
    Poison,
    Pull,
    Refuse,
    Reset,
    Truncate,
)
from tcpcomm.tools.tap.toxics import TOXICS, kind_of_toxic, read_setting
from tcpcomm.tools.tap.which import Kind, Mode, Which

FRAMES_USAGE: Final = (
    "[next | reply N | request N | frame N | event N | every N | share P | all] [of NAME] "
    "[to-host | to-equipment] [on CONNECTION]"
)
"""The ways to name frames."""

_KINDS: Final = {
    **{kind.singular: kind for kind in Kind},
    **{kind.value: kind for kind in Kind},
    "command": Kind.REQUEST,
    "commands": Kind.REQUEST,
}
_WAYS: Final = {"to-host": True, "to-equipment": False, "both-ways": None}
_ORDINALS: Final = ("st", "nd", "rd", "th")
_Settings = dict[str, Any]


class _Words:
    """The words of a text that are not read yet."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = text.split()

    @property
    def next(self) -> str:
        """The next word in small letters; empty at the end."""
        return self._words[0].lower() if self._words else ""

    def pop(self, meaning: str) -> str:
        """Return the next word as it is written."""
        if not self._words:
            raise self.error(f"{meaning} is missing at the end")
        return self._words.pop(0)

    def skip(self, *words: str) -> bool:
        """Drop the next word if it is one of these. Return True if it was."""
        found = self.next in words
        if found:
            del self._words[0]
        return found

    def is_number(self) -> bool:
        """Return True if the next word begins a number."""
        return self.next[:1].isdigit() or self.next[:1] in ("-", ".")

    def number(self, meaning: str) -> float:
        """Return the next word, which must be a number."""
        word = self.pop(meaning)
        try:
            value = float(word.lower().removesuffix("s") if meaning.startswith("the seconds") else word)
        except ValueError:
            raise self.error(f"{meaning} must be a number, not {word!r}") from None
        if not value >= 0 or value == float("inf"):
            raise self.error(f"{meaning} must not be {word}")
        return value

    def count(self, meaning: str) -> int:
        """Return the next word, which must be a whole number from 1."""
        word = self.pop(meaning)
        digits = word[:-2] if word.lower().endswith(_ORDINALS) else word
        if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) < 10**9:
            raise self.error(f"{meaning} must be a whole number from 1, not {word!r}")
        return int(digits)

    def error(self, problem: str) -> ConfigurationError:
        """Return the error for a mistake."""
        return ConfigurationError(f"{self.text!r}: {problem}")

    def check_end(self, usage: str) -> None:
        """Refuse words that are left."""
        if self._words:
            raise self.error(f"{self._words[0]!r} is not understood here; write {usage}")


def _delay(words: _Words) -> _Settings:
    settings: _Settings = {"seconds": words.number("the seconds of the delay")}
    if words.skip("jitter"):
        settings["jitter"] = words.number("the seconds of the jitter")
    return settings


def _late(words: _Words) -> _Settings:
    return {"seconds": words.number("the seconds")} if words.is_number() else {}


def _copies(words: _Words) -> _Settings:
    return {"copies": words.count("the number of copies")} if words.is_number() else {}


def _cut(words: _Words) -> _Settings:
    settings = _after(words)
    if words.skip("never"):
        settings["wait"] = None
    elif words.skip("wait"):
        settings["wait"] = words.number("the seconds until the rest")
    return settings


def _after(words: _Words) -> _Settings:
    return {"after": words.count("the number of bytes")} if words.skip("after") else {}


def _glue(words: _Words) -> _Settings:
    settings = {"frames": words.count("the number of frames")} if words.is_number() else {}
    if words.skip("wait"):
        return {**settings, "wait": words.number("the seconds to wait for frames")}
    return settings


def _corrupt(words: _Words) -> _Settings:
    if words.skip("checksum"):
        return {"checksum": True}
    for part in ("bit", "byte"):
        if words.skip(part):
            return {part: words.count(f"the number of the {part}")}
    return {}


def _no_settings(words: _Words) -> _Settings:
    return {}


_ON_FRAMES: Final[dict[type[OnFrames], Callable[[_Words], _Settings]]] = {
    Delay: _delay,
    Late: _late,
    Drop: _no_settings,
    Duplicate: _copies,
    Cut: _cut,
    Truncate: _after,
    Glue: _glue,
    Corrupt: _corrupt,
}
_BY_WORD: Final = {kind.word: kind for kind in DISTURBANCES if kind.word}


def parse_disturbance(text: str) -> Disturbance:
    """
    Return the disturbance of a text, such as ``drop reply 3``.

    Raises:
        ConfigurationError: the text is not understood, or a number is out of its range.
    """
    words = _Words(text.replace(",", " "))
    if not words.next:
        raise ConfigurationError(f"write a disturbance, such as 'drop reply 3'; there are {_all_words()}")
    word = words.pop("")
    name = word.lower().replace("_", "-")
    kind = _BY_WORD.get(name)
    if kind is None and word.lower() not in TOXICS:
        similar = get_close_matches(name, [*_BY_WORD, *TOXICS], 1, 0.6)
        hint = f": did you mean {similar[0]}? There are" if similar else "; there are"
        raise words.error(f"no disturbance is called {word!r}{hint} {_all_words()}")
    try:
        made = _poison(word.lower(), words) if kind is None else _made(kind, words)
    except ConfigurationError as error:
        problem = str(error)
        raise error if problem.startswith(f"{words.text!r}:") else words.error(problem) from None
    words.check_end(made.usage.replace("[FRAMES]", FRAMES_USAGE))
    return made


def _all_words() -> str:
    return ", ".join([*_BY_WORD, *TOXICS])


def _made(kind: type[Disturbance], words: _Words) -> Disturbance:
    if issubclass(kind, OnFrames):
        settings = _ON_FRAMES[kind](words)
        several = Mode.NEXT if kind is Glue else Mode.ALL
        return kind(**settings, which=_which(words, kind.default_mode, several))
    if kind is Refuse:
        return Refuse(seconds=_for(words))
    if kind is Pull:
        return Pull(**_stream(words))
    if kind is HalfOpen:
        place = _which(words, Mode.ALL)
        if not place.is_everything:
            raise words.error("half-open happens at once, not at a frame: leave the frame out")
        return HalfOpen(to_host=bool(place.to_host), connection=place.connection)
    assert kind in (Reset, Close)
    at = _which(words, Mode.ALL)
    if not at.is_everything:
        return kind(which=at)
    if at.to_host is not None:
        raise words.error(f"{kind.word} is for both ends: leave the direction out, or see half-open")
    return kind(connection=at.connection)


def _poison(name: str, words: _Words) -> Poison:
    kind = kind_of_toxic(name)
    values = []
    while "=" in words.next:
        values.append(read_setting(kind, words.pop("")))
    made = Poison(kind=kind, values=tuple(values), **_stream(words))
    made.toxic()  # it checks the numbers
    return made


def _for(words: _Words) -> float | None:
    return words.number("the seconds") if words.skip("for") else None


def _stream(words: _Words) -> _Settings:
    seconds = _for(words)
    place = _which(words, Mode.ALL)
    if not place.is_everything:
        raise words.error("it is for all bytes: write only to-host, to-equipment, on CONNECTION")
    seconds = _for(words) if seconds is None else seconds
    return {"seconds": seconds, "to_host": place.to_host, "connection": place.connection}


def _which(words: _Words, default: Mode, several: Mode = Mode.ALL) -> Which:
    """
    Read the frames that are meant, in any order of their parts.

    Args:
        words: the words.
        default: the way of counting if no word is about it.
        several: the way of counting if only a word such as "replies" is about it.
    """
    which = Which()
    modes: list[Mode] = []
    implied = default
    while True:
        if words.skip("next"):
            modes.append(Mode.NEXT)
        elif words.skip("all"):
            modes.append(Mode.ALL)
        elif words.skip("every"):
            modes.append(Mode.EVERY)
            which = evolve(which, number=words.count("the number behind 'every'"))
        elif words.skip("share"):
            modes.append(Mode.SHARE)
            share = words.number("the share")
            if share > 1:
                raise words.error(f"the share must be from 0 to 1, such as 0.01, not {share:g}")
            which = evolve(which, number=share)
        elif words.next in _KINDS:
            implied = several if words.next.endswith("s") else Mode.NEXT
            kind = _KINDS[words.pop("").lower()]
            which = evolve(which, kind=kind)
            if words.is_number():
                modes.append(Mode.NUMBER)
                which = evolve(which, number=words.count(f"the number of the {kind.singular}"))
        elif words.skip("of"):
            which = evolve(which, name=words.pop("the name of a command or event"))
        elif words.next in _WAYS:
            which = evolve(which, to_host=_WAYS[words.pop("").lower()])
        elif words.skip("on"):
            which = evolve(which, connection=words.count("the number of the connection"))
        elif len(modes) > 1:
            raise words.error(f"it says twice which frames: {modes[0].value} and {modes[1].value}")
        else:
            return evolve(which, mode=modes[0] if modes else implied)
