"""Database work in threads that Django's request cycle does not look after."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


def unit_of_work(work: Callable[P, T]) -> Callable[P, T]:
    """Gives the thread's connection back to the pool when the work is done."""

    @functools.wraps(work)
    def done(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return done
