"""Framings for documents that show their own end: JSON values, XML documents."""
