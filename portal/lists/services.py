"""Everything that changes a saved view or a person's look of a list. What others see too is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal.audit.services import record
from portal.lists.choices import Scope
from portal.lists.models import ListLook, SavedView
from portal.lists.queries import may_change, roles_of
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.people.roles import ROLES

if TYPE_CHECKING:
    from portal.lists.views import ListPage

MOST_VIEWS = 30
SHARE = "lists.share"


class ViewRefused(Exception):
    """The view cannot be kept like that; the message is Chinese."""


@dataclass(frozen=True)
class Content:
    """What a view keeps: query (with tab and sorting) as in an address, and the layout (models.Layout)."""

    query: str
    columns: Sequence[str]
    size: int
    density: str


@transaction.atomic
def keep_look(actor: Actor, *, page: type[ListPage], columns: Sequence[str], size: int, density: str) -> ListLook:
    """Keep how the actor's person left a list. Raises NotAllowed."""
    actor.must(page.action)
    values = {"columns": list(columns), "size": size, "density": density}
    kept, _ = ListLook.objects.update_or_create(person=_person(actor), page=page.path(), defaults=values)
    return kept


@transaction.atomic
def save_view(
    actor: Actor, *, page: type[ListPage], name: str, content: Content, role: str = "", default: bool = False
) -> SavedView:
    """Keep a view under a name: the person's own, or with `role` for everybody of that role here.

    Raises NotAllowed (no right to the page, not of that role), ViewRefused (name taken, too many).
    """
    actor.must(page.action)
    mine = SavedView.objects.filter(owner=_person(actor), institution=actor.institution, page=page.path())
    if mine.count() >= MOST_VIEWS:
        raise ViewRefused(f"本页您已保存 {MOST_VIEWS} 个视图。请先在「管理视图」中删除不用的。")
    view = SavedView(
        institution=actor.institution,
        owner=_person(actor),
        page=page.path(),
        query=content.query,
        columns=list(content.columns),
        size=content.size,
        density=content.density,
    )
    _settle(actor, view, name=name, role=role, default=default)
    if role:
        record(actor, SHARE, [view], label=f"共享视图：{page.title} · {view.name}（{view.holder}）")
    return view


@transaction.atomic
def change_view(
    actor: Actor, *, page: type[ListPage], view: SavedView, name: str, role: str = "", default: bool = False
) -> None:
    """Rename a view, share it or take it back, make it the default. Raises NotAllowed, ViewRefused."""
    _must_change(actor, page, view)
    was = view.holder if view.scope == Scope.ROLE else ""
    _settle(actor, view, name=name, role=role, default=default)
    if role or was:
        record(
            actor, SHARE, [view], label=f"修改共享视图：{page.title} · {view.name}（{was or '我的'} → {view.holder}）"
        )


@transaction.atomic
def refill_view(actor: Actor, *, page: type[ListPage], view: SavedView, content: Content) -> None:
    """Put what the list shows now into an existing view. Raises NotAllowed."""
    _must_change(actor, page, view)
    view.query, view.columns = content.query, list(content.columns)
    view.size, view.density = content.size, content.density
    view.save()
    if view.scope == Scope.ROLE:
        record(actor, SHARE, [view], label=f"更新共享视图：{page.title} · {view.name}（{view.holder}）")


@transaction.atomic
def delete_view(actor: Actor, *, page: type[ListPage], view: SavedView) -> None:
    """Delete a view. Raises NotAllowed."""
    _must_change(actor, page, view)
    if view.scope == Scope.ROLE:
        record(actor, SHARE, [view], label=f"删除共享视图：{page.title} · {view.name}（{view.holder}）")
    view.delete()


def _settle(actor: Actor, view: SavedView, *, name: str, role: str, default: bool) -> None:
    """Give a view name, holder and default, and save it."""
    if role and role not in roles_of(actor) and role != view.role:
        raise NotAllowed(f"您在本机构没有「{ROLES[role].label if role in ROLES else role}」角色，不能共享给该角色。")
    view.name, view.role, view.default = name.strip(), role, default
    view.scope = Scope.ROLE if role else Scope.MINE
    _queue_up(actor, view)
    others = _others(view)
    taken = ViewRefused(f"已有同名视图「{view.name}」。请换一个名称，或在「管理视图」中更新原来的。")
    if others.filter(name=view.name).exists():
        raise taken
    if default:
        others.filter(default=True).update(default=False)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:  # a colleague was faster by a moment
        raise taken from None


def _queue_up(actor: Actor, view: SavedView) -> None:
    """Wait for whoever changes views of the same holder: two defaults at once would each look like a taken name."""
    holder: Any = Institution.objects.filter(pk=view.institution_id)
    if not view.role:
        holder = Person.objects.filter(pk=_person(actor).pk)
    holder.select_for_update(no_key=True).get()


def _others(view: SavedView) -> QuerySet[SavedView]:
    """Return the other views of the same holder on the same page, locked."""
    found = SavedView.objects.select_for_update().filter(institution=view.institution_id, page=view.page)
    held = (
        found.filter(scope=Scope.ROLE, role=view.role)
        if view.role
        else found.filter(scope=Scope.MINE, owner=view.owner_id)
    )
    return held.exclude(pk=view.pk)


def _must_change(actor: Actor, page: type[ListPage], view: SavedView) -> None:
    actor.must(page.action)
    if not may_change(actor, view):
        raise NotAllowed(f"视图「{view.name}」由 {view.owner.name} 建立，只有建立人可以修改或删除。")


def _person(actor: Actor) -> Person:
    if actor.person is None:
        raise NotAllowed("系统账户没有自己的视图。")
    return actor.person
