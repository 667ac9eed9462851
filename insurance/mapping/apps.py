"""Mapping of hospital items to national codes: what this room gives to delivery and to the shell."""

from django.apps import AppConfig


class MappingConfig(AppConfig):
    """Registers what each corner of this room gives to delivery and to the shell."""

    name = "insurance.mapping"
    label = "mapping"
    verbose_name = "目录对照"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let each corner hand over its handlers, importers, menu lines, work lines and words."""
        from insurance.mapping.delivery import handlers
        from insurance.mapping.delivery import shell as delivery
        from insurance.mapping.items import shell as items
        from insurance.mapping.proof import shell as proof
        from insurance.mapping.review import shell as review
        from insurance.mapping.switching import shell as switching

        handlers.register_handlers()
        for corner in (items, review, delivery, proof, switching):
            corner.register_shell()
