"""Modbus, tested at both ends on a simulated network, and with the examples of its standard."""
