"""What :mod:`tcpcomm.codec` offers: it takes each name from where this says, when it is used."""


from tcpcomm.codec.base import Codec, Dialect, Field, Form
from tcpcomm.codec.binary.binary import Binary
from tcpcomm.codec.json.objects import Json
from tcpcomm.codec.json.rpc import JsonRpc
from tcpcomm.codec.template.replies import Counted
from tcpcomm.codec.template.template import Template
from tcpcomm.codec.template.text import Text

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
