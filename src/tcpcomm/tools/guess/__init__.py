"""Finds the framing that explains captured bytes, and says how sure that is. It does no I/O."""
