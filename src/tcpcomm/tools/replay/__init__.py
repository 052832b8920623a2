"""Play one side of a recorded conversation against the real other side, and tell the first difference."""
