"""Drafts a declaration from a capture whose framing is known. It does no I/O."""
