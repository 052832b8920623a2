"""The codec of measuring instruments: headers in short and long forms, and several commands in one line."""
