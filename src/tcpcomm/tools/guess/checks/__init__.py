"""Finds the checksum that all frames of a cut carry, and writes it into the notation of their framing."""
