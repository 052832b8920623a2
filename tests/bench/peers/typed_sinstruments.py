"""The camera as a device of sinstruments."""

from __future__ import annotations

from sinstruments.simulator import BaseDevice, Server

from tests.bench.peers.control import report_port


class Camera(BaseDevice):  # type: ignore[misc] # it has no annotations
    newline = b"\r\n"

    def handle_message(self, message: bytes) -> bytes:
        word, _, rest = message.decode("ascii").partition(",")
        if word != "TRG":
            return b"NG,92,no such command\r\n"
        try:
            job = int(rest)
        except ValueError:
            return b"NG,93,bad parameters\r\n"
        return f"OK,{1.0:.3f},{2.0:.3f},{float(job):.3f}\r\n".encode("ascii")


def main() -> None:
    server = Server(
        devices=[
            {
                "name": "camera",
                "package": __name__,
                "class": "Camera",
                "transports": [{"type": "tcp", "url": ["127.0.0.1", 0]}],
            }
        ]
    )
    (transport,) = server.devices["camera"].transports
    transport.start()
    report_port(transport.address[1])
    transport.serve_forever()


if __name__ == "__main__":
    main()
