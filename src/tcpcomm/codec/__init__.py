"""
Codecs: frames to messages and back, without any I/O.

What all codecs have in common is in :mod:`tcpcomm.codec.base`; each kind has a module of its own.
"""

from tcpcomm.codec.base import Codec, Dialect, Field, Form
from tcpcomm.codec.binary import Binary
from tcpcomm.codec.json_objects import Json
from tcpcomm.codec.json_rpc import JsonRpc
from tcpcomm.codec.replies import Counted
from tcpcomm.codec.template import Template
from tcpcomm.codec.text import Text

__all__ = [
    "Binary",
    "Codec",
    "Counted",
    "Dialect",
    "Field",
    "Form",
    "Json",
    "JsonRpc",
    "Template",
    "Text",
]
