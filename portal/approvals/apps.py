"""What needs two persons."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Registers the shell's own kind of approval, what can be handed over, and which lists may be asked for."""

    name = "portal.approvals"
    label = "approvals"
    verbose_name = "双人审核"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over."""
        from portal.approvals import clearing, handing
        from portal.approvals.models import Approval
        from portal.approvals.queries import approvals_of
        from portal.approvals.registry import register_kind
        from portal.audit.histories import register_subject

        register_kind(clearing.kind())
        register_subject("approvals.approval", "approvals.view", Approval.get_absolute_url, str, rows=approvals_of)
        handing.register_handover(handing.OWN)
        handing.register_handover(handing.TASKS)
