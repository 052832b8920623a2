"""Every option that may stand behind any kind, and the reasons why some are not guessed."""

from __future__ import annotations

from typing import Final

from tcpcomm.tools.guess.wrappers.hex_text import HEX_TEXT_OPTIONS
from tcpcomm.tools.guess.wrappers.preamble import PreambleWrapper
from tcpcomm.tools.guess.wrappers.telnet import TelnetWrapper

_OF_CHECKSUMS: Final = (
    *("head-check=", "head-check-at=", "head-check-from="),
    *("check=", "check-at=", "check-from=", "check-to=", "check-tail=", "check-header"),
)

GUESSED_OPTIONS: Final[frozenset[str]] = frozenset(
    {*TelnetWrapper.options, *PreambleWrapper.options, *HEX_TEXT_OPTIONS, *_OF_CHECKSUMS}
)
"""The words of the options that a guess may answer."""

_ZERO: Final = "In the bytes zero is a wrong checksum: only a manual says that it stands for none."

NOT_GUESSED_OPTIONS: Final[dict[str, str]] = {
    "check-zero-ok": _ZERO,
    "head-check-zero-ok": _ZERO,
    "head-check-to=": "The checksum of a header is sought behind the bytes that it counts, which it ends.",
    "check-resync": "It says how a receiver goes on after garbage, which no sent byte tells.",
}
"""The other options, each with the reason as a sentence."""
