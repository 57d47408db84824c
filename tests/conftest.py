from hypothesis import settings

# Each run has the same examples. They have no deadline: a slow machine must not fail a test.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")
