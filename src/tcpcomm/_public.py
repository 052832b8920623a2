"""
The public names of :mod:`tcpcomm`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.conversation.responder import current_session as current_session
    from tcpcomm.equipment.equipment import (
        Equipment as Equipment,
        command as command,
        declaration_of as declaration_of,
        event as event,
        in_thread as in_thread,
    )
    from tcpcomm.equipment.events import EventsLost as EventsLost
    from tcpcomm.equipment.face import Face as Face
    from tcpcomm.equipment.login import Login as Login
    from tcpcomm.errors import (
        BadChecksum as BadChecksum,
        BadEscape as BadEscape,
        BadLength as BadLength,
        BadReply as BadReply,
        CodecError as CodecError,
        ConfigurationError as ConfigurationError,
        EncodeError as EncodeError,
        Fault as Fault,
        FrameTooLong as FrameTooLong,
        FramingError as FramingError,
        LoginRefused as LoginRefused,
        NoReply as NoReply,
        NotReady as NotReady,
        NotSent as NotSent,
        OutcomeUnknown as OutcomeUnknown,
        ReplyTimeout as ReplyTimeout,
        SessionClosed as SessionClosed,
        TcpcommError as TcpcommError,
        TruncatedFrame as TruncatedFrame,
        UnexpectedBytes as UnexpectedBytes,
    )
    from tcpcomm.host.futures import as_future as as_future
    from tcpcomm.host.host import link_of as link_of, raw as raw, remote as remote
    from tcpcomm.host.several import together as together
    from tcpcomm.link.link import Handshake as Handshake, Link as Link
    from tcpcomm.link.reconnecting import ReconnectingFactory as ReconnectingFactory
    from tcpcomm.link.named_port import NoPort as NoPort, port_from as port_from
    from tcpcomm.link.policy import Backoff as Backoff, Policy as Policy, profile as profile
    from tcpcomm.link.states import LinkState as LinkState
    from tcpcomm.net.endpoints import client as client, listener as listener
    from tcpcomm.net.psk import PreSharedKeys as PreSharedKeys, read_keys as read_keys
    from tcpcomm.server.running import run as run
    from tcpcomm.server.serving import caller as caller, per_session as per_session, serve as serve
    from tcpcomm.server.simulator import (
        EventsEvery as EventsEvery,
        implement_with as implement_with,
        simulated as simulated,
    )
    from tcpcomm.session.admission import parse_network as parse_network
    from tcpcomm.session.factory import FrameFactory as FrameFactory
    from tcpcomm.session.frame_log import FrameLog as FrameLog
    from tcpcomm.session.heartbeat import Heartbeat as Heartbeat, Heartbeats as Heartbeats
    from tcpcomm.session.limits import Limits as Limits
    from tcpcomm.session.observer import (
        MessageKind as MessageKind,
        ObservedMessage as ObservedMessage,
        SessionObserver as SessionObserver,
    )
    from tcpcomm.session.protocol import FrameProtocol as FrameProtocol
    from tcpcomm.session.presets import (
        DelimitedFactory as DelimitedFactory,
        DelimitedProtocol as DelimitedProtocol,
        LengthPrefixedFactory as LengthPrefixedFactory,
        LengthPrefixedProtocol as LengthPrefixedProtocol,
    )
    from tcpcomm.tools.console.running import Console as Console
    from tcpcomm.tools.guess.answer import (
        Explanation as Explanation, Guess as Guess, Verdict as Verdict,
    )
    from tcpcomm.tools.guess.capture import Capture as Capture, CapturedChunk as CapturedChunk
    from tcpcomm.tools.guess.search import guess_framing as guess_framing
    from tcpcomm.tools.monitor.service import Monitor as Monitor
    from tcpcomm.tools.record.recorder import Recorder as Recorder
    from tcpcomm.tools.record.recording import Recording as Recording

DEFINED_IN: Final = {
    "tcpcomm._version": ["__version__"],
    "tcpcomm.conversation.responder": ["current_session"],
    "tcpcomm.equipment.equipment": ["Equipment", "command", "declaration_of", "event", "in_thread"],
    "tcpcomm.equipment.events": ["EventsLost"],
    "tcpcomm.equipment.face": ["Face"],
    "tcpcomm.equipment.login": ["Login"],
    "tcpcomm.errors": [
        "BadChecksum",
        "BadEscape",
        "BadLength",
        "BadReply",
        "CodecError",
        "ConfigurationError",
        "EncodeError",
        "Fault",
        "FrameTooLong",
        "FramingError",
        "LoginRefused",
        "NoReply",
        "NotReady",
        "NotSent",
        "OutcomeUnknown",
        "ReplyTimeout",
        "SessionClosed",
        "TcpcommError",
        "TruncatedFrame",
        "UnexpectedBytes",
    ],
    "tcpcomm.host.futures": ["as_future"],
    "tcpcomm.host.host": ["link_of", "raw", "remote"],
    "tcpcomm.host.several": ["together"],
    "tcpcomm.link.link": ["Handshake", "Link"],
    "tcpcomm.link.reconnecting": ["ReconnectingFactory"],
    "tcpcomm.link.named_port": ["NoPort", "port_from"],
    "tcpcomm.link.policy": ["Backoff", "Policy", "profile"],
    "tcpcomm.link.states": ["LinkState"],
    "tcpcomm.net.endpoints": ["client", "listener"],
    "tcpcomm.net.psk": ["PreSharedKeys", "read_keys"],
    "tcpcomm.server.running": ["run"],
    "tcpcomm.server.serving": ["caller", "per_session", "serve"],
    "tcpcomm.server.simulator": ["EventsEvery", "implement_with", "simulated"],
    "tcpcomm.session.admission": ["parse_network"],
    "tcpcomm.session.factory": ["FrameFactory"],
    "tcpcomm.session.frame_log": ["FrameLog"],
    "tcpcomm.session.heartbeat": ["Heartbeat", "Heartbeats"],
    "tcpcomm.session.limits": ["Limits"],
    "tcpcomm.session.observer": ["MessageKind", "ObservedMessage", "SessionObserver"],
    "tcpcomm.session.protocol": ["FrameProtocol"],
    "tcpcomm.session.presets": [
        "DelimitedFactory",
        "DelimitedProtocol",
        "LengthPrefixedFactory",
        "LengthPrefixedProtocol",
    ],
    "tcpcomm.tools.console.running": ["Console"],
    "tcpcomm.tools.guess.answer": ["Explanation", "Guess", "Verdict"],
    "tcpcomm.tools.guess.capture": ["Capture", "CapturedChunk"],
    "tcpcomm.tools.guess.search": ["guess_framing"],
    "tcpcomm.tools.monitor.service": ["Monitor"],
    "tcpcomm.tools.record.recorder": ["Recorder"],
    "tcpcomm.tools.record.recording": ["Recording"],
}
"""The names that each module defines."""
