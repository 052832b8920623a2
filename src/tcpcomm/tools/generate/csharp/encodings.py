"""Encodings of text in C#: :func:`encoding_expression`."""

from __future__ import annotations

import codecs
from typing import Final

from tcpcomm.tools.generate.csharp.refusal import refuse

_UNICODE: Final = {
    "utf-8": "new UTF8Encoding(false, true)",
    "utf-16-le": "new UnicodeEncoding(false, false, true)",
    "utf-16-be": "new UnicodeEncoding(true, false, true)",
}
_CODE_PAGES: Final = {
    "ascii": '"us-ascii"',
    "iso8859-1": '"iso-8859-1"',
    "iso8859-2": '"iso-8859-2"',
    "iso8859-15": '"iso-8859-15"',
    "cp949": "949",
    "euc_kr": "949",
    "cp932": "932",
    "shift_jis": "932",
    "euc_jp": '"euc-jp"',
    "gbk": "936",
    "gb2312": "936",
    "gb18030": '"gb18030"',
    "big5": "950",
    "cp1250": "1250",
    "cp1251": "1251",
    "cp1252": "1252",
    "cp437": "437",
    "cp850": "850",
}


def encoding_expression(charset: str, where: str) -> str:
    """Return the expression of an encoding, which refuses what it cannot carry."""
    name = codecs.lookup(charset).name
    if name in _UNICODE:
        return _UNICODE[name]
    if name not in _CODE_PAGES:
        refuse(where, f"the encoding {charset} has no known number in .NET")
    fallbacks = "EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback"
    return f"Encoding.GetEncoding({_CODE_PAGES[name]}, {fallbacks})"


def is_unicode(charset: str) -> bool:
    """Return True if an encoding has all characters."""
    return codecs.lookup(charset).name in _UNICODE
