"""Catalogue rows by catalogue, their texts kept once for searching, each row as the line it came in."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import insurance.catalogue.fields
import portal.lists.searching

KINDS = (
    "1301", "1302", "1303", "1304", "1305", "1306", "1307", "1308", "1309", "1310", "1311", "1313", "1314", "1315",
    "1320",
)  # fmt: skip

# RunSQL 1 of 2 that must survive a squash: the table of items, a partition for each catalogue. What Django's own
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

# RunSQL 2 of 2: the different texts of searched columns, kept whoever writes the rows.
TEXTS = """
CREATE FUNCTION catalogue_keep_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO catalogue_searchtext (text)
  SELECT DISTINCT text FROM fresh, LATERAL (VALUES (name), (generic), (alias), (spec), (maker)) AS texts(text)
  WHERE text <> '' ORDER BY text
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_texts AFTER INSERT ON catalogue_item REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION catalogue_keep_texts();
"""
NO_TEXTS = "DROP TRIGGER keep_texts ON catalogue_item; DROP FUNCTION catalogue_keep_texts()"


def searched(name, label):
    return migrations.AlterField("item", name, insurance.catalogue.fields.SearchedText(blank=True, verbose_name=label))


def index(model, **words):
    return migrations.AddIndex(model, models.Index(**words))


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0002_paged"),
        ("lists", "0002_views_looks_and_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchText",
            fields=[("text", models.TextField(primary_key=True, serialize=False))],
            options={
                "verbose_name": "检索文字",
                "verbose_name_plural": "检索文字",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        portal.lists.searching.Grams("text"), name="searchtext_text_grams"
                    )
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PARTITIONED, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField("item", "cells", insurance.catalogue.fields.CellsField(verbose_name="全部列"))
            ],
        ),
        searched("name", "名称"),
        searched("generic", "通用名"),
        searched("alias", "别名"),
        searched("spec", "规格"),
        searched("maker", "生产企业"),
        migrations.AlterField(
            "item", "aprvno", insurance.catalogue.fields.ApprovalText(blank=True, verbose_name="批准文号")
        ),
        index("item", fields=["code"], name="catalogue_row_code_start", opclasses=["text_pattern_ops"]),
        index("item", fields=["pinyin"], name="catalogue_row_pinyin_start", opclasses=["text_pattern_ops"]),
        index("item", fields=["aprvno"], name="catalogue_row_aprvno_start", opclasses=["text_pattern_ops"]),
        migrations.AddIndex(
            "item",
            models.Index(
                django.contrib.postgres.indexes.OpClass(
                    insurance.catalogue.fields.Tail("aprvno"), name="text_pattern_ops"
                ),
                name="catalogue_row_aprvno_tail",
            ),
        ),
        index("item", fields=["name"], name="catalogue_row_name"),
        index("item", fields=["generic"], name="catalogue_row_generic"),
        index("item", fields=["alias"], name="catalogue_row_alias"),
        index("item", fields=["spec"], name="catalogue_row_spec"),
        index("item", fields=["maker"], name="catalogue_row_maker"),
        index("item", fields=["load"], name="catalogue_row_load"),
        index(
            "item", fields=["replaced_by"], condition=models.Q(("current", False)), name="catalogue_row_replaced"
        ),
        index("item", fields=["infno", "rid"], condition=models.Q(("current", False)), name="catalogue_row_past"),
        migrations.RunSQL(TEXTS, NO_TEXTS),
    ]
