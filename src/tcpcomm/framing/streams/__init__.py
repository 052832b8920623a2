"""Framings around a whole stream: what stands before its first frame, and what Telnet mixes into it."""
