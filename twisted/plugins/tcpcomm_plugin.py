"""Lists tcpcomm among twistd's commands. What it does is in tcpcomm.tap, imported when it is chosen."""

from twisted.application.service import ServiceMaker

tcpcomm = ServiceMaker(
    "tcpcomm",
    "tcpcomm.tap",
    "An echo/command server for TCP links of factory automation, or your own protocol.",
    "tcpcomm",
)
