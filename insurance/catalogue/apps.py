"""National catalogues and dictionaries: what this room gives to the shell."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Registers what this room gives to the shell."""

    name = "insurance.catalogue"
    label = "catalogue"
    verbose_name = "医保目录"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over menu, work lines and words."""
        from insurance.catalogue import shell
        from insurance.catalogue.learning import LEARNED
        from insurance.specification.learned import register_source

        shell.register_shell()
        register_source(LEARNED)
