"""Drafts declarations of equipment that speaks JSON."""
