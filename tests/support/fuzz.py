"""Sends the sample world what openapi.yaml allows and what it forbids, by schemathesis.

`make fuzz` runs it. The argument is the most requests for each operation. Exits with 1 if an answer
is not as openapi.yaml says. tests/schemathesis.toml has the settings.
"""

import logging
import subprocess
import sys
from pathlib import Path

from tools.sample import ROOT
from tools.serve import OPENAPI, serving
from tools.world import sample_world

(examples,) = sys.argv[1:]
logging.disable()
with sample_world(), serving(0) as url:
    program = Path(sys.executable).with_name("schemathesis")
    settings = ROOT / "tests/schemathesis.toml"
    options = ["--url", url, "--max-examples", examples]
    ran = subprocess.run(  # noqa: S603 -- our own words
        [program, "--config-file", settings, "run", OPENAPI, *options], cwd=ROOT, check=False
    )
sys.exit(ran.returncode)
