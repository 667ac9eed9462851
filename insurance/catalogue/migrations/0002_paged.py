"""Pages of paged catalogues and dictionaries rest here until their load is merged."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="StagedPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("area", models.CharField(blank=True, max_length=6, verbose_name="参保地医保区划")),
                ("what", models.CharField(blank=True, verbose_name="字典类型")),
                ("number", models.PositiveIntegerField(verbose_name="页")),
                ("rows", models.JSONField(default=list, verbose_name="行")),
                (
                    "load",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="staged", to="catalogue.load"
                    ),
                ),
            ],
            options={
                "verbose_name": "暂存页",
                "verbose_name_plural": "暂存页",
                "constraints": [
                    models.UniqueConstraint(fields=("load", "area", "what", "number"), name="staged_page_once")
                ],
            },
        ),
    ]
