"""The checks that hold the rules of the source tree; each takes a list of modules, real or planted."""
