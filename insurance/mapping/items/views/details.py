"""One item: all that is known of it, and its form."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from insurance.catalogue.queries import code_row
from insurance.mapping.errors import MappingError
from insurance.mapping.items import services
from insurance.mapping.items.acts import ACTS, refusal_of
from insurance.mapping.items.errors import InvalidItem
from insurance.mapping.items.facts import label_of, told
from insurance.mapping.items.forms import ItemForm
from insurance.mapping.items.laying import today
from insurance.mapping.items.reading import (
    FACTS,
    FIGURES,
    changes_of,
    facts_of,
    relations_of,
    shown_suggestion,
    story_of,
)
from insurance.mapping.items.rights import may_keep
from insurance.mapping.items.tables import review_url, state_words
from insurance.mapping.items.views.listing import decorated, items_of
from insurance.mapping.models import Comment, HospitalItem
from portal.lists.intent import FIELD, Result, UnknownIntent, once, used
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs

PURPOSE = "mapping.item"


@require_GET
@needs("mapping.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One item: facts, code in force, suggestion, relations and prices over time, what happened."""
    (item,) = decorated([get_object_or_404(items_of(request), pk=pk)])
    relations = relations_of(item)
    changes = changes_of(item)
    context = {
        "item": item,
        "facts": facts_of(item, FACTS),
        "figures": facts_of(item, FIGURES),
        "acts": [(one, refusal_of(request.actor, one, item)) for one in ACTS if one.fits(item)],
        "review": review_url(item),
        "code": item.code,
        "code_row": code_row(item.list_type, item.code.med_list_codg) if item.code else None,
        "state_words": state_words(item),
        "changed": [label_of(name) for name in item.changed],
        "best": shown_suggestion(item),
        "relations": relations,
        "prices": [one for one in changes if one.column == "pric"],
        "changes": [one for one in changes if one.column != "pric"],
        "comments": Comment.objects.filter(item=item).select_related("person"),
        "story": story_of(item, relations),
        "may_keep": may_keep(request.actor, item.list_type),
    }
    return render(request, "mapping/items/item.html", context)


@require_http_methods(["GET", "POST"])
@needs("mapping.edit")
def new(request: ActorRequest) -> HttpResponseBase:
    """A new item."""
    return _form(request, None)


@require_http_methods(["GET", "POST"])
@needs("mapping.edit")
def edit(request: ActorRequest, pk: int) -> HttpResponseBase:
    """An item changed from a day on."""
    item = get_object_or_404(items_of(request), pk=pk)
    if not may_keep(request.actor, item.list_type):
        raise NotAllowed(f"您的角色不维护「{item.get_list_type_display()}」，请由负责的科室修改，或请安全管理员授权。")
    return _form(request, item)


def _form(request: ActorRequest, item: HospitalItem | None) -> HttpResponseBase:
    first = used(request.user, request.POST.get(FIELD, ""), PURPOSE)
    if first is not None:
        messages.info(request, f"已经保存过，没有重复执行。当时的结果：{first.message}")
        return go(request, first.url)
    form = ItemForm(request.actor, item, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _save(request, form))
            messages.success(request, result.message)
            return go(request, result.url)
        except InvalidItem as error:
            for fault in error.faults:
                form.add_error(fault.field if fault.field in form.fields else None, fault.reason)
        except (MappingError, UnknownIntent) as error:
            form.add_error(None, str(error))
    context = {"form": form, "item": item}
    return render(request, "mapping/items/form.html", context, status=422 if form.errors else 200)


def _save(request: ActorRequest, form: ItemForm) -> Result:
    if form.item is None:
        made = services.create_item(request.actor, values=form.values)
        return Result(f"已新建「{made.fixmedins_hilist_name}」，请接着对码。", made.get_absolute_url())
    since = form.cleaned_data["since"]
    changed = services.change_item(request.actor, item=form.item, values=form.values, since=since)
    words = f"已修改「{form.item.fixmedins_hilist_name}」：{told(changed)}。" if changed else "没有改动。"
    if changed and since > today():
        words += f"变更从 {since} 起生效。"
    return Result(words, form.item.get_absolute_url())
