from sinstruments.simulator import BaseDevice


class NoPart(Exception):
    pass


class Camera(BaseDevice):
    newline = b"\r\n"

    def locate(self, job):
        if job == 0:
            raise NoPart
        return 10.0, 20.0, float(job)

    def alarm(self, code):
        self.broadcast(f"ALM,{code}\r\n".encode())

    def handle_message(self, message):
        word, _, rest = message.decode().partition(",")
        if word != "TRG":
            return b"NG,92,no such command\r\n"
        try:
            job = int(rest)
        except ValueError:
            return b"NG,93,bad parameters\r\n"
        try:
            x, y, angle = self.locate(job)
        except NoPart:
            self.alarm(2)
            return b"NG,7,no part\r\n"
        return f"OK,{x:.3f},{y:.3f},{angle:.3f}\r\n".encode()
