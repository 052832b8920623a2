"""Layouts: the bytes of values, compiled from annotations, with generated readers and writers."""
