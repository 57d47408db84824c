"""A bound on how long a call may take, whatever it waits for."""

import signal
from collections.abc import Callable
from threading import current_thread, main_thread


class _Expired(BaseException):
    # No Exception: libraries take those for failures of their own, and try again.
    pass


def within[*Args, Result](
    seconds: float, function: Callable[[*Args], Result], *args: *Args
) -> Result:
    """What the function returns. Raises `TimeoutError` if it is not done in so many seconds.

    The bound is SIGALRM's, which costs microseconds; to wait for a thread would cost a fifth of a
    bare DynamoDB call. It holds in the main thread only, in which Lambda calls its function. A call
    into C that does not let go, such as name resolution, is cut off when it returns.
    """
    if current_thread() is not main_thread():
        return function(*args)
    done = False

    def expire(*_: object) -> None:
        if not done:
            raise _Expired

    before = signal.signal(signal.SIGALRM, expire)
    try:
        try:
            # Again each second: an exception that is raised in a destructor is lost.
            signal.setitimer(signal.ITIMER_REAL, seconds, 1)
            return function(*args)
        finally:
            done = True
    except _Expired:
        raise TimeoutError(f"nothing after {seconds} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
