"""What is compared, and how it is built."""

import json
import shutil
import site
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / ".aws-sam/bench"
SOURCE = BUILT / "source"


@dataclass(frozen=True)
class Subject:
    """A function that is measured."""

    name: str
    module: str
    """Where its `lambda_handler` is."""
    path: tuple[Path, ...]
    """The folders that it is imported from; a bundle is one."""
    requirements: tuple[str, ...] = ()
    """What its requirements.txt lists for `sam build`."""

    @property
    def size(self) -> int:
        """The bundle's, in bytes."""
        return sum(each.stat().st_size for each in self.path[0].rglob("*") if each.is_file())


_HERE = (ROOT, Path(site.getsitepackages()[0]))

FUNCTION = Subject("this function", "handlers.signing", (BUILT / "make",))
FUNCTION_HERE = Subject("this function, from the checkout", FUNCTION.module, _HERE)
FUNCTION_BY_SAM = Subject(
    "the same code, by sam build alone",
    FUNCTION.module,
    (BUILT / "sam/Function",),
    ("aws-lambda-powertools", "boto3", "pydantic", "rfc8785"),
)
FLOOR = Subject("bare boto3", "tools.bench.floor", (BUILT / "sam/Floor",), ("boto3",))
FLOOR_HERE = Subject("bare boto3, from the checkout", FLOOR.module, _HERE)
LOGGED = Subject(
    "boto3 with Logger and Metrics",
    "tools.bench.logged",
    (BUILT / "sam/Logged",),
    ("aws-lambda-powertools", "boto3"),
)
POWERTOOLS = Subject(
    "Powertools as usual",
    "tools.bench.powertools",
    (BUILT / "sam/Powertools",),
    ("aws-lambda-powertools[tracer]", "boto3", "pydantic"),
)
DEPLOYED = (FUNCTION, FUNCTION_BY_SAM, FLOOR, LOGGED, POWERTOOLS)


def build_by_sam() -> None:
    """Has `sam build` build what it can by itself, with the versions of requirements/bench.txt.

    Raises `CalledProcessError` if it fails.
    """
    subjects = {it.path[0].name: it for it in DEPLOYED if it.requirements}
    for name, subject in subjects.items():
        write_source(SOURCE / name, subject)
    functions = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": name,
                "Handler": f"{subject.module}.lambda_handler",
                "Runtime": "python3.13",
            },
        }
        for name, subject in subjects.items()
    }
    template = SOURCE / "template.json"
    template.write_text(
        json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": functions})
    )
    subprocess.run(  # noqa: S603 -- our own words
        [
            *(ROOT / ".venv-sam/bin/sam", "build"),
            *("--template", template),
            *("--build-dir", BUILT / "sam"),
        ],
        cwd=ROOT,
        check=True,
    )


def write_source(folder: Path, subject: Subject) -> None:
    """What a user would hand to `sam build`: the packages of the code, and requirements.txt."""
    shutil.rmtree(folder, ignore_errors=True)
    for package in ("domain", "handlers") if subject is FUNCTION_BY_SAM else ("tools/bench",):
        shutil.copytree(ROOT / package, folder / package)
    locked = (ROOT / "requirements/bench.txt").read_text().splitlines()
    pins = dict(line.split()[0].split("==") for line in locked if "==" in line)
    required = [f"{name}=={pins[name.partition('[')[0]]}" for name in subject.requirements]
    (folder / "requirements.txt").write_text("\n".join(required))
