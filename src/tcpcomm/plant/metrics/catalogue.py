"""The names of all figures, with their types, texts and labels: :data:`METRICS`."""

from __future__ import annotations

from typing import Final

STATES: Final = ("down", "connecting", "handshaking", "ready", "suspect", "draining")
"""The states of a link."""

METRICS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "tcpcomm_info": ("info", "The version of tcpcomm.", ()),
    "tcpcomm_link_up": ("gauge", "1 if commands can be sent on the link, else 0.", ("link",)),
    "tcpcomm_link_state": (
        "gauge",
        "1 for the state in which the link is, 0 for others.",
        ("link", "state"),
    ),
    "tcpcomm_sessions": ("gauge", "Open sessions of a server.", ("server",)),
    "tcpcomm_frames_total": ("counter", "Frames that passed.", ("link", "direction")),
    "tcpcomm_bytes_total": (
        "counter",
        "Bytes that passed, with delimiters and headers.",
        ("link", "direction"),
    ),
    "tcpcomm_request_seconds": ("histogram", "Seconds from a command to its answer.", ("link", "command")),
    "tcpcomm_requests_failed_total": ("counter", "Commands that failed.", ("link", "command", "kind")),
    "tcpcomm_reconnects_total": ("counter", "Sessions that a link has lost.", ("link", "reason")),
    "tcpcomm_connect_failures_total": ("counter", "Attempts to connect that failed.", ("link", "reason")),
    "tcpcomm_framing_faults_total": (
        "counter",
        "Bytes that broke the rule of the framing.",
        ("link", "kind"),
    ),
    "tcpcomm_gateway_polls_total": (
        "counter",
        "Polls of a gateway: done, failed, or left out: the last one was late, or the link not_ready.",
        ("link", "poll", "outcome"),
    ),
    "tcpcomm_reactor_lag_seconds": ("gauge", "The longest delay of a timer in the last minute.", ()),
    "tcpcomm_outbox_posted_total": ("counter", "Messages that the outbox has taken.", ("outbox",)),
    "tcpcomm_outbox_not_taken_total": ("counter", "Messages that the outbox has not taken.", ("outbox",)),
    "tcpcomm_outbox_bytes": ("gauge", "Bytes of the file of the outbox.", ("outbox",)),
    "tcpcomm_outbox_up": ("gauge", "1 if the outbox can write its file, else 0.", ("outbox",)),
    "tcpcomm_outbox_depth": ("gauge", "Messages that wait for a sink.", ("outbox", "sink")),
    "tcpcomm_outbox_age_seconds": ("gauge", "Age of the oldest message that waits.", ("outbox", "sink")),
    "tcpcomm_outbox_delivered_total": (
        "counter",
        "Messages that a sink has confirmed.",
        ("outbox", "sink"),
    ),
    "tcpcomm_outbox_refused_total": ("counter", "Times that a sink refused a message.", ("outbox", "sink")),
    "tcpcomm_outbox_expired_total": ("counter", "Messages that expired undelivered.", ("outbox", "sink")),
    "tcpcomm_outbox_set_aside": ("gauge", "Messages that are set aside now.", ("outbox", "sink")),
    "tcpcomm_outbox_sink_up": (
        "gauge",
        "1 if the outbox delivers to the sink, else 0.",
        ("outbox", "sink"),
    ),
}
"""The type, the text and the labels of each figure, by its name."""
