"""
The states of a link, and what leads from one to another: :data:`TABLE`.

Theory. A *link* outlives its *sessions* (TCP connections). TCP itself notices a pulled cable after many
minutes, if at all, and a hung program never: only bytes that the peer's program sends prove that it is
alive. TCP connected is not ``ready``, because a hung server's backlog connects too. The link is ``ready``
when the ``on_ready`` steps are done and, where there are heartbeats, the peer was heard. It stays ``ready``
only as long as the peer is heard.

::

    state         what is true                                     what can be sent
    -----------   ----------------------------------------------   ----------------
    down          there is no session; a later attempt is planned  nothing
                  (or, where the peer connects to us, awaited)
    connecting    an attempt is under way: the peer's name is      nothing
                  looked up, if it has one, then TCP connects
    handshaking   TCP is connected; the peer is being proven and   only the steps
                  the on_ready steps run
    ready         the peer was heard within the heartbeat          everything
    suspect       the peer is silent for too long, but not yet     everything: it may
                  dead                                             come back
    draining      stop was asked for: what was sent still leaves   nothing new

:data:`TABLE` lists the inputs that lead from each state to another. An input that the table does not have
is a defect of the caller and raises :class:`IllegalInput`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from tcpcomm.errors import TcpcommError


class LinkState(Enum):
    """The state of a link; the module's text explains each."""

    DOWN = "down"
    CONNECTING = "connecting"
    HANDSHAKING = "handshaking"
    READY = "ready"
    SUSPECT = "suspect"
    DRAINING = "draining"


class Input(Enum):
    """An event in the life of a link."""

    DIAL = "dial"  # it is time to connect, or kick() was called
    LOOKUP = "lookup"  # the attempt begins with a lookup of the peer's name
    RESOLVED = "resolved"  # the name has an address: from now on TCP connects
    FAILED = "failed"  # the attempt failed
    CONNECTED = "connected"  # there is a new session, dialled or accepted
    PROVEN = "proven"  # its peer is alive, and the on_ready steps are done
    QUIET = "quiet"  # nothing was heard for too long
    HEARD = "heard"  # bytes came
    LOST = "lost"  # the session is over, for any reason
    STOP = "stop"  # stop() was called


class IllegalInput(TcpcommError):
    """An input that cannot occur in this state."""


_S, _I = LinkState, Input

TABLE: Final[Mapping[LinkState, Mapping[Input, LinkState]]] = MappingProxyType(
    {
        _S.DOWN: {_I.DIAL: _S.CONNECTING, _I.CONNECTED: _S.HANDSHAKING, _I.STOP: _S.DOWN},
        _S.CONNECTING: {
            _I.LOOKUP: _S.CONNECTING,
            _I.RESOLVED: _S.CONNECTING,
            _I.CONNECTED: _S.HANDSHAKING,
            _I.FAILED: _S.DOWN,
            _I.STOP: _S.DOWN,
        },
        # A second CONNECTED is the same peer again: its old session is a zombie, and is evicted.
        _S.HANDSHAKING: {
            _I.PROVEN: _S.READY,
            _I.CONNECTED: _S.HANDSHAKING,
            _I.HEARD: _S.HANDSHAKING,
            _I.LOST: _S.DOWN,
            _I.STOP: _S.DRAINING,
        },
        _S.READY: {
            _I.QUIET: _S.SUSPECT,
            _I.CONNECTED: _S.HANDSHAKING,
            _I.HEARD: _S.READY,
            _I.LOST: _S.DOWN,
            _I.STOP: _S.DRAINING,
        },
        _S.SUSPECT: {
            _I.HEARD: _S.READY,
            _I.CONNECTED: _S.HANDSHAKING,
            _I.LOST: _S.DOWN,
            _I.STOP: _S.DRAINING,
        },
        _S.DRAINING: {_I.HEARD: _S.DRAINING, _I.LOST: _S.DOWN, _I.STOP: _S.DRAINING},
    }
)
