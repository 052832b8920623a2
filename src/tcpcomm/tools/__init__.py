"""Tools that watch, record and disturb what passes between machines. Each is an observer with a face."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.tools._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.tools._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
