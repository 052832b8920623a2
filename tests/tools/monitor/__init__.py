"""The web monitor: its server, and the files of its page."""
