"""JSON messages: own key names, JSON-RPC 2.0, and strict values."""
