"""Decodes overheard bytes of both directions, and reports to observers as a session does."""
