"""系统 · 人员 and 系统 · 登录会话: the two lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter
from portal.lists.states import States
from portal.lists.tables import ListTable
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people import queries
from portal.people.models import LoginSession, Membership, Person
from portal.people.roles import ROLE_CHOICES

NO_RIGHT = "您没有此操作的权限。"


class AccountState(States):
    """Whether somebody can log in."""

    OFF = "off", "dark", "停用"
    INITIAL = "initial", "yellow", "未设自己的密码"
    ON = "on", "green", "启用"


class FactorState(States):
    """Whether somebody has a second factor."""

    ON = "on", "green", "已启用"
    OFF = "off", "secondary", "未启用"


class LoginState(States):
    """Whether a login goes on."""

    OPEN = "open", "green", "登录中"
    LOCKED = "locked", "yellow", "已锁屏"
    ENDED = "ended", "secondary", "已结束"


def person_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield what leads on from a person."""
    yield Act("查看", reverse("system:person", args=[record.pk]), drawer=True)


class PersonTable(ListTable):
    """人员; rows with `.here` (memberships of this institution) and `.factor`."""

    username = CodeColumn(verbose_name="登录名", opens=True)
    name = TextColumn(verbose_name="姓名")
    roles = TextColumn(verbose_name="角色", accessor="pk", orderable=False, width="w-xl")
    opter = CodeColumn(verbose_name="经办人编号", accessor="pk", orderable=False)
    state = StateColumn(AccountState, verbose_name="账号", accessor="account_state", orderable=False)
    factor_state = StateColumn(FactorState, verbose_name="动态验证码", accessor="factor_state", orderable=False)
    last_login = TimeColumn(verbose_name="上次登录")
    act = ActionsColumn(person_acts)

    def row_url(self, record: Any) -> str:
        """Return the person's page."""
        return reverse("system:person", args=[record.pk])

    def render_roles(self, record: Any) -> str:
        """Return the roles held here."""
        return role_words(record)

    def value_roles(self, record: Any) -> str:
        """Return the same for a spreadsheet."""
        return role_words(record)

    def render_opter(self, record: Any) -> str:
        """Return the operator numbers held here."""
        return operator_words(record)

    def value_opter(self, record: Any) -> str:
        """Return the same for a spreadsheet."""
        return operator_words(record)


class PersonFilter(ListFilter):
    """Who is looked for."""

    words = SearchFilter(fields=["username", "name"], label="登录名、姓名")
    role = ChoiceFilter(label="角色", choices=[*ROLE_CHOICES, ("none", "没有角色")], method="with_role")
    factor = YesNoFilter(
        label="动态验证码",
        field_name="factor__confirmed_at",
        lookup_expr="isnull",
        exclude=True,
        yes="已启用",
        no="未启用",
    )
    last_login = DayRangeFilter(label="上次登录", times=True)

    class Meta:
        model = Person
        fields: ClassVar[list[str]] = []

    def with_role(self, rows: QuerySet[Person], name: str, value: str) -> QuerySet[Person]:
        """Narrow to who holds a role here, or none."""
        here = Membership.objects.filter(person=OuterRef("pk"), institution=self.request.actor.institution)
        return rows.filter(~Exists(here)) if value == "none" else rows.filter(Exists(here.filter(role=value)))


class PersonList(ListPage):
    """Everybody who works in the institution at hand."""

    action = "people.view"
    title, purpose = "人员", "谁可以登录、在本机构担任什么角色。系统管理员管账号，安全管理员授权。"
    table_class, filter_class = PersonTable, PersonFilter
    tabs = (
        Tab("on", "启用", Q(is_active=True)),
        Tab("initial", "未设自己的密码", Q(is_active=True, must_change_password=True)),
        Tab("silent", "没有登录过", Q(is_active=True, last_login=None)),
        Tab("off", "停用", Q(is_active=False), empty="没有停用的账号。"),
        Tab("all", "全部"),
    )
    main = Link("新建人员", "system:person_new", action="people.manage")
    tools = (Link("加入本机构", "system:person_join", action="people.grant"),)
    empty = Empty("还没有人员。", Link("新建人员", "system:person_new", action="people.manage"))
    order = ("username",)
    export_action = "people.manage"

    def rows(self) -> QuerySet[Person]:
        """Return the institution's persons with their factor."""
        return queries.staff_of(self.request.actor).select_related("factor")

    def decorate(self, records: list[Any]) -> None:
        """Add account and factor state."""
        for person in records:
            person.account_state = account_state(person)
            person.factor_state = FactorState.ON if has_factor(person) else FactorState.OFF


