from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "insurance.exchange"
    label = "exchange"
    verbose_name = "交易"
    default_auto_field = "django.db.models.BigAutoField"
