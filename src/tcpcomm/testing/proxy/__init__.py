"""A proxy between two real programs that disturbs what passes."""
