"""The laws that every framing obeys, and the strategies that test them."""
