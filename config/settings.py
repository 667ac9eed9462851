"""All settings, from the environment (design: docs/settings.md lists them)."""

from __future__ import annotations

from pathlib import Path

from config import env, keys, logs

BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = Path(env.text("RUN_DIR", str(BASE_DIR / ".run")))

# Embedded servers and generated keys exist only while no real database is named.
SECRETS = keys.load(RUN_DIR)
SECRET_KEY = SECRETS.secret_key
FIELD_KEYS = SECRETS.field_keys
INDEX_KEY = SECRETS.index_key
DATABASE_URL = SECRETS.database_url
REDIS_URL = SECRETS.redis_url

DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("HTTPS", False)

INSTALLED_APPS = [
    "config",
    "portal.people",
    "portal.privacy",
    "portal.audit",
    "portal.lists",
    "portal.tasks",
    "portal.approvals",
    "portal.values",
    "portal.sheets",
    "portal.system",
    "portal.desk",
    "insurance.specification",
    "insurance.exchange",
    "insurance.directory",
    "insurance.catalogue",
    "insurance.mapping",
    "insurance.onboarding",
    "insurance.sandbox",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "django_rq",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "portal.audit.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before the CSRF check, which reads the same body: the form of 4101 has more inputs than Django takes elsewhere.
    "insurance.exchange.debugging.wide.WideFormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.people.gate.LoginMiddleware",
    "portal.people.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.desk.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "portal.lists.forms.PortalRenderer"
FILTERS_EMPTY_CHOICE_LABEL = "全部"

DATABASES = {"default": env.database(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1} for name in ("interactive", "bulk", "tasks")}
RQ = {"COMMIT_MODE": "auto"}

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "portal.people.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "portal.people.passwords.KindsValidator"},
    {"NAME": "portal.people.passwords.NotUsedValidator"},
]
LOGIN_URL = "people:login"
LOGIN_REDIRECT_URL = "desk:home"
LOGOUT_REDIRECT_URL = "people:login"
SESSION_COOKIE_AGE = env.whole("SESSION_SECONDS", 8 * 3600)
SESSION_SAVE_EVERY_REQUEST = False
# A login ends after so long without an act of the person; the screen locks before that. 0 never locks.
SESSION_IDLE_MINUTES = env.whole("SESSION_IDLE_MINUTES", 30)
IDLE_LOCK_MINUTES = env.whole("IDLE_LOCK_MINUTES", 10)
LOGINS_AT_ONCE = env.whole("LOGINS_AT_ONCE", 3)
PASSWORD_AGE_DAYS = env.whole("PASSWORD_AGE_DAYS", 90)
PASSWORD_INITIAL_DAYS = env.whole("PASSWORD_INITIAL_DAYS", 7)
ACCOUNT_SILENT_DAYS = env.whole("ACCOUNT_SILENT_DAYS", 90)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_TLS_PROXY", False) else None
# How many own proxies stand in front; only then is X-Forwarded-For believed, and only that far.
PROXY_COUNT = env.whole("PROXY_COUNT", 0)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.people.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = RUN_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILES_DIR = Path(env.text("FILES_DIR", str(RUN_DIR / "files")))

# The first institution and its connection; afterwards both are kept in the portal.
ENVIRONMENT = env.text("ENVIRONMENT", "沙箱")
# required | optional: whether everybody must have a second factor; whoever has one is asked for it in either case.
FACTOR = env.text("FACTOR", "optional" if ENVIRONMENT == "沙箱" else "required")
FACTOR_SHIFT_HOURS = env.number("FACTOR_SHIFT_HOURS", 12)
INSTITUTION_CODE = env.text("INSTITUTION_CODE", "H44170200001")
INSTITUTION_NAME = env.text("INSTITUTION_NAME", "阳江市妇幼保健院（演示）")
INSTITUTION_ADMDVS = env.text("INSTITUTION_ADMDVS", "441700")
PLATFORM_URL = env.text("PLATFORM_URL", SECRETS.sandbox_url)
PLATFORM_ACCOUNT = env.text("PLATFORM_ACCOUNT", "sandbox")
PLATFORM_SECRET = env.text("PLATFORM_SECRET", "sandbox-secret")
PLATFORM_RESOLVE = env.text("PLATFORM_RESOLVE", "")
PLATFORM_PROXY = env.text("PLATFORM_PROXY", "")
PLATFORM_CA_FILE = env.text("PLATFORM_CA_FILE", "")
PLATFORM_EDITION = env.text("PLATFORM_EDITION", "base")
PLATFORM_EDITION_DIR = env.text("PLATFORM_EDITION_DIR", "")
PLATFORM_INFVER = env.text("PLATFORM_INFVER", "1.0.0")
PLATFORM_RECER_SYS_CODE = env.text("PLATFORM_RECER_SYS_CODE", "HIS")
PLATFORM_OPTER = env.text("PLATFORM_OPTER", "portal")
PLATFORM_OPTER_NAME = env.text("PLATFORM_OPTER_NAME", "医保平台")
PLATFORM_MAC = env.text("PLATFORM_MAC", "")
PLATFORM_IP = env.text("PLATFORM_IP", "")
PLATFORM_SIGN_IN = env.text("PLATFORM_SIGN_IN", "required")  # required | tolerant | off
PLATFORM_FILE_BYTES = env.text("PLATFORM_FILE_BYTES", "signed")  # signed | unsigned | base64
PLATFORM_CATALOGUE_CODE = env.text("PLATFORM_CATALOGUE_CODE", "plc")

