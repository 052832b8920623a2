"""
Forms of replies, for ``reply=`` of a command. They are plain values, which a codec compiles.

A template is a reply of one frame, and a tuple of templates is a reply of several frames. The classes here
say what neither can say. All frames of a reply are sent when the command has succeeded; only
:class:`Acknowledged` sends one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.limits import MAX_ITEMS
from tcpcomm.errors import ConfigurationError


def _templates(value: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise ConfigurationError(f"CountedLines needs a template first, as in 'OK {{#}}', not {value!r}")
    return tuple(value)


def _check_seconds(what: str, seconds: Any) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < inf:
        raise ConfigurationError(f"{what} needs a number of seconds above 0, not {seconds!r}")


@frozen
class CountedLines:
    """
    A reply that consists of a head with a count, and as many frames as the count says.

    Args:
        head: the template of the first frame, or several templates for as many frames. One of them has the
            field ``{#}``, the number of frames that follow.
        each: the template of every frame that follows, one for each item of the result's list. Or
            :class:`OneOf`, if the items have several forms.
        at_most: the largest count that is accepted.

    The result is a list, or a class with one attribute that is a list. After the head, the command
    has succeeded. So a frame that can be an item is read as an item, even if it could be a fault.
    """

    head: tuple[str, ...] = field(converter=_templates)
    each: Any
    at_most: int = field(default=MAX_ITEMS, kw_only=True)


@frozen
class Until:
    """
    A reply of any number of frames, up to a frame that ends it.

    Args:
        end: the template of the frame that ends the reply.
        each: the template of every frame before it, one for each item of the result's list. Or
            :class:`OneOf`, if the items have several forms.
        at_most: the most items that are accepted.

    The result is a list, or a class with one attribute that is a list. A fault can stand in place of
    each frame, and ends the reply too. If ``each`` is one text and nothing else, such as ``{line}``, then
    every frame that is not the end, a fault or an event is an item.
    """

    end: str
    each: Any
    at_most: int = field(default=MAX_ITEMS, kw_only=True)


@frozen(init=False)
class OneOf:
    """
    Several forms of a good reply. The first frame tells them apart.

    Args:
        forms: templates; or tuples of templates, :class:`CountedLines` or :class:`Until`.

    If the result is a union, each form stands for the member that has its fields; a form without a field
    stands for None. If several members have the fields of several forms, they are paired in their order. If
    the result is one type, all forms stand for it, and the first form that can carry a value is sent; a
    form may lack attributes that have a default.

    A form without a field wins over one with numbers or choices that could be the same text: a special
    value such as ``-999.9999``. A value that would be read as the other form is not sent.
    """

    forms: tuple[Any, ...]

    def __init__(self, *forms: Any) -> None:
        self.__attrs_init__(forms)


@frozen(init=False)
class Acknowledged:
    """
    A reply with a frame that is sent before the command is carried out.

    Args:
        acknowledgement: the template of that frame. It has no field.
        reply: the frames that follow when the command has succeeded: one or several templates, or another
            form.

    A fault can stand in place of the acknowledgement, or come after it.

    With ``within`` the acknowledgement must come within so many seconds. The timeout of the command counts
    from the acknowledgement then. Without it, the timeout is for all frames.
    """

    acknowledgement: str
    reply: tuple[Any, ...]

    within: float | None = None

    def __init__(self, acknowledgement: str, *reply: Any, within: float | None = None) -> None:
        if within is not None:
            _check_seconds("Acknowledged(within=...)", within)
        self.__attrs_init__(acknowledgement, reply, within)


@frozen
class Silence:
    """
    A reply that is silence: the command has succeeded if no fault came within some seconds.

    Args:
        seconds: the seconds within which the equipment tells a fault. The command takes that long at the
            host, and no other command is sent meanwhile if replies carry no ids. They stand in place of the
            command's timeout.

    The command returns None.
    """

    seconds: float = field()

    @seconds.validator
    def _check(self, _: Any, seconds: float) -> None:
        _check_seconds("Silence", seconds)


@frozen
class TwoPhases:
    r"""
    Two requests that make one command: ``@command(TwoPhases(...), reply=...)``.

    Args:
        first: the template of the first request. Its ``{#}`` is the number of bytes of the second one,
            with its end.
        opened: the template of the frame that answers the first request. It has no field.
        second: the template of the second request, whose answer is the reply of the command. None: the host
            sends nothing, and the equipment replies at once.
        end: the end of the second request, and of all that answers it, such as ``"\r"``. None: that of the
            framing, which ``{#}`` does not count.

    The parameters of the command are in either request. Nothing else is asked between the two.
    """

    first: str
    opened: str
    second: str | None
    end: str | None = field(default=None, kw_only=True)
