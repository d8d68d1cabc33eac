"""Query strings are closed like bodies: what a call does not take is refused, not ignored."""

import functools
from collections.abc import Callable
from typing import Any, get_type_hints

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from approvals.api.reading import refuse_unknown_parameters


def closed_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """For a view whose parameter `query`, if it has one, is the model of its query string."""
    model = get_type_hints(view).get("query")
    known = frozenset(model.model_fields if model else ())

    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def closed_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_unknown_parameters(request.GET, known)
            return await view(request, *args, **kwargs)

        return closed_async

    @functools.wraps(view)
    def closed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refuse_unknown_parameters(request.GET, known)
        return view(request, *args, **kwargs)

    return closed
