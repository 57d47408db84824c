"""Builds what is compared, measures it in turn, and shows it: `python -m tools.bench.run`.

`make bench` runs it, in the environment of requirements/bench.txt.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tools.bench.build import (
    DEPLOYED,
    FLOOR_HERE,
    FUNCTION_HERE,
    ROOT,
    Subject,
    build_by_sam,
)
from tools.bench.show import draw, show

type Figures = dict[str, float]

RUNS = 9
EVENT = ROOT / "events/200-get.json"
OPENSSL = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bench"
    " -addext subjectAltName=IP:127.0.0.1"
)


def main() -> None:
    """Builds, measures, shows."""
    build_by_sam()
    rounds: list[dict[Subject, Figures]] = []
    with tempfile.TemporaryDirectory() as folder, endpoint(Path(folder)) as urls:
        for _ in range(RUNS + 1):
            rounds.append({it: figures(it, urls, Path(folder)) for it in DEPLOYED})
            for it in (FUNCTION_HERE, FLOOR_HERE):
                rounds[-1][it] = process(it, "cold", urls["http"], Path(folder))
    del rounds[0]  # it warms the machine
    show(rounds)
    draw(rounds)


@contextmanager
def endpoint(folder: Path) -> Iterator[dict[str, str]]:
    """A DynamoDB endpoint, with a certificate made for it in the folder; yields URLs by scheme."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(  # noqa: S603 -- our own words
        [*OPENSSL.split(), "-out", certificate, "-keyout", key], check=True, capture_output=True
    )
    with subprocess.Popen(  # noqa: S603 -- our own words
        [sys.executable, "-m", "tools.bench.endpoint", certificate, key],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        output = cast("IO[str]", server.stdout)
        try:
            yield {scheme: output.readline().strip() for scheme in ("http", "https")}
        finally:
            server.terminate()


def figures(subject: Subject, urls: dict[str, str], folder: Path) -> Figures:
    """All figures of a subject in one round, in seconds and bytes."""
    tls = process(subject, "https", urls["https"], folder)
    return {
        **process(subject, "cold", urls["http"], folder),
        **process(subject, "http", urls["http"], folder),
        "tls": tls["first"],
        "beyond a handshake": tls["first_cpu"] - tls["handshake"],
    }


def process(subject: Subject, kind: str, url: str, folder: Path) -> Figures:
    """The figures of one fresh process."""
    trusted = folder / "trusted.pem"
    (shipped,) = {each for root in subject.path for each in root.glob("botocore/cacert.pem")}
    trusted.write_bytes(shipped.read_bytes() + (folder / "certificate.pem").read_bytes())
    worker = ROOT / "tools/bench/worker.py"
    ran = subprocess.run(  # noqa: S603 -- our own words
        # As in Lambda, no bytecode is written.
        [sys.executable, "-B", "-P", "-S", worker, subject.module, kind, EVENT],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, subject.path)),
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_CA_BUNDLE": str(trusted),
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            **({"AWS_LAMBDA_FUNCTION_NAME": "bench"} if subject in DEPLOYED else {}),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as template.yaml sets it
            "TABLE_NAME": "StateTable",
            # Without these two, X-Ray's SDK takes itself to be elsewhere.
            "LAMBDA_TASK_ROOT": str(subject.path[0]),
            "_X_AMZN_TRACE_ID": f"Root=1-{'0' * 8}-{'0' * 24};Parent={'0' * 16};Sampled=0",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{subject.name}: {ran.stderr}")
    measured: Figures = json.loads(ran.stderr)
    return measured


if __name__ == "__main__":
    main()
