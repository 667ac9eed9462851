"""Asking the platform in a worker, and throwing old drafts away."""

from __future__ import annotations

from pathlib import Path

from django.urls import reverse

from insurance.exchange.answers import Answer
from insurance.exchange.debugging.choices import ENDED, SendState
from insurance.exchange.debugging.drafting import drop_unnamed
from insurance.exchange.debugging.rules import DEBUG
from insurance.exchange.debugging.sending import ASK, restored
from insurance.exchange.debugging.standing import settle
from insurance.exchange.errors import PlatformError, Refused, Undelivered
from insurance.exchange.lines import open_line
from insurance.exchange.models import DebugSend
from portal.sheets.store import keep
from portal.tasks.registry import sweep, task_kind
from portal.tasks.run import Run

# A larger file is fetched by its own room or by `manage.py call --output`; here it would be held in memory.
MOST_FILE = 64 * 1024 * 1024


@task_kind(ASK, label="接口调试查询", queue="interactive", action=DEBUG)
def ask_platform(run: Run) -> None:
    """Send one transaction that changes nothing and keep what came of it; a killed worker's is asked anew."""
    send = DebugSend.objects.select_related("institution").get(pk=run.params["send"])
    url = reverse("exchange:debug_send", args=[send.pk])
    if SendState(send.state) not in ENDED:
        DebugSend.objects.filter(pk=send.pk).update(state=SendState.SENDING)
        _ask(run, send)
    send.refresh_from_db()
    run.finish({"结果": str(SendState(send.state).label)}, url=url)


def _ask(run: Run, send: DebugSend) -> None:
    said = restored(send)
    run.progress(0, 1, f"正在发送 {send.infno}")
    try:
        with open_line(said.connection) as line:
            answer = line.ask(run.actor, send.infno, said.message, insuplc_admdvs=send.insuplc_admdvs)
            words, file = _kept(answer)
            settle(send, SendState.ACCEPTED, words, answer.call_id, file)
    except PlatformError as error:
        settle(send, _state_of(error), error.words, error.call_id)
        run.log(f"{send.infno}：{error.words}", level="warning")


def _state_of(error: PlatformError) -> SendState:
    if isinstance(error, Refused):
        return SendState.REFUSED
    return SendState.UNDELIVERED if isinstance(error, Undelivered) else SendState.UNKNOWN


def _kept(answer: Answer) -> tuple[str, str]:
    """Return the words of an answer and the name under which its file rests, "" without one."""
    if not answer.file:
        return answer.words, ""
    path = Path(answer.file)
    try:
        size = path.stat().st_size
        if size > MOST_FILE:
            return f"文件 {size / 1048576:.0f} MB，过大，没有保存。请由信息科用 manage.py call 9102 --output 下载。", ""
        return answer.words, keep(path.read_bytes())
    finally:
        path.unlink(missing_ok=True)


@sweep("exchange.drafts", every=3600.0)
def forget_drafts() -> None:
    """Throw away drafts that nobody named or touched for a month."""
    drop_unnamed()
