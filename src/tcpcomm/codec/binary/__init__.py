"""The codec of binary messages: layouts in bytes, headers with opcodes, generated readers."""
