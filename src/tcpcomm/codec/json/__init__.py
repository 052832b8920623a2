"""The codecs of JSON messages: with the peer's own key names, and JSON-RPC 2.0."""
