"""The function in two regions, on one table that both read with strong consistency.

dynalite stands in for the global table: it does not look at a request's region.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from subprocess import PIPE

from tests.support.dynalite import dynalite_world
from tests.support.processes import first_line, started, tool
from tools.sample import ENTERPRISE_ID, TABLE_NAME, TOKEN

# Sends a good request for each line of the input, and writes the answer's status and the error's name.
_FUNCTION = """if True:
    import sys
    from tests.support.calls import ask, logged
    with logged():
        for _ in sys.stdin:
            answer = ask()
            print(answer.status, answer.name, flush=True)
"""


@contextmanager
def function(region: str) -> Iterator[Callable[[], str]]:
    """The function in a process that keeps its connection and its memory, as in Lambda. Yields what sends a request."""
    environment = os.environ | {"AWS_DEFAULT_REGION": region}
    with started(sys.executable, "-c", _FUNCTION, env=environment, stdin=PIPE) as process:
        assert process.stdin
        requests = process.stdin

        def answer() -> str:
            print(file=requests, flush=True)
            return first_line(process)

        yield answer


def test_what_one_region_revokes_the_other_refuses() -> None:
    token_hash = sha256(TOKEN.encode()).hexdigest()
    revoke = ("revoke", ENTERPRISE_ID, "trader", token_hash, "--table", TABLE_NAME)
    with dynalite_world(), function("eu-central-1") as first, function("eu-west-1") as second:
        assert [first(), second()] == ["200", "200"]
        assert tool(*revoke, AWS_DEFAULT_REGION="eu-west-1").exit_code == 0
        assert [first(), second()] == ["401 NotAMember", "401 NotAMember"]
