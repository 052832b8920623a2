"""
Checksums of industrial protocols, by their names: XOR (BCC), sums, LRC and CRCs.

Get one with ``checksum("crc-16/modbus")`` or make your own. CRC names and parameters come from the
"Catalogue of parametrised CRC algorithms" (reveng.sourceforge.io/crc-catalogue).
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from attrs import evolve, field, frozen

from tcpcomm.errors import ConfigurationError

ChecksumForm = Literal["big", "little", "hex", "decimal"]


@frozen
class Checksum:
    """
    A checksum and the form in which it is written.

    Args:
        name: its name in the catalogue, in lower case.
        compute: returns the value of some bytes, as an integer.
        width: the bytes of the value.
        form: ``big`` or ``little``: binary in that byte order. ``hex``: two upper-case hex digits for
            each byte (either case is accepted). ``decimal``: as many digits as the largest value has.
    """

    name: str
    compute: Callable[[bytes], int] = field(repr=False)
    width: int = 1
    form: ChecksumForm = field(default="big")

    @form.validator
    def _check_form(self, _: Any, form: str) -> None:
        if form not in get_args(ChecksumForm):
            forms = ", ".join(get_args(ChecksumForm))
            raise ConfigurationError(f"a checksum is written as {forms}, not as {form!r}")

    @property
    def size(self) -> int:
        """The bytes of the checksum on the wire."""
        if self.form == "hex":
            return 2 * self.width
        if self.form == "decimal":
            return len(str(256**self.width - 1))
        return self.width

    def encode(self, data: bytes) -> bytes:
        """Return the checksum of ``data`` as it is written on the wire."""
        value = self.compute(data)
        if self.form == "hex":
            return b"%0*X" % (self.size, value)
        if self.form == "decimal":
            return b"%0*d" % (self.size, value)
        return value.to_bytes(self.width, self.form)

    def mismatch(
        self, size: int, received: bytes, expected: bytes, counted: range = range(0), place: str = ""
    ) -> str:
        """
        Return the reason why a frame is faulty, for a log.

        Args:
            size: the bytes of the frame.
            received, expected: its checksum, and the right one.
            counted: the places in the frame that the checksum counts, from 0. Fewer than two are not told.
            place: words that say where the frame begins, if that is not at its first byte on the wire.
        """
        if self.form not in ("hex", "decimal"):
            received, expected = (each.hex().upper().encode() for each in (received, expected))
        found, right = (repr(each)[2:-1] for each in (received, expected))
        over = f" over bytes {counted[0]} to {counted[-1]}{place}" if len(counted) > 1 else ""
        return f"{size} bytes came whose {self.name}{over} is {found}, not {right}"

    def matches(self, data: bytes, received: bytes) -> bool:
        """Return True if ``received`` is the checksum of ``data``."""
        return (received.upper() if self.form == "hex" else received) == self.encode(data)

    def written(self, form: ChecksumForm) -> Checksum:
        """Return this checksum, written in another form."""
        return evolve(self, form=form)


def _reflect(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def crc(
    width: int, poly: int, init: int = 0, *, reflected: bool = False, xorout: int = 0
) -> Callable[[bytes], int]:
    """
    Make a CRC function from its catalogue parameters.

    Args:
        width: the bits of the register: 8, 16, 24, 32 and so on.
        poly: the polynomial, without its highest term, in normal (not reflected) notation.
        init: the value of the register at the start.
        reflected: the catalogue's refin and refout, which are equal in every entry used here.
        xorout: the value that is XORed with the register at the end.

    Raises:
        ConfigurationError: the register has fewer than 8 bits.
    """
    if width < 8:
        raise ConfigurationError(
            f"crc() computes registers of 8 bits and more, not {width}: write a function from bytes to an "
            f"int for crc-{width}, and give that to Checksum"
        )
    mask, top, shift = (1 << width) - 1, 1 << (width - 1), width - 8
    if reflected:
        init, poly = _reflect(init, width), _reflect(poly, width)
    table = []
    for byte in range(256):
        register = byte if reflected else byte << shift
        for _ in range(8):
            if reflected:
                register = register >> 1 ^ (poly if register & 1 else 0)
            else:
                register = (register << 1 ^ (poly if register & top else 0)) & mask
        table.append(register)

    def compute(data: bytes) -> int:
        register = init
        for byte in data:
            register = (register << 8 & mask) ^ table[register >> shift ^ byte]
        return register ^ xorout

    def compute_reflected(data: bytes) -> int:
        register = init
        for byte in data:
            register = register >> 8 ^ table[(register ^ byte) & 0xFF]
        return register ^ xorout

    return compute_reflected if reflected else compute


_ALL: Final = (
    Checksum("xor", lambda data: reduce(xor, data, 0)),
    Checksum("sum8", lambda data: sum(data) & 0xFF),
    Checksum("sum16", lambda data: sum(data) & 0xFFFF, 2),
    Checksum("lrc", lambda data: -sum(data) & 0xFF),
    Checksum("crc-8/smbus", crc(8, 0x07)),
    Checksum("crc-8/maxim-dow", crc(8, 0x31, reflected=True)),
    Checksum("crc-8/sae-j1850", crc(8, 0x1D, 0xFF, xorout=0xFF)),
    Checksum("crc-16/arc", crc(16, 0x8005, reflected=True), 2),
    Checksum("crc-16/modbus", crc(16, 0x8005, 0xFFFF, reflected=True), 2, "little"),
    Checksum("crc-16/usb", crc(16, 0x8005, 0xFFFF, reflected=True, xorout=0xFFFF), 2),
    Checksum("crc-16/kermit", crc(16, 0x1021, reflected=True), 2),
    Checksum("crc-16/ibm-sdlc", crc(16, 0x1021, 0xFFFF, reflected=True, xorout=0xFFFF), 2),
    Checksum("crc-16/ibm-3740", lambda data: binascii.crc_hqx(data, 0xFFFF), 2),
    Checksum("crc-16/xmodem", lambda data: binascii.crc_hqx(data, 0), 2),
    Checksum("crc-16/dnp", crc(16, 0x3D65, reflected=True, xorout=0xFFFF), 2),
    Checksum("crc-32/iso-hdlc", zlib.crc32, 4),
    Checksum("crc-32/mpeg-2", crc(32, 0x04C11DB7, 0xFFFFFFFF), 4),
    Checksum("crc-32/iscsi", crc(32, 0x1EDC6F41, 0xFFFFFFFF, reflected=True, xorout=0xFFFFFFFF), 4),
)

CHECKSUMS: Final[Mapping[str, Checksum]] = MappingProxyType({each.name: each for each in _ALL})
"""
The checksums by name.

``lrc`` is the two's complement of the sum, as in Modbus ASCII. ``crc-16/modbus`` is written low byte first,
as on a Modbus line, and the others high byte first. :meth:`Checksum.written` changes that.
"""


def checksum(name: str) -> Checksum:
    """
    Find a checksum by its name, in any case.

    Raises:
        ConfigurationError: no checksum has that name. The text lists all names.
    """
    try:
        return CHECKSUMS[name.lower()]
    except KeyError:
        known = ", ".join(CHECKSUMS)
        raise ConfigurationError(f"no checksum is called {name!r}; there are {known}") from None
