"""The codes of UN/ECE Recommendation 20 for common units: :func:`unit_information`."""

from __future__ import annotations

from typing import Final

from asyncua import ua

NAMESPACE: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
_UNKNOWN: Final = -1

_CODES: Final = {
    "µm": "4H", "um": "4H", "mm": "MMT", "cm": "CMT", "m": "MTR", "km": "KMT", "in": "INH", "ft": "FOT",
    "mm²": "MMK", "mm2": "MMK", "m²": "MTK", "m2": "MTK", "m³": "MTQ", "m3": "MTQ", "l": "LTR", "L": "LTR",
    "ml": "MLT", "l/min": "L2", "µs": "B98", "us": "B98", "ms": "C26", "s": "SEC", "min": "MIN", "h": "HUR",
    "d": "DAY", "Hz": "HTZ", "kHz": "KHZ", "MHz": "MHZ", "rpm": "RPM", "1/min": "RPM", "mm/s": "C16",
    "m/s": "MTS", "mg": "MGM", "g": "GRM", "kg": "KGM", "t": "TNE", "N": "NEW", "kN": "B47", "Nm": "NU",
    "N·m": "NU", "Pa": "PAL", "kPa": "KPA", "MPa": "MPA", "mbar": "MBR", "bar": "BAR", "°C": "CEL",
    "degC": "CEL", "°F": "FAH", "K": "KEL", "%": "P1", "°": "DD", "deg": "DD", "degrees": "DD",
    "rad": "C81", "mV": "2Z", "V": "VLT", "kV": "KVT", "mA": "4K", "A": "AMP", "W": "WTT", "kW": "KWT",
    "MW": "MAW", "kWh": "KWH", "J": "JOU", "Ohm": "OHM", "Ω": "OHM", "lx": "LUX", "dB": "2N",
}  # fmt: skip


def unit_id(text: str) -> int:
    """Return the number of OPC UA for a unit, or -1 if it is not a common one."""
    code = _CODES.get(text)
    return _UNKNOWN if code is None else int.from_bytes(code.encode("ascii"), "big")


def unit_information(text: str) -> ua.EUInformation:
    """Return the unit of a variable. A unit without a code has its text only."""
    return ua.EUInformation(
        NamespaceUri=NAMESPACE,
        UnitId=unit_id(text),
        DisplayName=ua.LocalizedText(text),
        Description=ua.LocalizedText(text),
    )
