"""The exchange: what is said to the platform, how it gets there, and the pages that show it."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Hands the shell what this room has for it."""

    name = "insurance.exchange"
    label = "exchange"
    verbose_name = "交易"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand over menu lines, card, band and alarm, and 接口调试's."""
        from insurance.exchange.archiving import register_pruning
        from insurance.exchange.debugging.shell import register_debugging
        from insurance.exchange.histories import register_recording
        from insurance.exchange.shell import register_shell
        from portal.privacy.rekeying import register_sealed

        register_sealed("exchange.datakey", "wrapped")
        register_shell()
        register_recording()
        register_pruning()
        register_debugging()
