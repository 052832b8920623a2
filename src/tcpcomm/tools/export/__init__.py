"""Writes recordings for other programs: pcapng for Wireshark, CSV for spreadsheets, JSON lines."""
