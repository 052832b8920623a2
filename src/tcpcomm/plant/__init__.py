"""Beyond one link and one machine: an outbox that survives, sinks, a gateway, figures, OPC UA."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.plant._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.plant._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
