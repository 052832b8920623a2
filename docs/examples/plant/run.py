"""
The example plant: 20 simulated devices and their gateway, in one program.

    python run.py
    python run.py --rabbitmq amqp://guest:guest@127.0.0.1:5672

Ctrl-C ends it. The results are in the folder "plant-results", or in the queue "line-3" of the broker.
"""

import argparse
from pathlib import Path

from twisted.internet.task import LoopingCall

from simulated_plant import RANDOM, SimulatedCamera, devices
from tcpcomm import ConfigurationError, run, serve
from tcpcomm.plant import Gateway

HERE = Path(__file__).resolve().parent
FIRST_PORT = 21001


def send_alarms(cameras: list[SimulatedCamera]) -> None:
    """Let a camera send an alarm every two seconds."""
    alarms = LoopingCall(lambda: RANDOM.choice(cameras).alarm(code=RANDOM.randint(1, 9)))
    alarms.start(2.0, now=False)


def prepared(name: str, folder: Path, port: int, rabbitmq: str) -> Path:
    """Copy the configuration into the folder of the results, with the ports and the broker of this run."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (HERE / name).read_text("utf-8")
    for number in range(20):
        text = text.replace(f':{FIRST_PORT + number}"', f':{port + number}"')
    text = text.replace('"plant_devices:', f'"{(HERE / "plant_devices.py").as_posix()}:')
    text = text.replace("amqp://guest:guest@127.0.0.1:5672", rabbitmq)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description="Run 20 simulated devices and their gateway.")
    parser.add_argument("--rabbitmq", default="", help="the broker, in place of a SQLite file")
    parser.add_argument("--results", default="plant-results", help="the folder for results and outbox")
    parser.add_argument("--port", type=int, default=FIRST_PORT, help="the port of the first device")
    options = parser.parse_args()
    folder = Path(options.results).absolute()
    name = "plant-rabbitmq.toml" if options.rabbitmq else "plant.toml"
    file = prepared(name, folder, options.port, options.rabbitmq)
    plant = devices()
    served = [
        serve(device, at=f"tcp:{options.port + number}:interface=127.0.0.1")
        for number, device in enumerate(plant)
    ]
    try:
        gateway = Gateway.from_file(file)
    except ConfigurationError as error:  # such as: another program uses the outbox
        raise SystemExit(str(error)) from None
    send_alarms([each for each in plant if isinstance(each, SimulatedCamera)])
    where = f"the queue line-3 of {options.rabbitmq}" if options.rabbitmq else folder / "results.sqlite"
    print(f"results: {where}", flush=True)
    run(*served, gateway)


if __name__ == "__main__":
    main()
