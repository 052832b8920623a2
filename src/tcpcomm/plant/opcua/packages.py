"""Import asyncua, which is an optional package, or say how to install it: :func:`check_asyncua`."""

from __future__ import annotations

from tcpcomm._lazy import HiddenPackage, check_package
from tcpcomm.errors import ConfigurationError


def check_asyncua() -> None:
    """
    Check that asyncua is installed.

    Raises:
        ConfigurationError: it is not, or a file of the program hides it.
    """
    try:
        check_package("asyncua")
    except HiddenPackage as error:
        raise ConfigurationError(str(error)) from None
    except ImportError:
        raise ConfigurationError('an OPC UA server needs: pip install "tcpcomm[opcua]"') from None
