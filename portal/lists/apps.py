from django.apps import AppConfig


class ListsConfig(AppConfig):
    name = "portal.lists"
    label = "lists"
    verbose_name = "列表"
    default_auto_field = "django.db.models.BigAutoField"
