from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "portal.privacy"
    label = "privacy"
    verbose_name = "密钥与脱敏"
    default_auto_field = "django.db.models.BigAutoField"
