"""The generator of Wireshark dissectors in Lua, which read all messages of a declaration."""
