"""Text messages by templates: how a template is read, compiled, matched, and written."""
