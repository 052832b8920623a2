"""
Tools for tests: strategies for byte streams, the laws of framings, a simulated network, a fault proxy.

Test a framing of yours with the laws in one line::

    def test_my_framing_obeys_the_laws():
        check_framing_laws(MyFraming(option=3))

Test your protocol with pulled cables on a :class:`Network`, in virtual time.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.testing._public import *  # noqa: F403
else:
    from tcpcomm._lazy import lazy_exports
    from tcpcomm.testing._public import DEFINED_IN

    __getattr__, __dir__, __all__ = lazy_exports(__name__, DEFINED_IN)
