from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "insurance.sandbox"
    label = "sandbox"
    verbose_name = "沙箱平台"
    default_auto_field = "django.db.models.BigAutoField"
