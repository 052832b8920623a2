"""Equipment that is declared from the pages of public manuals: two of each kind of codec."""
