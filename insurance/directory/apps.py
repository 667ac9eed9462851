"""Departments and licensed staff: the room's handlers, importers, menu lines and desk panel."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Registers what this room gives to delivery and to the shell."""

    name = "insurance.directory"
    label = "directory"
    verbose_name = "科室与人员"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over handlers, importers, menu and panel."""
        from insurance.directory import importing, mappings, shell, uncovering
        from insurance.directory.handlers import register_handlers

        register_handlers()
        importing.register_importers()
        mappings.register_sets()
        shell.register_shell()
        uncovering.register_personal()
