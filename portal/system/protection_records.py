"""Requirements on the audit, on what stays behind, and on coming back after a failure."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from portal.audit.days import yesterday
from portal.audit.models import AuditEvent, AuditStream, Pruned, Seal
from portal.audit.retention import KEPT, faults, guards_off
from portal.audit.seals import sources
from portal.audit.streaming import waiting
from portal.audit.verifying import last_check
from portal.people.actor import Actor
from portal.system.models import AlarmRoute
from portal.system.protection import Finding, Met, requirement
from portal.tasks import queries

AUDIT, DATA, BACK = "安全审计", "数据与个人信息", "可用与恢复"
CHECKED_WITHIN = timedelta(days=7)


@requirement(
    AUDIT,
    "审计记录不可更改",
    ("数据库触发器拒绝修改、删除和清空，对表的所有者和数据恢复模式同样有效；系统管理员和安全管理员没有审计权限。"),
    "audit:list",
    "审计",
)
def guarded(actor: Actor) -> Finding:
    """The database itself refuses."""
    off = guards_off()
    return Finding(
        [
            f"审计记录约 {_estimate('audit_auditevent'):,} 条",
            "保护触发器全部启用" if not off else f"{len(off)} 个触发器被停用",
        ],
        Met.NO if off else Met.YES,
        f"请立即查明并恢复：{'、'.join(off)}。" if off else "",
    )


@requirement(
    AUDIT,
    "审计保存不少于 180 天",
    (f"平台没有删除审计的功能；{KEPT.days} 天内的记录不允许清理，归档用「导出」。"),
    "audit:list",
    "审计",
)
def kept(actor: Actor) -> Finding:
    """Nothing younger than 180 days was ever taken away."""
    oldest = AuditEvent.objects.order_by("at").values_list("at", flat=True).first()
    found = faults()
    days = (timezone.now() - oldest).days if oldest else 0
    pruned = Pruned.objects.filter(source="audit").count()
    return Finding(
        [
            f"最早一条 {timezone.localtime(oldest):%Y-%m-%d}（{days} 天）" if oldest else "还没有审计记录",
            f"清理过 {pruned} 次",
        ],
        Met.NO if found else Met.YES,
        "；".join(found),
    )


@requirement(
    AUDIT,
    "每日封存与核验",
    ("每天把前一天的记录用带密钥的摘要连成链；核验能指出第一条被改动、缺少或多出的记录。"),
    "audit:seals",
    "封存与核验",
)
def sealed(actor: Actor) -> Finding:
    """Every source is sealed until yesterday and was verified lately."""
    check, evidence, late = last_check(), [], []
    for source in sources():
        newest = Seal.objects.filter(source=source.code).order_by("-day").first()
        evidence.append(
            f"{source.label}：{f'封存到 {newest.day:%Y-%m-%d}（{newest.algorithm}）' if newest else '还没有封存'}"
        )
        if newest is None or newest.day < yesterday() - timedelta(days=1):
            late.append(source.label)
    fresh = check is not None and check.at > timezone.now() - CHECKED_WITHIN
    evidence.append(
        f"上次核验 {timezone.localtime(check.at):%Y-%m-%d %H:%M}：{check.words}" if check else "还没有核验过"
    )
    state = Met.NO if check and not check.good else Met.PARTLY if late or not fresh else Met.YES
    todo = check.words if check and not check.good else f"未及时封存：{'、'.join(late)}。" if late else ""
    return Finding(evidence, state, todo or ("" if fresh else f"请核验一次（{CHECKED_WITHIN.days} 天内没有核验）。"))


@requirement(
    AUDIT,
    "审计外送",
    ("每条审计实时送往医院的日志服务器（RFC 5424，脱敏）；服务器不在时等它回来，不丢失。"),
    "system:health",
    "系统 · 运行状态",
)
def streamed(actor: Actor) -> Finding:
    """A copy leaves the machine as it is written."""
    target = settings.AUDIT_SYSLOG
    state = AuditStream.objects.filter(target=target).first() if target else None
    behind = waiting(target) if target else 0
    broken = bool(state and state.failures)
    met = Met.PARTLY if not target or broken or state is None else Met.YES
    todo = (
        ""
        if met is Met.YES
        else (
            f"日志服务器连不上：{state.words}，待送 {behind} 条。"
            if state and broken
            else "请设置 AUDIT_SYSLOG，把审计同步送到日志服务器。"
        )
    )
    evidence = (
        [f"已送 {state.sent:,} 条，待送 {behind} 条"]
        if state
        else ["没有设置日志服务器" if not target else "还没有送出"]
    )
    return Finding(evidence, met, todo)


@requirement(
    DATA,
    "剩余信息保护",
    ("登录后的页面不进浏览器缓存，退出后按「后退」看不到；草稿和上传的表格加密保存；过期会话每小时清除。"),
    "system:logins",
    "系统 · 登录会话",
)
def left_over(actor: Actor) -> Finding:
    """What a login has seen does not outlive it."""
    stale = Session.objects.filter(expire_date__lt=timezone.now() - timedelta(hours=3)).count()
    cookie = settings.SESSION_COOKIE_HTTPONLY
    state = Met.NO if not cookie else Met.PARTLY if stale else Met.YES
    return Finding(
        [f"未清除的过期会话 {stale} 个", f"会话标识不给脚本读取：{'是' if cookie else '否'}"],
        state,
        "后台调度没有运行，过期会话没有清除。" if stale else "",
    )


@requirement(
    BACK,
    "进程与告警",
    ("调度、执行进程和平台连接有人值守：异常按级别和职责发到企业微信、短信网关或日志服务器。"),
    "system:alarms",
    "系统 · 告警",
)
def alive(actor: Actor) -> Finding:
    """Somebody hears when a process stands still."""
    health = queries.health()
    routes = AlarmRoute.objects.filter(institution=actor.institution, active=True).count()
    state = Met.NO if not health.well else Met.YES if routes else Met.PARTLY
    return Finding(
        ["进程正常" if health.well else health.words, f"告警去向 {routes} 个"],
        state,
        health.words or ("" if routes else "请在「告警去向」中至少设置一个。"),
    )


@requirement(
    BACK,
    "数据备份与恢复",
    ("平台不备份数据库，由医院按制度备份并演练恢复；密钥（FIELD_KEYS、INDEX_KEY）须与数据库分开另存。"),
    "system:health",
    "系统 · 运行状态",
)
def backup(actor: Actor) -> Finding:
    """The database's backup is the hospital's; what the server says of it is shown."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('archive_mode'), (SELECT last_archived_time FROM pg_stat_archiver), "
            "(SELECT count(*) FROM pg_stat_replication), pg_size_pretty(pg_database_size(current_database()))"
        )
        mode, archived, replicas, size = cursor.fetchone()
    when = f"最近一次 {timezone.localtime(archived):%Y-%m-%d %H:%M}" if archived else "还没有归档过"
    kept = "没有开启" if mode == "off" else f"已开启，{when}"
    return Finding(
        [f"数据库 {size}", f"数据库连续归档{kept}", f"备用数据库 {replicas} 台"],
        Met.OUTSIDE,
        "请提供数据库备份制度、最近一次备份和恢复演练的记录。",
    )


@requirement(BACK, "网络、主机与机房", ("区域边界、入侵防范、恶意代码、机房物理环境由医院的网络和主机提供。"))
def outside(actor: Actor) -> Finding:
    """Named so that nobody thinks the portal did it."""
    return Finding([f"前置代理 {settings.PROXY_COUNT} 层"], Met.OUTSIDE, "请提供网络拓扑、防火墙和主机防护的材料。")


def _estimate(table: str) -> int:
    """Return how many rows a table has, as the server last counted; exactly while it is small."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        number = int(cursor.fetchone()[0])
    return number if number > 100_000 else AuditEvent.objects.count()
