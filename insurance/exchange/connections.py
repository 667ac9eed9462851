"""The connection of an institution: made once from the environment, kept in the portal afterwards (design 9)."""

from __future__ import annotations

import socket
import uuid
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from insurance.exchange.models import Connection
from insurance.exchange.transport import Transport
from insurance.specification.books import Book, open_book
from portal.people.models import Institution


@transaction.atomic
def first_connection() -> Connection:
    """Return the installation's first connection, made from the settings when the database has none.

    It follows the settings until somebody changes it in the portal; from then on the portal keeps it. Raises
    ImproperlyConfigured when the database was made for another environment.
    """
    known = Connection.objects.select_related("institution").order_by("pk").first()
    if known is not None:
        if known.environment != settings.ENVIRONMENT:
            raise ImproperlyConfigured(
                f"本数据库建于{known.environment}环境，ENVIRONMENT 却是{settings.ENVIRONMENT}。"
                "一个数据库只属于一个环境：请改回 ENVIRONMENT，或用 DATABASE_URL 指向另一个空库"
            )
        return _follow(known) if known.follows_environment else known
    institution = Institution.objects.first_one()
    values = {"environment": settings.ENVIRONMENT, "follows_environment": True, **_from_settings()}
    made, _ = Connection.objects.get_or_create(institution=institution, defaults=values)
    return made


def _follow(known: Connection) -> Connection:
    changed = [name for name, value in _from_settings().items() if getattr(known, name) != value]
    if changed:
        for name in changed:
            setattr(known, name, _from_settings()[name])
        known.save(update_fields=changed)
    return known


def _from_settings() -> dict[str, str]:
    return {
        "base_url": settings.PLATFORM_URL,
        "account": settings.PLATFORM_ACCOUNT,
        "secret": settings.PLATFORM_SECRET,
        "resolve": settings.PLATFORM_RESOLVE,
        "proxy": settings.PLATFORM_PROXY,
        "edition": settings.PLATFORM_EDITION,
        "infver": settings.PLATFORM_INFVER,
        "recer_sys_code": settings.PLATFORM_RECER_SYS_CODE,
        "opter": settings.PLATFORM_OPTER,
        "opter_name": settings.PLATFORM_OPTER_NAME,
        "mac": settings.PLATFORM_MAC,
        "ip": settings.PLATFORM_IP,
        "sign_in": settings.PLATFORM_SIGN_IN,
        "file_bytes": settings.PLATFORM_FILE_BYTES,
        "catalogue_code": settings.PLATFORM_CATALOGUE_CODE,
    }


def book_of(connection: Connection) -> Book:
    """Return the specification in the connection's edition, with the site's folder laid last."""
    return open_book(connection.edition, settings.PLATFORM_EDITION_DIR)


def transport_to(connection: Connection) -> Transport:
    """Make a client for the connection; the caller closes it."""
    return Transport(
        connection.base_url,
        resolve=connection.resolve,
        proxy=connection.proxy,
        ca_file=settings.PLATFORM_CA_FILE,
        connections=settings.DELIVERY_THREADS,
    )


def machine_of(connection: Connection, ip: str = "") -> tuple[str, str]:
    """Return (mac, ip) for the sign-in: the workplace registered for `ip`, else the connection's, else our own."""
    place = connection.institution.workplaces.filter(ip=ip).first() if ip else None
    if place is not None:
        return place.mac, place.ip
    return connection.mac or _own_mac(), connection.ip or _own_ip()


@lru_cache(maxsize=1)
def _own_mac() -> str:
    node = f"{uuid.getnode():012X}"
    return "-".join(node[place : place + 2] for place in range(0, 12, 2))


@lru_cache(maxsize=1)
def _own_ip() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"
