from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "portal.approvals"
    label = "approvals"
    verbose_name = "双人审核"
    default_auto_field = "django.db.models.BigAutoField"
