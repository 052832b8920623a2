"""The codecs that write messages as text: templates, and plain words."""
