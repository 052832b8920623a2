"""
The class attributes of a piece of equipment, checked one by one when the class is made.

Here is what each attribute may be by itself, what is usually written in its place, and whether a name that
nobody knows was meant to be one of them. What they must be together is checked with the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec import Codec
from tcpcomm.equipment.login import Login
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing
from tcpcomm.session.limits import Limits

__all__ = ["check_attributes"]

CLOSE: Final = 0.8
"""How alike two names are, from 0 to 1, of which one may be a slip of the other."""


@frozen
class _Kind:
    """What an attribute may be."""

    says: str
    fits: Callable[[Any], bool]
    instead: Callable[[Any], str] = lambda value: ""
    """How what was written is written right, where that can be guessed."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _framing_for(value: Any) -> str:
    if isinstance(value, str):
        return "; a text is read by parse_framing"
    if isinstance(value, bytes):
        return f": write Delimited({value!r})"
    return _made(value, Framing, "...")


def _made(value: Any, base: type[Any], arguments: str = "") -> str:
    """How an object is made of the class that stands in its place."""
    if isinstance(value, type) and issubclass(value, base):
        return f": write {value.__name__}({arguments})"
    return ""


def _text_for(value: Any) -> str:
    return f": write {value.decode('latin-1')!r}" if isinstance(value, bytes) else ""


def _number_for(value: Any) -> str:
    try:
        return f": write {float(value):g}" if isinstance(value, str) else ""
    except ValueError:
        return ""


def _is_login(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(step, Login) for step in value)


def _login_for(value: Any) -> str:
    if isinstance(value, Login):
        return ": write (Login(...),), with a comma"
    if isinstance(value, tuple | list):
        step = next(step for step in value if not isinstance(step, Login))
        if isinstance(step, tuple) and len(step) <= 2 and all(map(_is_text, step)):
            return f": write Login({', '.join(map(repr, step))})"
        if all(map(_is_text, value)) and len(value) == 2:
            return f": write (Login({value[0]!r}, {value[1]!r}),)"
        return f": {step!r} is no Login"
    return ""


_FRAMING: Final = r"a framing such as Delimited(b'\r\n')"

_KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        "framing": _Kind(_FRAMING, lambda value: isinstance(value, Framing), _framing_for),
        "reply_framing": _Kind(
            f"{_FRAMING}, or None", _or_none(lambda value: isinstance(value, Framing)), _framing_for
        ),
        "gap": _Kind("a number of seconds above 0, or None", _or_none(_is_number), _number_for),
        "codec": _Kind(
            "a codec such as Template()",
            lambda value: isinstance(value, Codec),
            lambda value: _made(value, Codec),
        ),
        "pipeline": _Kind(
            "a whole number, or None",
            _or_none(lambda value: isinstance(value, int) and not isinstance(value, bool)),
            _number_for,
        ),
        "heartbeat": _Kind("the name of a command, a text, or None", _or_none(_is_text)),
        "heartbeat_while_busy": _Kind("True or False", lambda value: isinstance(value, bool)),
        "greeting": _Kind("a text, or None", _or_none(_is_text), _text_for),
        "login": _Kind("a tuple of Login(expect, send)", _is_login, _login_for),
        "limits": _Kind(
            "Limits(...)",
            lambda value: isinstance(value, Limits),
            lambda value: _made(value, Limits, "..."),
        ),
    }
)


def check_attributes(kind: type[Any], root: type[Any]) -> None:
    """
    Check the attributes of a class that was just made.

    Args:
        kind: the class.
        root: Equipment itself, whose attributes are known.

    Raises:
        ConfigurationError: one is not what it must be, or has a name that is nearly one of them.
    """
    for name, expected in _KINDS.items():
        value = getattr(kind, name)
        if not expected.fits(value):
            instead = expected.instead(value)
            raise ConfigurationError(
                f"{kind.__name__}.{name} must be {expected.says}, not {_shown(value)}{instead}"
            )
    for name, value in vars(kind).items():
        meant = None if name.startswith("_") or hasattr(root, name) else _meant(name, value)
        if meant is not None:
            raise ConfigurationError(f"{kind.__name__}.{name}: did you mean {meant}?")


def _shown(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else repr(value)


def _meant(name: str, value: Any) -> str | None:
    """
    The attribute that a name of the class's own is a slip of.

    Equipment has attributes of its own, some with names like these. One is taken for a slip only if it
    differs in nothing but case and underscores, or if its value is one that the attribute might have.
    """
    if callable(value) or hasattr(value, "__get__"):
        return None
    bare = _bare(name)
    for known in _KINDS:
        if bare == _bare(known):
            return known
    close = get_close_matches(name, _KINDS, 1, CLOSE)
    if not close or value is None or (isinstance(value, tuple | list) and not value):
        return None
    return close[0] if _KINDS[close[0]].fits(value) else None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
