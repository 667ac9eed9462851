"""Spreadsheets in and out."""

from django.apps import AppConfig


class SheetsConfig(AppConfig):
    """Hands the lists their 导出 and the dispatcher what clears old files away."""

    name = "portal.sheets"
    label = "sheets"
    verbose_name = "电子表格"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register."""
        from portal.lists.exporting import set_exporter
        from portal.privacy.rekeying import register_sealed
        from portal.sheets import export_tasks, export_views, handing, value_importing, waiting
        from portal.values.registry import register_waiter

        # importing them registered the task, the sweep and the importer
        assert export_tasks.export is not None
        assert value_importing.MappingImport is not None
        set_exporter(export_views.answer)
        register_sealed("sheets.sheetchunk", "body")
        register_waiter(waiting.WAITER, waiting.release, label="导入文件的行", url=waiting.url_of, name=waiting.name_of)
        handing.register()
