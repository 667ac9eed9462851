from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "portal.system"
    label = "system"
    verbose_name = "系统"
    default_auto_field = "django.db.models.BigAutoField"
