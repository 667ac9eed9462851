"""What 审计 and 系统 have in the shell: menu lines, and the desk's own alarms as something to watch."""

from __future__ import annotations

from datetime import timedelta

from portal.audit.models import AuditStream
from portal.audit.retention import guards_off
from portal.audit.verifying import last_check, overdue
from portal.desk import registry
from portal.desk.registry import MenuEntry, Notice, add_alarm, add_menu
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, named, register_alarm, register_provider, register_source
from portal.system.status import free_disk_words
from portal.tasks import queries

GROUP = "系统"
DESK_WORDS = {"exchange.stopped": "平台暂停或熔断"}
# Raised by themselves, or watched apart.
OWN = frozenset({"audit.seal", "desk.processes"})
LEVELS = {"info": "info", "warning": "warning", "danger": "danger"}
STREAM_FAILURES = 20
# What stands for a moment at each restart is told to nobody.
PATIENCE = timedelta(minutes=2)


def register_system() -> None:
    """Hand over the lines, and watch what the desk shows."""
    for label, name, order, action, words in (
        ("告警", "system:alarms", 30, "system.view", ("企业微信", "短信", "值班")),
        ("运行状态", "system:health", 31, "system.view", ("健康", "版本", "磁盘")),
        ("安全保护", "system:protection", 60, "security.view", ("等保", "密评", "三员")),
        ("审计", "audit:list", 61, "audit.view", ("日志", "操作记录")),
        ("封存与核验", "audit:seals", 62, "audit.view", ("防篡改", "哈希")),
    ):
        add_menu(MenuEntry(label, name, GROUP, order, action, words))
    add_alarm(registry.Alarm("audit.seal", seal_notice, action="audit.view", order=5))
    register_alarm(AlarmKind("audit.seal", "封存核验不一致", duty="audit"))
    register_alarm(AlarmKind("system.test", "测试消息"))
    register_source(AlarmSource(AlarmKind("processes", "后台进程停止", after=PATIENCE), processes, everywhere=False))
    register_source(AlarmSource(AlarmKind("disk", "磁盘将满"), disk, everywhere=False))
    register_provider(desk_alarms)
    register_source(AlarmSource(AlarmKind("audit.guards", "审计保护被停用", duty="audit"), guards, everywhere=False))
    register_source(AlarmSource(AlarmKind("audit.overdue", "没有按时封存", duty="audit"), sealing, everywhere=False))
    register_source(AlarmSource(AlarmKind("audit.stream", "审计外送中断", duty="audit"), stream, everywhere=False))


def desk_alarms() -> list[AlarmSource]:
    """Return every alarm that a room put on the desk and does not hand in itself as something to watch."""
    found = []
    for alarm in registry.alarms():
        if alarm.key in OWN or alarm.key in named():
            continue
        duty = "exchange" if alarm.key.startswith("exchange.") else "processes"
        kind = AlarmKind(f"desk.{alarm.key}"[:60], DESK_WORDS.get(alarm.key, "工作台提醒"), duty=duty, after=PATIENCE)
        found.append(AlarmSource(kind, _Looker(alarm)))
    return found


class _Looker:
    """Asks one of the desk's alarms on behalf of an institution."""

    def __init__(self, alarm: registry.Alarm) -> None:
        self.alarm = alarm

    def __call__(self, place: Institution | None) -> tuple[str, str] | None:
        if place is None:
            return None
        notice = self.alarm.notice(Actor.system(place, "告警"))
        return (notice.text, LEVELS.get(notice.level, "warning")) if notice else None


def processes(place: Institution | None) -> tuple[str, str] | None:
    """Say that the workers stand still. (The dispatcher itself watches, so /healthz must be asked about it.)"""
    words = queries.health().words
    return (words, "danger") if words else None


def disk(place: Institution | None) -> tuple[str, str] | None:
    """Say that a disk runs full."""
    words = free_disk_words()
    return (words, "danger") if words else None


def guards(place: Institution | None) -> tuple[str, str] | None:
    """Say that somebody switched off what keeps the audit from being changed."""
    off = guards_off()
    return (f"{len(off)} 个审计保护触发器被停用，请立即查明并核验封存。", "danger") if off else None


def sealing(place: Institution | None) -> tuple[str, str] | None:
    """Say that a closed day was not sealed."""
    found = overdue()
    return (found[0].words, "warning") if found else None


def stream(place: Institution | None) -> tuple[str, str] | None:
    """Say that the audit's collector was not reached for a while."""
    state = AuditStream.objects.filter(failures__gte=STREAM_FAILURES).first()
    return (f"审计送不到日志服务器（{state.words}），已在本地保存，恢复后补送。", "warning") if state else None


def seal_notice(actor: Actor) -> Notice | None:
    """Say on the auditors' desk that the last verification found something."""
    check = last_check()
    if check is None or check.good:
        return None
    return Notice(f"封存核验不一致：{check.words}", "danger", "/audit/seals/", "查看核验结果")
