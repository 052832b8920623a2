"""
A framing of your own: a line such as ``SIZE 5``, and then five bytes.

    python own_framing.py 9999        sends itself two messages over 127.0.0.1, and shows how they arrive
"""

import re
import socket
import sys

from attrs import frozen

from tcpcomm import BadLength, FrameTooLong
from tcpcomm.framing import Buffer, Decoder, Framing

HEADER = re.compile(rb"SIZE ([0-9]{1,9})\r\n")  # 16 bytes at most


@frozen
class SizeLines(Framing):
    def decoder(self) -> Decoder:
        return SizeLinesDecoder(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return b"SIZE %d\r\n%b" % (len(frame), frame)


class SizeLinesDecoder(Decoder):
    def __init__(self, max_frame: int) -> None:
        super().__init__()
        self._max_frame = max_frame

    def cut(self, buffer: Buffer, position: int) -> int:
        while header := HEADER.match(buffer, position):
            begin, end = header.end(), header.end() + int(header[1])
            if end - begin > self._max_frame:
                self.fail(FrameTooLong, f"a frame of {end - begin} bytes is too long", at=position)
                return position
            if end > len(buffer):
                return position
            if not self.deliver(buffer[begin:end], position):
                return end
            position = end
        if len(buffer) - position >= 16:
            self.fail(BadLength, "a frame must begin with its size", at=position)
        return position


if __name__ == "__main__":
    decoder = SizeLines().decoder()
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    with sender, receiver:
        sender.sendall(SizeLines().encode_many([b'{"id": 1}', b'{"id": 2}']))
        sender.shutdown(socket.SHUT_WR)
        while data := receiver.recv(10):
            print(data, "->", decoder.feed(data))
