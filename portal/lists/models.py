"""What must happen once however often a button is pressed."""

from __future__ import annotations

import secrets

from django.db import models

from portal.people.models import Person


def new_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(24)


class Intent(models.Model):
    """One shown confirmation: used at most once, and remembering what came of it.

    `payload` is what the panel promised (ids' digest, count), so that something else is never carried out.
    """

    key = models.CharField(max_length=40, unique=True, default=new_key)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=500, blank=True)
    level = models.CharField(max_length=10, default="success")
    url = models.CharField(max_length=2000, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "待确认操作"
        indexes = [models.Index(fields=["person", "made_at"], name="intent_by_person")]

    def __str__(self) -> str:
        return self.purpose
