"""
The face of a host: :func:`remote` gives a proxy of a piece of equipment, over a link that stays up.

::

    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999")
    position = await camera.locate(job=3)
    camera.alarm.subscribe(lambda code: print("alarm", code))

The proxy has the commands and events of the declaration and nothing else; :func:`link_of` gives its link.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, Unpack, overload

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint

from tcpcomm.conversation.raw_reply import ANY_FRAME, raw_reply_reader
from tcpcomm.equipment.declaration import check_states
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostKeywords, HostOptions
from tcpcomm.link.option_texts import explains
from tcpcomm.runtime.right_thread import check_thread

E = TypeVar("E", bound=Equipment)


@explains("keywords", HostOptions, but=["connect"])
def remote(
    kind: type[E],
    *,
    at: str | IStreamClientEndpoint | None = None,
    **keywords: Unpack[HostKeywords[E]],
) -> E:
    """
    Make a proxy of a piece of equipment. Its link starts when the reactor runs, and stays up.

    Args:
        kind: the declaration.
        at: the place where the equipment listens, as an endpoint string such as ``tcp:10.0.0.5:9999``. If
            the equipment connects to us, give ``listen`` instead.
        keywords: the other options: ``wait``, ``retries``, ``credentials``, ``serves``, ``listen``,
            ``allow``, ``keys``, ``policy``, ``on_ready``, ``limits``, ``allow_http``, ``framing_hints``,
            ``observers``, ``log``, ``reactor`` and ``random``. ``help(tcpcomm.remote)`` explains each.

    Returns:
        An object with the commands and events of ``kind``. Each command returns a Deferred, to be awaited.
        It fails with Fault if the equipment said no; NotSent (NotReady) if the command was never written;
        OutcomeUnknown (ReplyTimeout, BadReply) if it was written, and its outcome is not known; CodecError
        if an argument cannot be written.

    Raises:
        ConfigurationError: ``kind`` is not a declaration, a credential is missing, not exactly one of
            ``at`` and ``listen`` is given, or an option is wrong; or this is not the thread of the reactor.
    """
    if isinstance(kind, Equipment):
        raise ConfigurationError(
            f"remote takes the class, not an object of it: write remote({type(kind).__name__}, at=...)"
        )
    declaration = declaration_of(kind)
    if keywords.get("policy") is None and declaration.policy is not None:
        keywords["policy"] = declaration.policy
    options = HostOptions(connect=at, **keywords)
    other = declaration.host_side if options.serves is None else options.serves
    check_states(declaration, *([] if other is None else [declaration_of(other)]))
    check_thread(options.reactor, "remote")
    link = HostLink(declaration, options)
    link.start_with_reactor()
    proxy: E = link.host_proxy.proxy
    return proxy


def link_of(proxy: Equipment) -> HostLink:
    """
    Return the link behind a proxy: its state and reason, ``whenReady``, ``observe``, ``kick``,
    ``stopService``.

    Raises:
        ConfigurationError: it is not a proxy that ``remote`` made.
    """
    link = getattr(proxy, "__tcpcomm_link__", None)
    if not isinstance(link, HostLink):
        raise ConfigurationError(f"{proxy!r} is not a proxy with a link of its own: remote() makes them")
    return link


@overload
def raw(proxy: Equipment, frame: bytes, *, timeout: float = ...) -> Deferred[bytes]: ...


@overload
def raw(proxy: Equipment, frame: bytes, *, timeout: float = ..., frames: int) -> Deferred[list[bytes]]: ...


@overload
def raw(
    proxy: Equipment, frame: bytes, *, timeout: float = ..., until: bytes | re.Pattern[bytes]
) -> Deferred[list[bytes]]: ...


def raw(
    proxy: Equipment,
    frame: bytes,
    *,
    timeout: float = 5.0,
    frames: int | None = None,
    until: bytes | re.Pattern[bytes] | None = None,
) -> Deferred[Any]:
    """
    Ask what cannot be declared: send a frame, and take the next one that is not an event as its reply.

    Args:
        proxy: a proxy that :func:`remote` made.
        frame: the frame to send.
        timeout: seconds that the equipment has for the whole reply.
        frames: the number of frames that the equipment answers with.
        until: in place of the number, a regular expression such as ``rb"ok|error:.*"``: the reply ends with
            the first frame that it matches as a whole.

    Returns:
        A Deferred of the reply: a frame, or a list of frames if ``frames`` or ``until`` is given. If
        neither is given, nobody knows how many frames come. So the next command is written after a silence
        of 0.1 s at least, and a frame that comes in it ends the session as after a timeout.

    Raises:
        ConfigurationError: replies carry ids, so that the reply to this frame cannot be found; or it is not
            a proxy that ``remote`` made; or ``frames`` or ``until`` cannot be used.
    """
    link = link_of(proxy)
    if link.declaration.dialect.by_id:
        raise ConfigurationError("replies carry ids here: the reply to a raw frame cannot be found")
    is_said = frames is not None or until is not None
    answers = raw_reply_reader(frames, until) if is_said else ANY_FRAME
    return link.ask(lambda: link.ready_requester().ask_frame(frame, answers, timeout, doubtful=not is_said))
