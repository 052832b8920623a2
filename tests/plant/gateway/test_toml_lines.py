"""The lines of the keys in a TOML file."""

from __future__ import annotations

from tcpcomm.plant.gateway.configuration.toml_lines import line_numbers

TEXT = '''\
# a comment with [brackets]
top = 1

[gateway]
name = "a # b" # c
outbox.file = "x"
many = [
  "a]", # ]
  'b"',
]
text = """
[links.not-this]
x = 1
"""
"quoted key" = {a = 1, b = [1, 2]}

[links.camera-1]
at = 'tcp:1'
[[links.camera-1.poll]]
command = "a"
[[links.camera-1.poll]]
command = "b"
  every = 2
[links.camera-1.poll.with]
job = 1
[links."camera.2"]
at = "x"
'''


def test_each_key_and_table_has_its_line() -> None:
    expected = {
        ("top",): 2,
        ("gateway",): 4,
        ("gateway", "name"): 5,
        ("gateway", "outbox"): 6,
        ("gateway", "outbox", "file"): 6,
        ("gateway", "many"): 7,
        ("gateway", "text"): 11,
        ("gateway", "quoted key"): 15,
        ("links",): 17,
        ("links", "camera-1"): 17,
        ("links", "camera-1", "at"): 18,
        ("links", "camera-1", "poll"): 19,
        ("links", "camera-1", "poll", 0): 19,
        ("links", "camera-1", "poll", 0, "command"): 20,
        ("links", "camera-1", "poll", 1): 21,
        ("links", "camera-1", "poll", 1, "command"): 22,
        ("links", "camera-1", "poll", 1, "every"): 23,
        ("links", "camera-1", "poll", 1, "with"): 24,
        ("links", "camera-1", "poll", 1, "with", "job"): 25,
        ("links", "camera.2"): 26,
        ("links", "camera.2", "at"): 27,
    }
    assert expected == line_numbers(TEXT)
    assert expected == line_numbers(TEXT.replace("\n", "\r\n"))
