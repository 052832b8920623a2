"""SLMP: the declarations, the addresses, and the memory, on a simulated network."""
