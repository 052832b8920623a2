"""The names that classes and files get from the name of a device: :class:`Names`."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
import unicodedata
from typing import Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

LONGEST_NAME: Final = 60
"""The most characters of the name of a device."""

_USED: Final = frozenset(
    {
        *("Any", "Binary", "Code", "Deferred", "Delimited", "Enclosed", "Equipment", "F32", "Fault"),
        *("IntEnum", "Json", "LengthPrefixed", "Measurement", "Network", "NotSent", "OutcomeUnknown"),
        *("Template", "U8", "Unframed"),
    }
)
"""Names that the programs use for something else."""

_NO_FILES: Final = frozenset(("aux", "con", "nul", "prn", "conftest", "setup", "tcpcomm", "tests"))
"""Names that files must not have: those of Windows' devices, and those of files with a meaning."""


def _letters(text: str) -> tuple[str, ...]:
    """Return the words of a table, where a dot stands for nothing."""
    return tuple(each.rstrip(".") for each in text.split())


# The Revised Romanization of Korean, letter by letter.
_INITIALS: Final = _letters("g kk n d tt r m b pp s ss . j jj ch k t p h")
_VOWELS: Final = _letters("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_FINALS: Final = _letters(". k k k n n n t l k m l l l p l m p p t t ng t t k t p t")
_WORD: Final = re.compile(
    "[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+[A-Z]*(?![a-z])|[0-9]+[a-z]*",
)
"""A word in the name of a class: PLC and Link in PLCLink, 3D and Camera in 3DCamera."""

_FIRST_SYLLABLE: Final = 0xAC00
_SYLLABLES: Final = len(_INITIALS) * len(_VOWELS) * len(_FINALS)


@frozen
class Names:
    """
    The names of a device.

    Args:
        title: its name as people say it, such as ``"3D camera"``.
        kind: the name of its class, such as ``"Device3DCamera"``.
        module: the name of its module, such as ``"device_3d_camera"``.
    """

    title: str
    kind: str
    module: str


def checked_title(title: str) -> str:
    """
    Return the name of a device with single spaces.

    Raises:
        ConfigurationError: it is empty, too long, or has control characters.
    """
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise ConfigurationError(f"the name of a device has 1 to {LONGEST_NAME} printable characters")
    return title


def names_of(title: str, identifier: str | None = None) -> Names:
    """
    Return the names for a device.

    Args:
        title: its name, in any language.
        identifier: a name for the code; None: it is derived from the title. Korean is written in Latin
            letters.

    Raises:
        ConfigurationError: one of the names cannot be used, or none can be derived.
    """
    title = checked_title(title)
    words = _words(title if identifier is None else identifier)
    if identifier is None and not words:
        raise ConfigurationError(f"{title!r} has no Latin letters: give a name for the code, as Camera")
    if identifier is not None and not (words and identifier.isascii()):
        raise ConfigurationError(f"{identifier!r} cannot be a name in the code: use Latin letters")
    kind = "".join(word[0].upper() + word[1:] for word in words)
    module = "_".join(_parts(kind))
    if not kind.isidentifier() or module.startswith("test_"):  # pytest takes such a file for a test
        kind, module = f"Device{kind}", f"device_{module}"
    if kind in _USED or keyword.iskeyword(kind):
        kind, module = f"{kind}Device", f"{module}_device"
    if _is_taken(module):
        module = f"{module}_device"
    return Names(title, kind, module)


def _words(text: str) -> list[str]:
    """Return the words of a text that classes can be named by, in ASCII."""
    latin = "".join(_romanized(letter) for letter in unicodedata.normalize("NFC", text))
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", plain)


def _romanized(letter: str) -> str:
    number = ord(letter) - _FIRST_SYLLABLE
    if not 0 <= number < _SYLLABLES:
        return letter if letter.isascii() or unicodedata.normalize("NFKD", letter)[0].isascii() else " "
    rest, final = divmod(number, len(_FINALS))
    initial, vowel = divmod(rest, len(_VOWELS))
    return f"{_INITIALS[initial]}{_VOWELS[vowel]}{_FINALS[final]}"


def _parts(kind: str) -> list[str]:
    """Return the words of a class's name, in small letters."""
    return [each.lower() for each in _WORD.findall(kind)]


def _is_taken(module: str) -> bool:
    """Return True if Python has another module of this name, which a file would hide."""
    if module in sys.stdlib_module_names or keyword.iskeyword(module) or module in _NO_FILES:
        return True
    if re.fullmatch("(com|lpt)[0-9]", module):  # devices of Windows
        return True
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None and "-packages" in spec.origin
