"""What :mod:`tcpcomm` offers: it takes each name from where this says, when it is used."""


from tcpcomm._version import __version__
from tcpcomm.conversation.responder import current_session
from tcpcomm.equipment.equipment import Equipment, command, declaration_of, event, in_thread
from tcpcomm.equipment.login import Login
from tcpcomm.errors import (
    BadReply,
    CodecError,
    ConfigurationError,
    EncodeError,
    Fault,
    FramingError,
    NotReady,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
    SessionClosed,
    TcpcommError,
)
from tcpcomm.host.futures import as_future
from tcpcomm.host.host import link_of, raw, remote
from tcpcomm.server.running import run
from tcpcomm.server.serving import caller, per_session, serve
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.ready_made import (
    DelimitedFactory,
    DelimitedProtocol,
    LengthPrefixedFactory,
    LengthPrefixedProtocol,
)

__all__ = [
    "BadReply",
    "CodecError",
    "ConfigurationError",
    "DelimitedFactory",
    "DelimitedProtocol",
    "EncodeError",
    "Equipment",
    "Fault",
    "FrameFactory",
    "FrameProtocol",
    "FramingError",
    "LengthPrefixedFactory",
    "LengthPrefixedProtocol",
    "Limits",
    "Login",
    "NotReady",
    "NotSent",
    "OutcomeUnknown",
    "ReplyTimeout",
    "SessionClosed",
    "TcpcommError",
    "__version__",
    "as_future",
    "caller",
    "command",
    "current_session",
    "declaration_of",
    "event",
    "in_thread",
    "link_of",
    "per_session",
    "raw",
    "remote",
    "run",
    "serve",
]
