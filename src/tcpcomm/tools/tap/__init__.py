"""A tap between two machines: it passes their bytes, shows what passes, and disturbs it on demand."""
