from django.apps import AppConfig


class ValuesConfig(AppConfig):
    name = "portal.values"
    label = "values"
    verbose_name = "值对照"
    default_auto_field = "django.db.models.BigAutoField"
