"""任务中心: who sees what, what polls and when it stops, the buttons."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.tasks import services, sweeps
from portal.tasks.models import Schedule, Task, TaskFault, TaskLog
from tests.people.factories import make_actor, make_institution, make_person
from tests.tasks import kinds  # noqa: F401 (registers the kinds)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def task() -> Task:
    """One waiting task of the first institution, asked for by its insurance office."""
    return services.start(make_actor(), kind="test.count", params={"up_to": 7, "secret": 1}, label="数到七")


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def test_three_persons_before_a_task(client, task) -> None:
    """A colleague looks, another institution finds nothing, a stranger is refused."""
    client.force_login(make_person("cashier"))
    assert "数到七" in text(client.get(reverse("tasks:detail", args=[task.pk])))
    client.force_login(make_person("insurance_office", make_institution("H99990000002", "另一院")))
    for page in ("detail", "live", "progress"):
        assert client.get(reverse(f"tasks:{page}", args=[task.pk])).status_code == 404
    assert client.post(reverse("tasks:cancel", args=[task.pk])).status_code == 404
    assert "数到七" not in text(client.get(reverse("tasks:list")))
    client.force_login(make_person(None))
    assert client.get(reverse("tasks:list")).status_code == 403


def test_who_may_only_look_cannot_cancel(client, task) -> None:
    client.force_login(make_person("cashier"))
    shown = text(client.get(reverse("tasks:detail", args=[task.pk])))
    assert 'disabled title="只有发起人' in shown
    assert client.post(reverse("tasks:cancel", args=[task.pk])).status_code == 403
    assert Task.objects.get(pk=task.pk).state == "queued"


def test_who_asked_for_it_may_cancel_and_repeat(client) -> None:
    asker = make_actor("cashier")
    task = services.start(asker, kind="test.count", params={"up_to": 1})
    client.force_login(asker.person)
    assert client.post(reverse("tasks:cancel", args=[task.pk])).status_code == 302
    task.refresh_from_db()
    assert (task.state, task.ended) == ("cancelled", True)
    answer = client.post(reverse("tasks:repeat", args=[task.pk]), headers=HTMX)
    again = Task.objects.exclude(pk=task.pk).get()
    assert answer["HX-Redirect"] == reverse("tasks:detail", args=[again.pk])


def test_cancelling_what_is_over_is_answered_in_words(client, task) -> None:
    Task.objects.filter(pk=task.pk).update(state="done", ended_at=timezone.now())
    client.force_login(make_person("insurance_office"))
    shown = client.post(reverse("tasks:cancel", args=[task.pk]), follow=True)
    assert "任务已经结束，不能取消" in text(shown)


@pytest.mark.parametrize("page", ["live", "progress"])
def test_it_polls_until_it_ends_then_stops(client, task, page: str) -> None:
    client.force_login(make_person("cashier"))
    address = reverse(f"tasks:{page}", args=[task.pk])
    Task.objects.filter(pk=task.pk).update(state="running", done=3, total=7, message="数到 3")
    answer = client.get(address, headers=HTMX)
    assert answer.status_code == 200
    for said in ("every", "3 / 7", "数到 3", 'value="42"', "进行中"):
        assert said in text(answer)
    Task.objects.filter(pk=task.pk).update(state="done", ended_at=timezone.now(), result_url="/directory/")
    answer = client.get(address, headers=HTMX)
    assert answer.status_code == 286
    assert "every" not in text(answer)
    assert 'href="/directory/"' in text(answer)


def test_the_last_bar_tells_the_page_that_embeds_it(client, task) -> None:
    client.force_login(make_person("cashier"))
    Task.objects.filter(pk=task.pk).update(state="failed", ended_at=timezone.now(), message="第 3 行有误。")
    answer = client.get(reverse("tasks:progress", args=[task.pk]))
    assert answer["HX-Trigger"] == "task-ended"
    assert "第 3 行有误。" in text(answer)


def test_the_page_shows_log_result_and_named_parameters_only(client, task) -> None:
    TaskLog.objects.bulk_create([TaskLog(task=task, text=f"行 {n}") for n in range(205)])
    Task.objects.filter(pk=task.pk).update(state="done", ended_at=timezone.now(), result={"新增": 3}, attempt=2)
    client.force_login(make_person("cashier"))
    shown = text(client.get(reverse("tasks:detail", args=[task.pk])))
    assert "行 204" in shown
    assert "行 4<" not in shown
    for said in ("新增", "数到", "第 2 次"):
        assert said in shown
    assert "secret" not in shown


def test_the_list_has_its_tabs(client, task) -> None:
    client.force_login(make_person("cashier"))
    assert "数到七" in text(client.get(reverse("tasks:list")))
    assert "数到七" not in text(client.get(reverse("tasks:list"), {"tab": "done"}))
    assert "数到七" in text(client.get(reverse("tasks:list"), {"tab": "all", "words": "数到"}))
    assert "没有符合查询条件" in text(client.get(reverse("tasks:list"), {"tab": "all", "words": "没有的"}))


@pytest.mark.parametrize("rows", [1, 15])
def test_the_list_costs_the_same_for_any_number(client, django_assert_max_num_queries, rows: int) -> None:
    actor = make_actor()
    for _ in range(rows):
        services.start(actor, kind="test.count", params={"up_to": 1})
    client.force_login(make_person("cashier"))
    with django_assert_max_num_queries(14):
        assert client.get(reverse("tasks:list")).status_code == 200


def test_no_dispatcher_is_told_on_the_page(client) -> None:
    client.force_login(make_person("cashier"))
    assert "调度进程没有运行" in text(client.get(reverse("tasks:list")))
    sweeps.beat()
    sweeps.beat_as("worker:tasks")
    assert "没有运行" not in text(client.get(reverse("tasks:list")))


def test_schedules_are_changed_by_those_who_manage(client) -> None:
    place = make_institution()
    plan = Schedule.objects.create(
        institution=place, kind="test.count", label="数数", daily_at=time(2, 30), next_run=timezone.now()
    )
    address, prefix = reverse("tasks:schedule", args=[plan.pk]), str(plan.pk)
    client.force_login(make_person("cashier"))
    assert client.get(reverse("tasks:schedules")).status_code == 403
    assert client.post(address, {}).status_code == 403
    client.force_login(make_person("insurance_office"))
    assert "02:30" in text(client.get(reverse("tasks:schedules")))
    client.post(address, {f"{prefix}-active": "on", f"{prefix}-daily_at": "03:15"})
    plan.refresh_from_db()
    assert (plan.daily_at, plan.active) == (time(3, 15), True)
    assert timezone.localtime(plan.next_run).strftime("%H:%M") == "03:15"
    wrong = {f"{prefix}-daily_at": "03:15", f"{prefix}-every_seconds": "60"}
    assert "只填一个" in text(client.post(address, wrong, follow=True))
    assert "没有保存" in text(client.post(address, {f"{prefix}-every_seconds": "5"}, follow=True))
    client.force_login(make_person("it", make_institution("H99990000002", "另一院")))
    assert "没有这个定时" in text(client.post(address, {f"{prefix}-daily_at": "01:00"}, follow=True))


def test_the_next_daily_run_is_in_shanghai_time() -> None:
    from datetime import UTC, datetime

    from portal.tasks.clock import next_run

    before = datetime(2026, 11, 22, 18, 29, tzinfo=UTC)  # 02:29 in Yangjiang
    after = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert next_run(None, time(2, 30), before) == datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert next_run(None, time(2, 30), after) == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    assert next_run(600, None, before) == before + timedelta(minutes=10)


def test_an_interval_beyond_all_sense_is_refused_in_words(client) -> None:
    client.force_login(make_person("it"))
    plan = Schedule.objects.create(
        institution=make_institution(), kind="test.count", label="x", daily_at=time(2), next_run=timezone.now()
    )
    form = {f"{plan.pk}-active": "on", f"{plan.pk}-every_seconds": "99999999999999999999"}
    answer = client.post(reverse("tasks:schedule", args=[plan.pk]), form, follow=True)
    assert "没有保存" in text(answer)


@pytest.fixture
def plan() -> Schedule:
    """A daily schedule of the first institution."""
    return Schedule.objects.create(
        institution=make_institution(), kind="test.count", label="每日数数", params={"up_to": 1}, daily_at=time(2, 30),
        next_run=timezone.now() + timedelta(hours=5),
    )  # fmt: skip


def test_a_schedule_is_run_now_without_moving_its_next_run(client, plan: Schedule) -> None:
    client.force_login(make_person("insurance_office"))
    answer = client.post(reverse("tasks:run_now", args=[plan.pk]))
    task = Task.objects.get(kind="test.count")
    assert answer["Location"] == reverse("tasks:detail", args=[task.pk])
    assert (task.params, task.source) == ({"up_to": 1}, "人工")
    before = plan.next_run
    plan.refresh_from_db()
    assert plan.next_run == before
    shown = text(client.get(reverse("tasks:schedules")))
    assert task.get_absolute_url() in shown


def test_only_those_who_may_run_a_schedule_now(client, plan: Schedule) -> None:
    address = reverse("tasks:run_now", args=[plan.pk])
    client.force_login(make_person("cashier"))
    assert client.post(address).status_code == 403
    client.force_login(make_person("insurance_office", make_institution("H99990000002", "另一院")))
    assert "没有这个定时" in text(client.post(address, follow=True))
    assert not Task.objects.exists()


def test_a_schedule_of_a_kind_that_is_gone_says_so(client, plan: Schedule) -> None:
    Schedule.objects.filter(pk=plan.pk).update(kind="gone.kind")
    client.force_login(make_person("insurance_office"))
    shown = text(client.post(reverse("tasks:run_now", args=[plan.pk]), follow=True))
    assert "此版本没有这种任务" in shown


def test_what_could_not_be_done_is_listed_with_its_reason(client, task) -> None:
    Task.objects.filter(pk=task.pk).update(faults=3)
    TaskFault.objects.create(task=task, label="第 7 条", reason="科室已停用", url="/directory/")
    client.force_login(make_person("cashier"))
    shown = text(client.get(reverse("tasks:detail", args=[task.pk])))
    assert "没有做成的 3 条（列出前 1 条）" in shown
    assert '<a href="/directory/">第 7 条</a>' in shown
    assert "科室已停用" in shown


def test_whose_task_is_its_own_is_left_alone_by_those_who_manage_tasks(client) -> None:
    """Sealing is the audit administrator's: whoever manages tasks can neither stop, plan nor run it."""
    plan = Schedule.objects.create(
        institution=make_institution(), kind="audit.seal", label="封存", daily_at=time(0, 40), next_run=timezone.now()
    )
    office = make_actor("insurance_office")
    task = services.start(make_actor("audit_admin"), kind="audit.seal")
    client.force_login(office.person)
    assert client.post(reverse("tasks:run_now", args=[plan.pk])).status_code == 403
    assert client.post(reverse("tasks:schedule", args=[plan.pk]), {f"{plan.pk}-daily_at": "01:00"}).status_code == 403
    assert client.post(reverse("tasks:cancel", args=[task.pk])).status_code == 403
    plan.refresh_from_db()
    assert plan.active
    assert "这项定时由专门的管理员管理" in text(client.get(reverse("tasks:schedules")))
