"""Changing what is kept of a connection. Its environment never changes: a database talks to one of them (design 5)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from insurance.exchange.models import Connection
from insurance.exchange.pages.links import without_password
from portal.audit.services import record
from portal.people.actor import Actor

SECRET = "secret"
# The rest is whose it is, the environment, and what delivery itself keeps there.
CHANGEABLE = frozenset(
    {
        "base_url", "account", "secret", "edition", "infver", "recer_sys_code", "resolve", "proxy",
        "opter", "opter_name", "sign_in", "mac", "ip", "file_bytes", "catalogue_code",
    }
)  # fmt: skip


@transaction.atomic
def change_connection(actor: Actor, *, connection: Connection, values: Mapping[str, str], reason: str) -> list[str]:
    """Change settings of a connection and audit each as before and after; of the secret only that it was changed.

    `values` maps columns to their new text. Returns the labels of what changed, [] when nothing did. What is being
    sent now still goes the old way; the next round of delivery takes the new one.
    """
    actor.must("exchange.manage")
    held = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk, institution=actor.institution)
    changed: dict[str, list[str]] = {}
    labels: list[str] = []
    for name, value in values.items():
        if name not in CHANGEABLE:
            raise ValueError(f"{name} is not changed by a person")
        before = str(getattr(held, name))
        if before != value:
            setattr(held, name, value)
            changed[name] = [] if name == SECRET else [without_password(before), without_password(value)]
            labels.append(str(Connection._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
    if changed:
        held.follows_environment = False
        held.save(update_fields=[*changed, "follows_environment"])
        record(
            actor, "exchange.change", [held], label=f"修改平台连接：{'、'.join(labels)}", reason=reason, changed=changed
        )
    return labels
