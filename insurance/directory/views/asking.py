"""The button that has the platform asked: it starts a task and shows how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from insurance.directory.queries import latest_task
from portal.people.guard import ActorRequest, needs
from portal.tasks.choices import TaskState
from portal.tasks.services import start


def asking(kind: str, back: str) -> Callable[..., HttpResponseBase]:
    """Return the view that starts a task of `kind` and goes back to the page `back`; twice pressed is one task."""

    @require_POST
    @needs("directory.edit")
    def run(request: ActorRequest) -> HttpResponseBase:
        task = start(request.actor, kind=kind)
        messages.info(request, f"「{task.label}」已在后台运行，进度见本页。")
        return redirect(back)

    return run


def asked(request: ActorRequest, kind: str) -> dict[str, Any]:
    """Return what a page shows of it: `task` while it runs or after it failed, `asked_at` of the last good one."""
    task = latest_task(request.actor.institution, kind)
    moving = task is not None and task.state != TaskState.DONE
    return {
        "task": task if moving else None,
        "asked_at": task.ended_at if task and not moving else None,
        "may_ask": request.actor.may("directory.edit"),
    }
