"""Catalogue rows in a partition for each catalogue, each row as the line it came in."""

import django.contrib.postgres.indexes
from django.db import migrations, models

import insurance.catalogue.fields
import insurance.catalogue.looks

KINDS = (
    "1301", "1302", "1303", "1304", "1305", "1306", "1307", "1308", "1309", "1310", "1311", "1313", "1314", "1315",
    "1320",
)  # fmt: skip

# RunSQL that must survive a squash: the table of items, a partition for each catalogue. What Django's own
# operations add later (columns, indexes) they add to all partitions by themselves.
PARTITIONED = """
DROP TABLE catalogue_item;
CREATE SEQUENCE catalogue_item_serial;
CREATE TABLE catalogue_item (
  id bigint NOT NULL DEFAULT nextval('catalogue_item_serial'),
  infno varchar(10) NOT NULL,
  rid varchar NOT NULL,
  code varchar NOT NULL,
  name varchar NOT NULL,
  generic varchar NOT NULL,
  alias varchar NOT NULL,
  pinyin varchar NOT NULL,
  spec varchar NOT NULL,
  dosform varchar NOT NULL,
  pacspec varchar NOT NULL,
  unit varchar NOT NULL,
  maker varchar NOT NULL,
  aprvno varchar NOT NULL,
  limits varchar NOT NULL,
  begndate date,
  enddate date,
  vali_flag varchar NOT NULL,
  ver varchar NOT NULL,
  updt_time timestamptz,
  cells text NOT NULL,
  current boolean NOT NULL,
  load_id bigint NOT NULL REFERENCES catalogue_load (id) DEFERRABLE INITIALLY DEFERRED,
  replaced_by_id bigint REFERENCES catalogue_load (id) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (id, infno)
) PARTITION BY LIST (infno);
ALTER SEQUENCE catalogue_item_serial OWNED BY catalogue_item.id;
-- the statistics of whole lines help no plan, and taking them means to read them all
ALTER TABLE catalogue_item ALTER COLUMN cells SET STATISTICS 0;
CREATE UNIQUE INDEX catalogue_row_current ON catalogue_item (infno, rid) WHERE current;
CREATE TABLE catalogue_item_other PARTITION OF catalogue_item DEFAULT;
""" + "".join(
    # whole rows stay together: taking long ones apart and packing them costs more than reading them
    f"CREATE TABLE catalogue_item_{kind} PARTITION OF catalogue_item FOR VALUES IN ('{kind}')"
    " WITH (toast_tuple_target = 8160);\n"
    for kind in KINDS
)


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0002_paged"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PARTITIONED, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField("item", "cells", insurance.catalogue.fields.CellsField(verbose_name="全部列"))
            ],
        ),
        migrations.AddIndex(
            model_name='item',
            index=django.contrib.postgres.indexes.GinIndex(models.Func(insurance.catalogue.looks.Characters(insurance.catalogue.looks.Joined(models.F('name'), models.F('generic'), models.F('alias'), models.F('spec'), models.F('dosform'), models.F('maker'))), insurance.catalogue.looks.Marks(insurance.catalogue.looks.Marked(models.F('infno'), sign='@'), insurance.catalogue.looks.Marked(models.F('ver'), sign='#'), insurance.catalogue.looks.Marked(models.F('vali_flag'), sign='!'), insurance.catalogue.looks.Limit(models.F('limits'))), function='array_cat'), condition=models.Q(('current', True)), fastupdate=False, name='catalogue_row_looks'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', True)), fields=['code'], name='catalogue_row_code_start', opclasses=['text_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', True)), fields=['pinyin'], name='catalogue_row_pinyin_start', opclasses=['text_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(django.contrib.postgres.indexes.OpClass(models.Func(models.F('aprvno'), output_field=models.TextField(), template="substring(%(expressions)s from '[A-Za-z0-9].*')"), 'text_pattern_ops'), condition=models.Q(('current', True), models.Q(('aprvno', ''), _negated=True)), name='catalogue_row_approval'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', True)), fields=['infno', 'code', 'id'], name='catalogue_row_browse'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', True), ('enddate__isnull', False)), fields=['enddate'], name='catalogue_row_ending'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(fields=['load'], name='catalogue_row_load'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', False)), fields=['replaced_by'], name='catalogue_row_replaced'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', False)), fields=['infno', 'rid'], name='catalogue_row_past'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('current', False)), fields=['code'], name='catalogue_row_past_code'),
        ),
    ]
