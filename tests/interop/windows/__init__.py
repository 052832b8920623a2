"""People who use the windows of ``docs/howto``: they press the button and read the lines."""
