"""Drafts a declaration from captured frames. It does no I/O."""
