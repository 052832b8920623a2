"""
The class attributes of a piece of equipment, checked one by one when the class is made.

A wrong value is refused with the usual correction, and so is a name that is nearly one of the attributes.
The declaration checks that the attributes fit each other.
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

CLOSE: Final = 0.8
"""The likeness of two names, from 0 to 1, from which one may be a misspelling of the other."""


@frozen
class _Attribute:
    """The values that an attribute may have."""

    expected: str
    """The values, in words."""
    fits: Callable[[Any], bool]
    correction: Callable[[Any], str] = lambda value: ""
    """Returns the correction of a wrong value, or an empty text if it cannot be guessed."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


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
    if isinstance(value, tuple | list):
        step = next(step for step in value if not isinstance(step, Login))
        if isinstance(step, tuple) and len(step) <= 2 and all(map(_is_text, step)):
            return f": write Login({', '.join(map(repr, step))})"
        if all(map(_is_text, value)) and len(value) == 2:
            return f": write (Login({value[0]!r}, {value[1]!r}),)"
        return f": {step!r} is not a Login"
    return ""


_FRAMING: Final = r"a framing such as Delimited(b'\r\n')"

_ATTRIBUTES: Final[Mapping[str, _Attribute]] = MappingProxyType(
    {
        "framing": _Attribute(_FRAMING, lambda value: isinstance(value, Framing), _correct_framing),
        "reply_framing": _Attribute(
            f"{_FRAMING}, or None", _or_none(lambda value: isinstance(value, Framing)), _correct_framing
        ),
        "gap": _Attribute("a number of seconds above 0, or None", _or_none(_is_number), _correct_number),
        "codec": _Attribute(
            "a codec such as Template()",
            lambda value: isinstance(value, Codec),
            lambda value: _correct_class(value, Codec),
        ),
        "pipeline": _Attribute(
            "a whole number, or None",
            _or_none(lambda value: isinstance(value, int) and not isinstance(value, bool)),
            _correct_number,
        ),
        "heartbeat": _Attribute("the name of a command, a text, or None", _or_none(_is_text)),
        "heartbeat_while_busy": _Attribute("True or False", lambda value: isinstance(value, bool)),
        "greeting": _Attribute("a text, or None", _or_none(_is_text), _correct_text),
        "login": _Attribute("a tuple of Login(expect, send)", _is_login, _correct_login),
        "limits": _Attribute(
            "Limits(...)",
            lambda value: isinstance(value, Limits),
            lambda value: _correct_class(value, Limits, "..."),
        ),
    }
)


def check_attributes(kind: type[Any], root: type[Any]) -> None:
    """
    Check the attributes of a class that was just made.

    Args:
        kind: the class.
        root: Equipment itself, which has all attributes.

    Raises:
        ConfigurationError: a value is wrong, or a name is nearly the name of an attribute.
    """
    for name, attribute in _ATTRIBUTES.items():
        value = getattr(kind, name)
        if not attribute.fits(value):
            raise ConfigurationError(
                f"{kind.__name__}.{name} must be {attribute.expected}, not {_value_text(value)}"
                f"{attribute.correction(value)}"
            )
    for name, value in vars(kind).items():
        meant = None if name.startswith("_") or hasattr(root, name) else _meant_attribute(name, value)
        if meant is not None:
            raise ConfigurationError(f"{kind.__name__}.{name}: did you mean {meant}?")


def _value_text(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else repr(value)


def _meant_attribute(name: str, value: Any) -> str | None:
    """
    Return the attribute that a name is a misspelling of, or None.

    Users' classes have attributes with similar names. A name counts as misspelled only if it differs just
    in case and underscores, or if the attribute could have its value.
    """
    if callable(value) or hasattr(value, "__get__"):
        return None
    bare = _bare(name)
    for known in _ATTRIBUTES:
        if bare == _bare(known):
            return known
    close = get_close_matches(name, _ATTRIBUTES, 1, CLOSE)
    if not close or value is None or (isinstance(value, tuple | list) and not value):
        return None
    return close[0] if _ATTRIBUTES[close[0]].fits(value) else None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
