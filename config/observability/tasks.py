"""Carries the correlation id of a request into the tasks that it queues."""

from contextlib import ExitStack
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from config.observability.context import correlation_id, work

_HEADER = "correlation_id_of_request"
_open: dict[str, ExitStack] = {}


@before_task_publish.connect(dispatch_uid="observability.send")
def _send(headers: dict[str, Any], **kwargs: Any) -> None:
    headers[_HEADER] = correlation_id()


@task_prerun.connect(dispatch_uid="observability.bind")
def _bind(task_id: str, task: Any, **kwargs: Any) -> None:
    if task.request.is_eager:
        return  # in process: the request's own context holds
    stack = ExitStack()
    stack.enter_context(work(getattr(task.request, _HEADER, None), "Task"))
    _open[task_id] = stack


@task_postrun.connect(dispatch_uid="observability.unbind")
def _unbind(task_id: str, **kwargs: Any) -> None:
    if (stack := _open.pop(task_id, None)) is not None:
        stack.close()
