"""Generators: each makes a file for another program from a declaration, such as a Wireshark dissector."""
