"""
The class attributes of a piece of equipment, checked one by one when the class is made.

A wrong value is refused with the usual correction, and so is a name that is nearly one of the attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from math import inf
from types import NoneType
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec import Codec
from tcpcomm.equipment.login import Login
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing
from tcpcomm.session.limits import Limits

CLOSE: Final = 0.8
"""The likeness of two names, from 0 to 1, from which one may be a misspelling of the other."""


@frozen
class _Attribute:
    """The values that an attribute may have, in words and as a check."""

    expected: str
    fits: Callable[[Any], bool]
    correction: Callable[[Any], str] = lambda value: ""
    """Returns the correction of a wrong value, or an empty text if it cannot be guessed."""


def _one_of(*kinds: type[Any]) -> Callable[[Any], bool]:
    """Return a check of the class of a value. A bool does not pass for a number."""
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _is_gap(value: Any) -> bool:
    return value is None or (_one_of(int, float)(value) and value > 0)


def _is_quiet(value: Any) -> bool:
    return _one_of(int, float)(value) and 0 <= value < inf


def _is_kind(value: Any) -> bool:
    return value is None or (isinstance(value, type) and hasattr(value, "host_side"))


def _is_policy(value: Any) -> bool:
    return value is None or isinstance(value, str) or hasattr(value, "handshake_timeout")


def _correct_framing(value: Any) -> str:
    if isinstance(value, str):
        return "; a text is read by parse_framing"
    if isinstance(value, bytes):
        return f": write Delimited({value!r})"
    return _correct_class(value, Framing, "...")


def _correct_class(value: Any, base: type[Any], arguments: str = "") -> str:
    """Return the correction if a class was given instead of an object."""
    if isinstance(value, type) and issubclass(value, base):
        return f": write {value.__name__}({arguments})"
    return ""


def _correct_text(value: Any) -> str:
    return f": write {value.decode('latin-1')!r}" if isinstance(value, bytes) else ""


def _correct_number(value: Any) -> str:
    try:
        return f": write {float(value):g}" if isinstance(value, str) else ""
    except ValueError:
        return ""


def _is_login(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(step, Login) for step in value)


def _correct_login(value: Any) -> str:
    if isinstance(value, Login):
        return ": write (Login(...),), with a comma"
    if not isinstance(value, tuple | list):
        return ""
    is_text = _one_of(str)
    step = next(step for step in value if not isinstance(step, Login))
    if isinstance(step, tuple) and len(step) <= 2 and all(map(is_text, step)):
        return f": write Login({', '.join(map(repr, step))})"
    if all(map(is_text, value)) and len(value) == 2:
        return f": write (Login({value[0]!r}, {value[1]!r}),)"
    return f": {step!r} is not a Login"


_FRAMING: Final = r"a framing such as Delimited(b'\r\n')"

_ATTRIBUTES: Final = {
    "framing": _Attribute(_FRAMING, _one_of(Framing), _correct_framing),
    "reply_framing": _Attribute(f"{_FRAMING}, or None", _one_of(Framing, NoneType), _correct_framing),
    "gap": _Attribute("a number of seconds above 0, or None", _is_gap, _correct_number),
    "quiet": _Attribute("a number of seconds, 0 or more", _is_quiet, _correct_number),
    "codec": _Attribute("a codec such as Template()", _one_of(Codec), partial(_correct_class, base=Codec)),
    "pipeline": _Attribute("a whole number, or None", _one_of(int, NoneType), _correct_number),
    "heartbeat": _Attribute("the name of a command, a text, or None", _one_of(str, NoneType)),
    "heartbeat_while_busy": _Attribute("True or False", _one_of(bool)),
    "greeting": _Attribute("a text, or None", _one_of(str, NoneType), _correct_text),
    "login": _Attribute("a tuple of Login(expect, send)", _is_login, _correct_login),
    "ready_when": _Attribute("the name of a state, a text, or None", _one_of(str, NoneType)),
    "goodbye": _Attribute("the name of a command, a text, or None", _one_of(str, NoneType)),
    "host_side": _Attribute("a subclass of Equipment, or None", _is_kind),
    "policy": _Attribute("a Policy, the name of a profile, or None", _is_policy),
    "limits": _Attribute(
        "Limits(...)", _one_of(Limits), partial(_correct_class, base=Limits, arguments="...")
    ),
}


def check_attributes(kind: type[Any], root: type[Any]) -> None:
    """
    Check the attributes of a class that was just made. The root, Equipment itself, has all of them.

    Raises:
        ConfigurationError: a value is wrong, or a name is nearly the name of an attribute.
    """
    for name, attribute in _ATTRIBUTES.items():
        value = getattr(kind, name)
        if not attribute.fits(value):
            given = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
            raise ConfigurationError(
                f"{kind.__name__}.{name} must be {attribute.expected}, not {given}"
                f"{attribute.correction(value)}"
            )
    for name, value in vars(kind).items():
        meant = None if name.startswith("_") or hasattr(root, name) else _meant_attribute(name, value)
        if meant is not None and meant not in vars(kind):  # it is another thing if both are there
            raise ConfigurationError(f"{kind.__name__}.{name}: did you mean {meant}?")


def _meant_attribute(name: str, value: Any) -> str | None:
    """
    Return the attribute that a name is a misspelling of, or None.

    It must differ just in case and underscores, or its value must fit, because users have similar names.
    """
    if callable(value) or hasattr(value, "__get__"):
        return None
    bare = {known.replace("_", ""): known for known in _ATTRIBUTES}.get(name.replace("_", "").lower())
    if bare is not None:
        return bare
    close = get_close_matches(name, _ATTRIBUTES, 1, CLOSE)
    if not close or value is None or (isinstance(value, tuple | list) and not value):
        return None
    return close[0] if _ATTRIBUTES[close[0]].fits(value) else None
