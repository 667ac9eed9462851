from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "portal.audit"
    label = "audit"
    verbose_name = "审计"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Seal the audit itself, and open the history of persons."""
        from portal.audit import retention, sealing, shell

        sealing.register_audit()
        shell.register_own()
        retention.register_checks()
