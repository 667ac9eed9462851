"""Settings of the tests: the portal's own, with a Redis database per worker, and without what only costs time."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from config import settings as portal

# Playwright's event loop makes Django think that the test itself is asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

globals().update({name: getattr(portal, name) for name in dir(portal) if name.isupper()})


def redis_of_worker(url: str, worker: str, given: bool) -> str:
    """Return the Redis address of one pytest-xdist worker (`gw1`, empty without xdist).

    Tests empty their database. A number that was given is used by the first; the others, and all of them on the
    servers of a running script/server, which uses 0, count down from 15.
    """
    index = int(worker.removeprefix("gw") or 0)
    number = int(urlsplit(url).path.strip("/") or 0) if given and index == 0 else 15 - index
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


REDIS_URL = redis_of_worker(portal.REDIS_URL, os.environ.get("PYTEST_XDIST_WORKER", ""), "REDIS_URL" in os.environ)
RQ_QUEUES = {name: {**queue, "URL": REDIS_URL} for name, queue in portal.RQ_QUEUES.items()}

# A database that is migrated already (script/test makes it once); each worker starts from a copy.
if os.environ.get("TEST_TEMPLATE"):
    portal.DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ["TEST_TEMPLATE"]}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**portal.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# Static files come from where they are written, so nothing needs to be collected.
STATIC_ROOT = portal.RUN_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
