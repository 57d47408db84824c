import tests.support.environment  # noqa: F401 -- it cleans the environment, before all else

# isort: split
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Each run has the same examples. A slow machine must not fail a test.
settings.register_profile(
    "tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Gives the programs that the tests start a home directory without a person's settings."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield
