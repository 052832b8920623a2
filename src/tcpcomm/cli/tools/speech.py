"""The language of a connection, by the options of a command: :func:`speech_of`."""

from __future__ import annotations

from tcpcomm.cli.common import Refusal, load_declaration, number
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing
from tcpcomm.framing.notation import parse_framing
from tcpcomm.tools.dissect.speech import Speech


def speech_of(
    name: str | None, framing: str | None, reply_framing: str | None = None, gap: str | None = None
) -> Speech:
    """
    Return the language that the options of a command tell.

    Args:
        name: of ``--as``, or None.
        framing: of ``--framing``, or None.
        reply_framing: of ``--reply-framing``, or None.
        gap: of ``--gap``, or None.

    Raises:
        Refusal: an option is wrong, or has no effect.
    """
    silence = None if gap is None else number("gap", gap, above=True)
    if name is not None:
        for option, value in {"framing": framing, "reply-framing": reply_framing, "gap": gap}.items():
            if value is not None:
                raise Refusal(f"--{option} has no effect with --as {name}, which declares it")
        return Speech.declared(load_declaration(name))
    if framing is None:
        if reply_framing is not None or gap is not None:
            raise Refusal("--reply-framing and --gap have no effect without --framing")
        return Speech.raw()
    other = None if reply_framing is None else _framing("reply-framing", reply_framing)
    return Speech.framed(_framing("framing", framing), other, silence)


def _framing(option: str, text: str) -> Framing:
    try:
        return parse_framing(text)
    except ConfigurationError as error:
        raise Refusal(f"--{option}: {error}") from None
