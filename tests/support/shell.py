"""The shell commands of the documents, run as they are shown."""

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.needs import needs
from tests.support.processes import Ran, run
from tools.sample import ROOT


def run_as_shown(  # noqa: PLR0913 -- a script, its words and its surroundings
    document: str,
    *starts: str,
    words: Mapping[str, str],
    environment: Mapping[str, str],
    folder: Path,
    before: str = "",
    typed: str = "",
    shell: str = "bash",
) -> Ran:
    """Runs blocks of commands of a document one after another. Each is found by how it begins.

    Words of the document are replaced. `before` comes first, and `typed` is the input.
    """
    needs(shell)
    text = (ROOT / "docs" / document).read_text()
    script = before
    for start in starts:
        (shown,) = re.findall(
            rf"^```sh\n({re.escape(start)}.*?)^```", text, re.MULTILINE | re.DOTALL
        )
        script += shown
    script = script.replace(".venv/bin/python", shlex.quote(sys.executable))
    for word, value in words.items():
        script = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", value, script)
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment)
    return run(shell, "-ec", script, env=environment, cwd=folder, input=typed, check=False)
