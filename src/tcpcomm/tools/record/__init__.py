"""Record what passes in a file, and read it: the observer ``Recorder`` and the reader ``Recording``."""
