"""Siemens S7: bytes, values, the host, and the simulated CPU."""
