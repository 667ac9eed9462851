"""Requirements on who logs in, how, and what they may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from portal.approvals.registry import kinds
from portal.people import throttle
from portal.people.actor import Actor
from portal.people.models import Membership, Person, SecondFactor, Throttle
from portal.people.roles import ROLES, THREE_OFFICERS
from portal.system.protection import Finding, Met, requirement

IDENTITY, ACCESS = "身份鉴别", "访问控制"
LONGEST_IDLE = 30
LONGEST_PASSWORD_AGE = 90
SHORTEST_PASSWORD = 8
LOCKED_MINUTES = int(throttle.LOCKED_FOR.total_seconds() // 60)


def staff(actor: Actor) -> list[Person]:
    """Return everybody who can log in and work in the institution at hand."""
    found = Person.objects.filter(is_active=True, memberships__institution=actor.institution).distinct()
    return list(found.prefetch_related("memberships"))


@requirement(
    IDENTITY,
    "双因素鉴别",
    ("密码之外用手机动态验证码（TOTP，离线可用）；三员和审核人每次登录都要，其他人每班一次。"),
    "system:people",
    "系统 · 人员",
)
def second_factor(actor: Actor) -> Finding:
    """Everybody has a second factor."""
    people = staff(actor)
    keys = [person.pk for person in people]
    having = SecondFactor.objects.filter(person__in=keys, confirmed_at__isnull=False).count()
    required = settings.FACTOR == "required"
    state = Met.YES if people and having == len(people) else Met.PARTLY if required else Met.NO
    todo = (
        ""
        if state is Met.YES
        else f"还有 {len(people) - having} 人没有设置验证码。"
        + ("他们下次登录时必须先设置。" if required else "请把 FACTOR 设为 required。")
    )
    return Finding(
        [f"在用账号 {len(people)} 个，已设置验证码 {having} 个", f"要求人人设置：{'是' if required else '否'}"],
        state,
        todo,
    )


@requirement(
    IDENTITY,
    "口令策略",
    ("长度、字符种类、更换周期和不重复由系统强制；初次登录必须修改。"),
    "people:password",
    "修改密码",
)
def passwords(actor: Actor) -> Finding:
    """Passwords are long, mixed, changed in time and kept as argon2."""
    given: Any = settings.AUTH_PASSWORD_VALIDATORS
    names: dict[str, Any] = {str(rule["NAME"]).rpartition(".")[2]: rule for rule in given}
    length = int(names.get("LengthValidator", {}).get("OPTIONS", {}).get("min_length", 0))
    age = settings.PASSWORD_AGE_DAYS
    old = sum(person.password_at < timezone.now() - timedelta(days=age) for person in staff(actor)) if age else 0
    rules = {
        f"至少 {length} 位": length >= SHORTEST_PASSWORD,
        "三种以上字符": "KindsValidator" in names,
        "不重复最近用过的": "NotUsedValidator" in names,
        f"{age} 天必须更换" if age else "不要求定期更换": 0 < age <= LONGEST_PASSWORD_AGE,
        "Argon2 加盐保存": "Argon2" in settings.PASSWORD_HASHERS[0],
    }
    missing = [rule for rule, kept in rules.items() if not kept]
    return Finding(
        [
            *(rule if kept else f"{rule}（不满足）" for rule, kept in rules.items()),
            f"超期未改的账号 {old} 个（下次登录时强制修改）",
        ],
        Met.PARTLY if missing else Met.YES,
        f"不满足：{'、'.join(missing)}。" if missing else "",
    )


@requirement(
    IDENTITY,
    "登录失败处理",
    (f"连续输错 {throttle.WRONG_ALLOWED} 次锁定账号 {LOCKED_MINUTES} 分钟，并记入审计。"),
    "system:people",
    "系统 · 人员",
)
def failures(actor: Actor) -> Finding:
    """Wrong passwords lock the account."""
    locked = Throttle.objects.filter(locked_until__gt=timezone.now()).count()
    good = throttle.WRONG_ALLOWED <= 10 and LOCKED_MINUTES >= 5
    return Finding([f"当前锁定 {locked} 个"], Met.YES if good else Met.NO)


@requirement(
    IDENTITY,
    "超时退出",
    ("无操作先锁屏、再退出；一次登录有最长时限；管理员可结束在线会话。"),
    "system:logins",
    "系统 · 登录会话",
)
def timeouts(actor: Actor) -> Finding:
    """Sessions end when nobody works."""
    idle, lock = settings.SESSION_IDLE_MINUTES, settings.IDLE_LOCK_MINUTES
    good = 0 < idle <= LONGEST_IDLE
    state = Met.NO if not good else Met.YES if lock else Met.PARTLY
    hours = settings.SESSION_COOKIE_AGE / 3600
    return Finding(
        [f"无操作 {lock} 分钟锁屏" if lock else "没有锁屏", f"无操作 {idle} 分钟退出", f"最长 {hours:g} 小时"],
        state,
        "" if state is Met.YES else f"请设置 IDLE_LOCK_MINUTES，并使 SESSION_IDLE_MINUTES 不超过 {LONGEST_IDLE}。",
    )


@requirement(
    ACCESS,
    "三员分立",
    ("系统、安全、审计管理员是三个角色，不能由同一人担任，也不能互相代办；权限写在程序里，互不包含。"),
    "system:people",
    "系统 · 人员",
)
def officers(actor: Actor) -> Finding:
    """Three officers, three persons."""
    rows = Membership.objects.filter(
        institution=actor.institution, role__in=THREE_OFFICERS, person__is_active=True
    ).values_list("role", "person_id", "person__name")
    holders: dict[str, set[int]] = {role: set() for role in THREE_OFFICERS}
    for role, person, _ in rows:
        holders[role].add(person)
    double = {one for role in holders for one in holders[role] if sum(one in h for h in holders.values()) > 1}
    empty = [ROLES[role].label for role in sorted(holders) if not holders[role]]
    state = Met.NO if double else Met.PARTLY if empty else Met.YES
    todo = f"{len(double)} 人身兼两职，请收回其一。" if double else f"还没有任命：{'、'.join(empty)}。" if empty else ""
    names = [f"{ROLES[role].label} {len(holders[role])} 人" for role in sorted(holders)]
    return Finding(names, state, todo)


@requirement(
    ACCESS,
    "最小权限",
    ("权限只来自角色和任职机构，没有超级用户；每页、每个操作、每行数据都在服务端检查。"),
    "system:people",
    "系统 · 人员",
)
def least_rights(actor: Actor) -> Finding:
    """Nobody has more than a role, and silent accounts are shut."""
    people = staff(actor)
    days = settings.ACCOUNT_SILENT_DAYS
    since = timezone.now() - timedelta(days=days or LONGEST_PASSWORD_AGE)
    silent = sum((person.last_login or person.created_at) < since for person in people)
    everything = [role.label for role in ROLES.values() if "*.*" in role.actions]
    state = Met.NO if everything else Met.PARTLY if silent or not days else Met.YES
    return Finding(
        [
            f"在用账号 {len(people)} 个",
            f"角色 {len(ROLES)} 种",
            f"{days or LONGEST_PASSWORD_AGE} 天未登录的账号 {silent} 个",
        ],
        state,
        f"请停用 {silent} 个长期未登录的账号。" if silent else "",
    )


@requirement(
    ACCESS,
    "重要操作双人审核",
    ("提出人不能审核自己的申请；代办人不能审核被代办人的申请。"),
    "approvals:list",
    "双人审核",
)
def two_persons(actor: Actor) -> Finding:
    """What cannot be undone needs a second person."""
    from portal.approvals.models import Approval

    found = [kind.label for kind in kinds()]
    since = timezone.now() - timedelta(days=30)
    passed = Approval.objects.filter(institution=actor.institution, decided_at__gte=since, state="approved")
    alone = passed.filter(decided_by=F("proposed_by")).count()
    return Finding(
        [
            f"需要双人的操作 {len(found)} 种：{'、'.join(found) or '无'}",
            f"近 30 天通过 {passed.count()} 件",
            f"其中一人自提自批 {alone} 件",
        ],
        Met.NO if alone or not found else Met.YES,
        "请查明自提自批的申请。" if alone else "",
    )