def login_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield the end of a login."""
    reason = "这次登录已经结束。" if record.ended else ""
    yield Act("结束", reverse("system:login_end", args=[record.pk]), drawer=True, reason=reason)


class LoginTable(ListTable):
    """登录会话."""

    person = TextColumn(verbose_name="人员", accessor="person__name", order_by=("person__name",))
    username = CodeColumn(verbose_name="登录名", accessor="person__username")
    state = StateColumn(LoginState, verbose_name="状态", accessor="login_state", orderable=False)
    ip = CodeColumn(verbose_name="来源地址")
    browser = TextColumn(verbose_name="浏览器", width="w-m")
    started = TimeColumn(verbose_name="登录时间")
    seen = TimeColumn(verbose_name="最近操作")
    factor_at = TimeColumn(verbose_name="验证码时间")
    ended = TimeColumn(verbose_name="结束时间")
    why = TextColumn(verbose_name="结束原因", width="w-l")
    act = ActionsColumn(login_acts)


class LoginFilter(ListFilter):
    """Which logins are looked for."""

    words = SearchFilter(fields=["person__username", "person__name"], label="登录名、姓名")
    ip = django_filters.CharFilter(label="来源地址", method="from_address")
    started = DayRangeFilter(label="登录时间", times=True)

    class Meta:
        model = LoginSession
        fields: ClassVar[list[str]] = []

    def from_address(self, rows: QuerySet[LoginSession], name: str, value: str) -> QuerySet[LoginSession]:
        """Narrow to addresses that begin so."""
        return rows.extra(where=["host(ip) LIKE %s"], params=[f"{value.strip().replace('%', '')}%"])


class LoginList(ListPage):
    """Every login of the institution, open ones first."""

    action = "people.manage"
    title, purpose = "登录会话", "谁正在哪台电脑上登录；结束后那台电脑的下一次操作须重新登录。"
    table_class, filter_class = LoginTable, LoginFilter
    tabs = (Tab("open", "登录中", Q(ended=None)), Tab("ended", "已结束", Q(ended__isnull=False)), Tab("all", "全部"))
    empty = Empty("没有登录记录。")
    order = ("-started",)
    export_action = "people.manage"

    def rows(self) -> QuerySet[LoginSession]:
        """Return the institution's logins."""
        here = self.request.actor.institution
        return LoginSession.objects.filter(institution=here).select_related("person")

    def decorate(self, records: list[Any]) -> None:
        """Add the state."""
        for login in records:
            login.login_state = login_state(login)


def account_state(person: Person) -> AccountState:
    """Return whether somebody can log in."""
    if not person.is_active:
        return AccountState.OFF
    return AccountState.INITIAL if person.must_change_password else AccountState.ON


def has_factor(person: Person) -> bool:
    """Say whether the factor read along with the person is switched on."""
    found = getattr(person, "factor", None)
    return found is not None and found.confirmed_at is not None


def login_state(login: LoginSession) -> LoginState:
    """Return whether a login goes on."""
    if login.ended:
        return LoginState.ENDED
    return LoginState.LOCKED if login.locked_at else LoginState.OPEN


def role_words(person: Any) -> str:
    """Return the roles a person holds here, by word."""
    return "、".join(member.get_role_display() for member in person.here)


def operator_words(person: Any) -> str:
    """Return the operator numbers a person has here."""
    return "、".join(dict.fromkeys(member.opter for member in person.here if member.opter))
