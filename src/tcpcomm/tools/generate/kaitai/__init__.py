"""The generator of Kaitai Struct formats from binary declarations."""
