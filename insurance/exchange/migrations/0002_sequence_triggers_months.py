"""What the tables cannot say by themselves: the msgid sequence, append-only tables, bodies kept by month."""

from django.db import migrations

CYCLE = "CREATE SEQUENCE exchange_msgid MINVALUE 0 MAXVALUE 9999 START 0 CYCLE"

APPEND_ONLY = """
CREATE FUNCTION exchange_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exchange_callevent
  FOR EACH ROW EXECUTE FUNCTION exchange_append_only();
"""

BY_MONTH = """
DROP TABLE exchange_callbody;
CREATE SEQUENCE exchange_callbody_serial;
CREATE TABLE exchange_callbody (
  id bigint NOT NULL DEFAULT nextval('exchange_callbody_serial'),
  call_id bigint NOT NULL REFERENCES exchange_call (id) DEFERRABLE INITIALLY DEFERRED,
  part varchar(10) NOT NULL,
  month date NOT NULL,
  at timestamptz NOT NULL,
  sealed bytea NOT NULL,
  digest varchar(64) NOT NULL,
  size integer NOT NULL CHECK (size >= 0),
  PRIMARY KEY (id, month)
) PARTITION BY RANGE (month);
ALTER SEQUENCE exchange_callbody_serial OWNED BY exchange_callbody.id;
CREATE INDEX callbody_call ON exchange_callbody (call_id);
CREATE TABLE exchange_callbody_other PARTITION OF exchange_callbody DEFAULT;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exchange_callbody
  FOR EACH ROW EXECUTE FUNCTION exchange_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial")]

    operations = [
        migrations.RunSQL(CYCLE, "DROP SEQUENCE exchange_msgid"),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(BY_MONTH, migrations.RunSQL.noop),
    ]
