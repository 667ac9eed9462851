"""How often somebody may try a password: counted in the database, so that all web processes agree.

An account is locked for 15 minutes after 5 wrong passwords (等级保护: 登录失败处理), and one account from one address
may try 10 times at once and then once in 3 seconds. An address alone is never refused: a whole counter hall may
share it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.people.models import Throttle
from portal.privacy.keys import digest

WRONG_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
BURST = 10.0
SECONDS_PER_TRY = 3.0
PASSWORD, CODE = "login", "code"
WORDS = {PASSWORD: "密码", CODE: "验证码"}


class TooMany(Exception):
    """No further try is allowed now; the message says how long to wait."""


def spend(username: str, ip: str, what: str = PASSWORD) -> int:
    """Count one try before the password or code is looked at; return how many wrong ones are left after it.

    Counting first means that tries made at the same moment cannot slip past the limit. Passwords and codes are counted
    apart: a right password must not give back the tries for its code. Raises TooMany.
    """
    now = timezone.now()
    with transaction.atomic():
        account = _row(_account_key(username, what), now)
        pair = _row(digest(f"{what}:{username}@{ip}"), now)
        _must_be_open(account, now, WORDS[what])
        _take_token(pair, now)
        return _count_failure(account, now)


def clear(username: str, *whats: str) -> None:
    """Forget an account's wrong tries: of what was just given right, or of all when somebody unlocks it."""
    keys = [_account_key(username, what) for what in whats or WORDS]
    Throttle.objects.filter(key__in=keys).update(failures=0, first_failure_at=None, locked_until=None)


def locked_until(username: str) -> datetime | None:
    """Return until when an account is locked, or None."""
    keys = [_account_key(username, what) for what in WORDS]
    rows = Throttle.objects.filter(key__in=keys, locked_until__gt=timezone.now())
    return max((row.locked_until for row in rows if row.locked_until), default=None)


def prune() -> int:
    """Delete rows that limit nobody any more; return how many."""
    old = timezone.now() - LOCKED_FOR - timedelta(hours=1)
    return Throttle.objects.filter(refilled_at__lt=old).delete()[0]


def _account_key(username: str, what: str) -> str:
    return digest(f"{what}:{username}")


def _row(key: str, now: datetime) -> Throttle:
    Throttle.objects.bulk_create([Throttle(key=key, tokens=BURST, refilled_at=now)], ignore_conflicts=True)
    return Throttle.objects.select_for_update().get(key=key)


def _must_be_open(account: Throttle, now: datetime, word: str) -> None:
    if account.locked_until and account.locked_until > now:
        minutes = int((account.locked_until - now).total_seconds() // 60) + 1
        raise TooMany(
            f"{word}连续输错 {WRONG_ALLOWED} 次，此登录名已锁定。请 {minutes} 分钟后再试，或请系统管理员解锁。"
        )


def _take_token(pair: Throttle, now: datetime) -> None:
    waited = max((now - pair.refilled_at).total_seconds(), 0)
    tokens = min(BURST, pair.tokens + waited / SECONDS_PER_TRY)
    if tokens < 1:
        raise TooMany("登录太频繁，请等几秒再试。")
    pair.tokens, pair.refilled_at = tokens - 1, now
    pair.save(update_fields=["tokens", "refilled_at"])


def _count_failure(account: Throttle, now: datetime) -> int:
    if account.first_failure_at is None or now - account.first_failure_at > LOCKED_FOR:
        account.failures, account.first_failure_at = 0, now
    account.failures += 1
    account.refilled_at = now
    account.locked_until = now + LOCKED_FOR if account.failures >= WRONG_ALLOWED else None
    account.save(update_fields=["failures", "first_failure_at", "locked_until", "refilled_at"])
    return max(WRONG_ALLOWED - account.failures, 0)
