import os

from hypothesis import settings

# The tools have the AWS CRT, for `aws login`. Lambda has not, and the tests sign requests as in Lambda.
os.environ["BOTO_DISABLE_CRT"] = "true"

# Each run has the same examples. They have no deadline: a slow machine must not fail a test.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")
