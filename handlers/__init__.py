"""The shell around `domain`: API Gateway events in, answers out, and the one read of the state."""

import gc

# To start is to make some 80,000 objects that stay. Python would look for garbage among them at every
# 2,000, which takes a tenth of the start; `signing`, when it has started, sets this back.
COLLECTOR = gc.get_threshold()
gc.set_threshold(200_000)
