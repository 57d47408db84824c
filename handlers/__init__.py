"""The shell around `domain`: API Gateway events in, answers out, and the one read of the state."""
