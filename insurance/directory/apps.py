from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "insurance.directory"
    label = "directory"
    verbose_name = "科室与人员"
    default_auto_field = "django.db.models.BigAutoField"