# Catalogues that come page by page (1304 1312 1316 1318 1319): rows a page, how many days are asked for again, and of
# which insured areas (empty: the institution's own). How this platform gives dictionaries (1901): query | file.
CATALOGUE_PAGE_SIZE = env.whole("CATALOGUE_PAGE_SIZE", 500)
CATALOGUE_OVERLAP_DAYS = env.whole("CATALOGUE_OVERLAP_DAYS", 1)
CATALOGUE_AREAS = env.words("CATALOGUE_AREAS", "")
DICTIONARY_FORM = env.text("DICTIONARY_FORM", "query")

# Deadlines and delivery, in seconds unless said.
CONNECT_SECONDS = env.number("CONNECT_SECONDS", 10)
DEADLINE_QUERY = env.number("DEADLINE_QUERY", 60)
DEADLINE_SUBMIT = env.number("DEADLINE_SUBMIT", 120)
DEADLINE_FILE = env.number("DEADLINE_FILE", 600)
LEASE_SECONDS = env.number("LEASE_SECONDS", 60)
LEASE_RENEW_SECONDS = env.number("LEASE_RENEW_SECONDS", 15)
VERIFY_MIN_AGE = env.number("VERIFY_MIN_AGE", 20)
VERIFY_LOOKS = env.whole("VERIFY_LOOKS", 2)
VERIFY_EVERY = env.number("VERIFY_EVERY", 10)
DELIVERY_THREADS = env.whole("DELIVERY_THREADS", 8)
BREAKER_FAILURES = env.whole("BREAKER_FAILURES", 5)
BREAKER_SECONDS = env.number("BREAKER_SECONDS", 30)
BATCH_ROWS = env.whole("BATCH_ROWS", 50)
# Send the rows of a batch that was refused as a whole one by one, after a look at the platform, without being asked.
BATCH_SPLIT = env.flag("BATCH_SPLIT", False)
# Which code of chk_stas (5163) means what (no source gives them): code=waiting|passed|failed|returned.
MAPPING_CHK_STAS = env.words("MAPPING_CHK_STAS", "0=waiting,1=passed,2=failed,3=returned")
# A relation that begins further back needs a reason.
MAPPING_BACK_DAYS = env.whole("MAPPING_BACK_DAYS", 30)
# More relations than this are approved at once only after a sample of them was looked at one by one.
REVIEW_SAMPLE_OVER = env.whole("REVIEW_SAMPLE_OVER", 20)
REVIEW_SAMPLE_SHARE = env.number("REVIEW_SAMPLE_SHARE", 0.05)
REVIEW_SAMPLE_LEAST = env.whole("REVIEW_SAMPLE_LEAST", 5)
MAPPING_VERDICT_DAYS = env.whole("MAPPING_VERDICT_DAYS", 15)
# What a catalogue is asked for when none of its versions is held yet: 0 (Guangzhou) or v0000 (Hunan).
CATALOGUE_FIRST_VERSION = env.text("CATALOGUE_FIRST_VERSION", "0")
# A new version that ends more of a catalogue's valid rows than this is only taken when a person says so.
CATALOGUE_ENDED_PERCENT = env.number("CATALOGUE_ENDED_PERCENT", 5)
CATALOGUE_FILE_DAYS = env.number("CATALOGUE_FILE_DAYS", 7)
# A catalogue that was not refreshed for longer is shown as out of date.
CATALOGUE_OLD_DAYS = env.whole("CATALOGUE_OLD_DAYS", 7)
FILE_MAX_MB = env.number("FILE_MAX_MB", 2048)
DISPATCH_SECONDS = env.number("DISPATCH_SECONDS", 1)

# Which ceiling (1318) is the hospital's (dictionary hilist_lmtpric_type); empty: by its level as the platform says it.
HOSPITAL_PRICE_LEVEL = env.text("HOSPITAL_PRICE_LEVEL", "")
CODE_ENDING_DAYS = env.whole("CODE_ENDING_DAYS", 30)
# The night's order of catalogues, impact, upload and comparison must be done by this time of day.
NIGHT_READY_BY = env.text("NIGHT_READY_BY", "07:00")
NIGHT_RETRY_SECONDS = env.number("NIGHT_RETRY_SECONDS", 900)
NIGHT_UPLOAD_SECONDS = env.number("NIGHT_UPLOAD_SECONDS", 3600)

# Where the audit goes as a syslog stream: udp://host:port or tcp://host:port, empty for nowhere.
AUDIT_SYSLOG = env.text("AUDIT_SYSLOG", "")
# Alarms may go to this machine itself (a gateway or collector of its own); else loopback addresses are refused.
ALARM_LOCAL_TARGETS = env.flag("ALARM_LOCAL_TARGETS", False)

LOG_FORMAT = env.text("LOG_FORMAT", "line")  # line | json
LOGGING = logs.logging_of(LOG_FORMAT, env.text("LOG_LEVEL", "INFO"))
