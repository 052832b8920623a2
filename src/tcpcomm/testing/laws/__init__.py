"""The laws that every framing obeys, and the strategies that try to break them."""
