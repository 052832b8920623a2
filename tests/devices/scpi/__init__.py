"""Measuring instruments that speak SCPI: both ends of them on a simulated network."""
