"""Binary messages by layouts: opcodes, fixed and variable fields, and generated readers."""
