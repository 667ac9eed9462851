from django.apps import AppConfig


class SpecificationConfig(AppConfig):
    name = "insurance.specification"
    label = "specification"
    verbose_name = "交易规范"
    default_auto_field = "django.db.models.BigAutoField"
