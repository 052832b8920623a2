"""Fields of templates: the texts that values of each type and format are written as, and read from."""
