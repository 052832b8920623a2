"""What :mod:`tcpcomm.codec` offers: it takes each name from where this says, when it is used."""


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
