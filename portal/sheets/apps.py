from django.apps import AppConfig


class SheetsConfig(AppConfig):
    name = "portal.sheets"
    label = "sheets"
    verbose_name = "电子表格"
    default_auto_field = "django.db.models.BigAutoField"
