from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    name = "insurance.onboarding"
    label = "onboarding"
    verbose_name = "联调与验收"
    default_auto_field = "django.db.models.BigAutoField"
