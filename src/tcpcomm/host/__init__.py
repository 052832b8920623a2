"""Programs that use equipment: proxies over a link, and the reactor in a background thread."""
