"""Tools that watch, record and disturb what passes between machines. Each is an observer with a face."""
