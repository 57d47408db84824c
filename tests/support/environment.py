"""The environment of the tests, the same on every machine. tests/conftest.py imports this first.

Colours, proxies, the locale, and the settings of AWS and of Python would change what a test sees. A
setting that counts when an interpreter starts reaches no process that the tests start.
"""

import os
import sys
from pathlib import Path

CALLERS = dict(os.environ)
"""The caller's environment, for a command that installs packages: it may need a proxy or an index.

The workers of pytest-xdist do not have it. They are started with the environment of the tests.
"""
_KEPT = {"CI", "LD_LIBRARY_PATH", "PATH", "TMPDIR"}

for _name in CALLERS.keys() - _KEPT:
    del os.environ[_name]
# Node and the other locked programs are found as in an active environment.
_programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
os.environ["PATH"] = os.pathsep.join(_programs)
# The tools have the AWS CRT, for `aws login`. Lambda has not, and the tests sign requests as in Lambda.
os.environ["BOTO_DISABLE_CRT"] = "true"
