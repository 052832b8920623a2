PAGE="docs/reference/api.md"
def pages(): return {}
def with_links(text): return text
