"""The manual of a declaration: its facts, a page of Markdown, and values as people write them."""
