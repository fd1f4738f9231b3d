"""Measures the image's kernel, for scripts/measure-images: five starts, each with two runs of the first case, a print."""

import json
import os
import statistics
import time

from kernel_client import KernelClient

KERNELS = 5
CASES = os.path.join(os.path.dirname(__file__), "conformance.json")


def seconds(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def measure(code):
    client = KernelClient(os.environ["KERNELSPEC"])
    try:
        runs = [seconds(lambda: client.execute(code)) * 1000 for _ in range(2)]
        return client.info, (client.ready_ms, *runs, client.resident_mb())
    finally:
        client.close()


def main():
    with open(CASES, encoding="utf-8") as file:
        code = json.load(file)[0]["code"]
    infos, numbers = zip(*(measure(code) for _ in range(KERNELS)))
    ready, first, following, resident = (round(statistics.median(column)) for column in zip(*numbers))
    info = infos[0]
    language = f"{info['language_info']['name']} {info['language_info']['version']}"
    kernel = f"{info['implementation']} {info['implementation_version']}"
    print(f"{language} | {kernel} | {ready} | {first}, {following} | {resident}")


if __name__ == "__main__":
    main()
