"""What a person does to a list itself: its columns, density and page size, and the saved views.

The panels are the list's own address with `panel=columns|save|views`, shown in the drawer or, without script, as a
page; every button posts to the list's own address, so that its guard stands before all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from portal.lists.choices import Density, Scope
from portal.lists.layouts import SIZES, Place, stored
from portal.lists.models import SavedView
from portal.lists.queries import may_change, roles_of
from portal.lists.services import (
    Content,
    ViewRefused,
    change_view,
    delete_view,
    keep_look,
    refill_view,
    save_view,
)
from portal.people.roles import ROLES

if TYPE_CHECKING:
    from portal.lists.views import ListPage

# Where in the list one is, and what is laid over it: never part of a view.
PASSING = ("page", "per_page", "before", "after", "at", "view", "panel", "print")
PANELS = ("columns", "save", "views")


class ViewForm(forms.Form):
    """A view's name, who may use it, and whether the page opens with it."""

    name = forms.CharField(label="名称", max_length=30)
    role = forms.ChoiceField(label="谁可用", required=False, widget=forms.RadioSelect)
    default = forms.BooleanField(
        label="默认", required=False, help_text="从菜单打开本页时自动使用。个人的默认优先于角色的默认。"
    )

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = [(role, f"{ROLES[role].label}的所有人（本机构）") for role in roles if role in ROLES]
        self.fields["role"].choices = [("", Scope.MINE.label), *shared]  # type: ignore[attr-defined]


def panel(page: ListPage, name: str) -> HttpResponse:
    """Answer with one of the panels. Raises KeyError for a name that is none."""
    shown = {"columns": _columns_panel, "save": _save_panel, "views": _views_panel}[name]
    return shown(page)


def act(page: ListPage, data: QueryDict) -> HttpResponseBase | None:
    """Carry out what was posted to the list, None when it is nothing of ours. Raises NotAllowed."""
    for name, function in ACTS.items():
        if name in data:
            return function(page, data)
    return None


def content_of(page: ListPage) -> Content:
    """Return what a view of the list as it is shown now would keep."""
    look = page.look
    return Content(query_of(page.query).urlencode(), look.columns, look.size, look.density)


def query_of(query: QueryDict) -> QueryDict:
    """Return an address's query without what passes."""
    found = query.copy()
    for name in PASSING:
        found.pop(name, None)
    return found


def _columns_panel(page: ListPage) -> HttpResponse:
    return _show(page, "lists/panel_columns.html", places=page.look.places, sizes=SIZES, densities=Density.choices)


def _save_panel(page: ListPage, form: ViewForm | None = None) -> HttpResponse:
    form = form or ViewForm(roles=roles_of(page.request.actor))
    return _show(page, "lists/panel_save.html", form=form, words=page.query_words)


def _views_panel(page: ListPage, wrong: ViewForm | None = None, of: SavedView | None = None) -> HttpResponse:
    actor = page.request.actor
    lines = []
    for view in page.views:
        roles = sorted({*roles_of(actor), *([view.role] if view.role else [])})
        first = {"name": view.name, "role": view.role, "default": view.default}
        form = wrong if wrong is not None and of == view else ViewForm(initial=first, roles=roles, prefix=f"v{view.pk}")
        lines.append((view, form, may_change(actor, view)))
    return _show(page, "lists/panel_views.html", lines=lines)


def _show(page: ListPage, template: str, **context: Any) -> HttpResponse:
    back = page.here()
    return render(page.request, template, {"page": page, "back": back, **context})


def _keep_columns(page: ListPage, data: QueryDict) -> HttpResponseBase:
    if data.get("columns") == "reset":
        return _relook(page, columns=[])
    shown = set(data.getlist("shown"))
    places = [Place(place.name, place.label, place.name in shown) for place in page.look.places]
    places.sort(key=lambda place: _whole(data.get(f"at_{place.name}", "")))
    if not any(place.shown for place in places):
        messages.error(page.request, "列没有改变：至少要显示一列。")
        return HttpResponseRedirect(page.here())
    return _relook(page, columns=stored(places))


def _keep_size(page: ListPage, data: QueryDict) -> HttpResponseBase:
    size = _whole(data.get("size", ""))
    return _relook(page, size=size if size in SIZES else page.look.size)


def _keep_density(page: ListPage, data: QueryDict) -> HttpResponseBase:
    density = data["density"]
    return _relook(page, density=density if density in Density.values else page.look.density)


def _relook(page: ListPage, **changes: Any) -> HttpResponseBase:
    """Keep what is seen now with one change as the person's look; a view at hand no longer lies over it."""
    look = page.look
    values = {"columns": look.columns, "size": look.size, "density": look.density, **changes}
    keep_look(page.request.actor, page=type(page), **values)
    return HttpResponseRedirect(page.here(view=None, per_page=None, page=None))


def _save(page: ListPage, data: QueryDict) -> HttpResponseBase:
    form = ViewForm(data, roles=roles_of(page.request.actor))
    if form.is_valid():
        try:
            view = save_view(page.request.actor, page=type(page), content=content_of(page), **form.cleaned_data)
        except ViewRefused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(page.request, f"已保存视图「{view.name}」（{view.holder}）。")
            return HttpResponseRedirect(page.here(view=str(view.pk), per_page=None))
    return _save_panel(page, form)


def _change(page: ListPage, data: QueryDict) -> HttpResponseBase:
    view = _view(page, data.get("view_change", ""))
    if view is None:
        return _gone(page)
    roles = sorted({*roles_of(page.request.actor), *([view.role] if view.role else [])})
    form = ViewForm(data, roles=roles, prefix=f"v{view.pk}")
    if form.is_valid():
        try:
            change_view(page.request.actor, page=type(page), view=view, **form.cleaned_data)
        except ViewRefused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(page.request, f"已修改视图「{view.name}」。")
            return HttpResponseRedirect(page.here())
    return _views_panel(page, form, view)


def _refill(page: ListPage, data: QueryDict) -> HttpResponseBase:
    view = _view(page, data.get("view_refill", ""))
    if view is None:
        return _gone(page)
    refill_view(page.request.actor, page=type(page), view=view, content=content_of(page))
    messages.success(page.request, f"视图「{view.name}」已更新为当前的条件和列。")
    return HttpResponseRedirect(page.here(view=str(view.pk), per_page=None))


def _delete(page: ListPage, data: QueryDict) -> HttpResponseBase:
    view = _view(page, data.get("view_delete", ""))
    if view is None:
        return _gone(page)
    name, here = view.name, page.here(**({"view": None} if page.view == view else {}))
    delete_view(page.request.actor, page=type(page), view=view)
    messages.success(page.request, f"已删除视图「{name}」。")
    return HttpResponseRedirect(here)


def _gone(page: ListPage) -> HttpResponseBase:
    messages.error(page.request, "这个视图已被删除，或不再与您共享。没有改变任何内容。")
    return HttpResponseRedirect(page.here(view=None))


def _view(page: ListPage, key: str) -> SavedView | None:
    return next((view for view in page.views if str(view.pk) == key), None)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


ACTS = {
    "columns": _keep_columns,
    "size": _keep_size,
    "density": _keep_density,
    "view_save": _save,
    "view_change": _change,
    "view_refill": _refill,
    "view_delete": _delete,
}
