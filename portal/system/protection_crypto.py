"""Requirements on secrecy, and what 密评 asks of an application."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pyotp
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils import timezone

from portal.audit.leaves import current_sealer
from portal.audit.models import AuditEvent, Seal
from portal.audit.seals import sources
from portal.people.actor import Actor
from portal.privacy.fields import EncryptedTextField
from portal.privacy.keys import Undecipherable, parse, unseal_text
from portal.system.protection import Finding, Met, requirement, worst

DATA, CRYPTO = "数据与个人信息", "密码应用（密评）"
SAMPLE = 20
NATIONAL = ("SM2", "SM3", "SM4")


def encrypted_columns() -> list[tuple[str, str, str]]:
    """Return table, column and words of every encrypted column."""
    return [
        (model._meta.db_table, str(field.column), f"{model._meta.verbose_name}·{field.verbose_name}")
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField)
    ]


def sample_columns() -> tuple[int, int, list[str]]:
    """Read the newest SAMPLE values of each encrypted column; return columns, values and the columns not readable."""
    values, bad = 0, []
    columns = encrypted_columns()
    for table, column, words in columns:
        with connection.cursor() as cursor:
            quote = connection.ops.quote_name
            cursor.execute(
                f"SELECT {quote(column)} FROM {quote(table)} WHERE {quote(column)} <> '' ORDER BY 1 DESC LIMIT %s",
                [SAMPLE],
            )
            found = [row[0] for row in cursor.fetchall()]
        values += len(found)
        if not all(_readable(value) for value in found):
            bad.append(words)
    return len(columns), values, bad


def _readable(value: str) -> bool:
    try:
        unseal_text(value)
    except Undecipherable:
        return False
    return True


@requirement(
    DATA,
    "数据保密性（存储）",
    ("证件号码、电话、草稿、报文、上传的文件加密保存，密文带算法和密钥编号；查询用带密钥的摘要。"),
)
def stored(actor: Actor) -> Finding:
    """Encrypted columns hold ciphertext that our keys open."""
    columns, values, bad = sample_columns()
    return Finding(
        [
            f"加密字段 {columns} 个，抽查 {values} 个值",
            "还没有数据可查" if not values else "全部为可解的密文" if not bad else f"{len(bad)} 个字段有明文或解不开",
        ],
        Met.NO if bad else Met.YES,
        f"请查明：{'、'.join(bad)}。" if bad else "",
    )


@requirement(
    DATA, "数据保密性（传输）", ("浏览器经 HTTPS 访问（HSTS、安全 Cookie）；到医保平台的报文签名，地址由医保局给出。")
)
def travelled(actor: Actor) -> Finding:
    """Browsers and the platform are spoken to in HTTPS."""
    platform = urlsplit(settings.PLATFORM_URL).scheme == "https"
    browser = settings.HTTPS
    state = Met.YES if browser and platform else Met.PARTLY if browser or platform else Met.NO
    missing = [
        word
        for word, good in (
            ("浏览器到平台未用 HTTPS（设置 HTTPS=1）", browser),
            ("到医保平台的地址不是 https", platform),
        )
        if not good
    ]
    return Finding(
        [
            f"浏览器 HTTPS：{'是' if browser else '否'}",
            f"医保平台 HTTPS：{'是' if platform else '否（由局方专网保护）'}",
        ],
        state,
        "；".join(missing),
    )


@requirement(
    DATA,
    "数据完整性",
    ("密文自带完整性校验（GCM）；审计和交易过程每日封存成链，改动可以查出。"),
    "audit:seals",
    "封存与核验",
)
def whole(actor: Actor) -> Finding:
    """Audit and ledger are sealed by keyed digests."""
    codes = {source.code: source.label for source in sources()}
    lately = Seal.objects.filter(source__in=codes, day__gte=timezone.localdate() - timedelta(days=2))
    covered = set(lately.values_list("source", flat=True))
    missing = [label for code, label in codes.items() if code not in covered]
    state = Met.YES if codes and not missing else Met.PARTLY if covered else Met.NO
    return Finding(
        [f"封存的来源：{'、'.join(codes.values())}", f"近两天已封存 {len(covered)} 个"],
        state,
        f"没有及时封存：{'、'.join(missing)}。" if missing else "",
    )


@requirement(
    DATA,
    "个人信息保护",
    ("列表、查询、导出、日志和审计一律脱敏；看一条明文要填原因，批量明文要两人批准、限用途和期限、导出带水印。"),
    "audit:list",
    "审计",
)
def personal(actor: Actor) -> Finding:
    """Masked everywhere; each uncovering has a reason."""
    since = timezone.now() - timedelta(days=30)
    events = AuditEvent.objects.filter(
        institution=actor.institution, at__gte=since, action__in=["privacy.uncover", "directory.uncover"]
    )
    number, silent = events.count(), events.filter(reason="").count()
    return Finding(
        [f"近 30 天看明文 {number} 次", f"其中没有原因的 {silent} 次"],
        Met.NO if silent else Met.YES,
        "请核对没有原因的记录。" if silent else "",
    )


@requirement(
    CRYPTO,
    "密码算法（存储）",
    ("每个密钥指定算法，第一个用于加密，其余只用于解密旧数据；封存用同一密钥的摘要算法（aes→SHA-256，sm4→SM3）。"),
)
def algorithm(actor: Actor) -> Finding:
    """密评 wants SM4 and SM3; the first key decides."""
    keys = parse(settings.FIELD_KEYS)
    used = "、".join(f"{key.id}（{key.algorithm.upper()}）" for key in keys)
    national = keys[0].algorithm == "sm4"
    older = [key.id for key in keys[1:] if key.algorithm != "sm4"]
    state = Met.NO if not national else Met.PARTLY if older else Met.YES
    return Finding(
        [f"密钥：{used}", f"现在封存用 {current_sealer().algorithm.upper()}"],
        state,
        ""
        if national and not older
        else "密评要求国密：请在 FIELD_KEYS 最前面增加一个 sm4 密钥。"
        if not national
        else f"旧数据仍用 {'、'.join(older)} 加密，轮换后可去掉。",
    )


@requirement(
    CRYPTO, "密钥管理", ("密钥来自环境变量或密钥文件，不进数据库、日志和页面；报文用按月的数据密钥，轮换只重新包裹。")
)
def keys_kept(actor: Actor) -> Finding:
    """Keys do not rest beside the data."""
    embedded = (settings.RUN_DIR / "embedded.json").exists() and settings.SECRETS.field_keys in _text_of_embedded()
    apart = len({settings.FIELD_KEYS, settings.INDEX_KEY, settings.SECRET_KEY}) == 3
    state = worst(Met.PARTLY if embedded else Met.YES, Met.YES if apart else Met.NO)
    return Finding(
        [f"密钥 {len(parse(settings.FIELD_KEYS))} 个", "密钥来源：" + ("内置（仅供演示）" if embedded else "环境设置")],
        state,
        "内置密钥只供演示，正式使用请另设 FIELD_KEYS 并离线保管。" if embedded else "",
    )


def _text_of_embedded() -> str:
    return (settings.RUN_DIR / "embedded.json").read_text(encoding="utf-8")


@requirement(CRYPTO, "身份鉴别的真实性", ("密码与动态验证码鉴别；没有接入智能密码钥匙（UKey）或数字证书。"))
def genuine(actor: Actor) -> Finding:
    """Argon2 and TOTP are no 国密 algorithms; a smart key is not supported."""
    password = settings.PASSWORD_HASHERS[0].rpartition(".")[2].removesuffix("PasswordHasher")
    code = pyotp.TOTP("A" * 32).digest().name.removeprefix("openssl_").upper()
    national = all(any(name in used.upper() for name in NATIONAL) for used in (password, code))
    return Finding(
        [f"口令算法 {password}", f"动态码算法 HMAC-{code}（RFC 6238）"],
        Met.YES if national else Met.PARTLY,
        "" if national else "如密评要求国密鉴别，请在前置网关接入证书或 UKey。",
    )


@requirement(
    CRYPTO,
    "不可否认性",
    ("每个操作记下人、时间、来源并封存成链；没有个人电子签名和可信时间戳。"),
    "audit:seals",
    "封存与核验",
)
def undeniable(actor: Actor) -> Finding:
    """Seals prove integrity, they are no signatures of persons."""
    sealed = Seal.objects.count()
    return Finding(
        [f"封存 {sealed} 个"],
        Met.PARTLY if sealed else Met.NO,
        "需要电子签名的单据请在纸质或电子签章系统中签署。" if sealed else "还没有封存。",
    )


@requirement(CRYPTO, "物理、网络与设备的密码应用", ("机房门禁、专线与 VPN、服务器运维通道的密码应用由医院提供。"))
def surroundings(actor: Actor) -> Finding:
    """Outside of an application."""
    return Finding([], Met.OUTSIDE, "请提供国密 VPN、堡垒机和门禁的材料。")
