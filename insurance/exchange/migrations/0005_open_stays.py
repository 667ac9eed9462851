"""What is still being decided never leaves the ledger, and under an order only what lies in its archive does."""

from django.db import migrations

# A call is open while it is under way, while its answer is not applied, and while what it carried is: looking for an
# unknown outcome needs what was sent, and so does whoever compares a late answer.
STILL_OPEN = """
CREATE FUNCTION exchange_still_open(of_call bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM exchange_call AS head WHERE head.id = of_call
    AND (head.state IN ('prepared', 'sent') OR (head.state IN ('accepted', 'refused') AND head.applied_at IS NULL)))
  OR EXISTS (
    SELECT 1 FROM exchange_callrow AS row JOIN exchange_submission AS carried ON carried.id = row.submission_id
    WHERE row.call_id = of_call
    AND (carried.state IN ('queued', 'sending', 'unknown') OR carried.contradicted))
  OR EXISTS (
    SELECT 1 FROM exchange_submission AS follows
    WHERE follows.last_call_id = of_call AND follows.state IN ('queued', 'sending', 'unknown'))
$$;
"""

GUARD = """
CREATE OR REPLACE FUNCTION exchange_may_go(kept text, of_call bigint, written timestamptz, allowed text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  head exchange_call%ROWTYPE;
  rule exchange_retentionrule%ROWTYPE;
BEGIN
  SELECT * INTO head FROM exchange_call WHERE id = of_call;
  SELECT * INTO rule FROM exchange_retentionrule WHERE code = split_part(allowed, ':', 1);
  IF head.id IS NULL OR rule.id IS NULL OR NOT rule.infnos ? head.infno OR exchange_still_open(of_call) THEN
    RETURN FALSE;
  END IF;
  IF NOT rule.protected THEN
    RETURN written < now() - make_interval(
      days => CASE WHEN kept LIKE 'exchange_callbody%' THEN rule.body_days ELSE rule.head_days END);
  END IF;
  RETURN kept LIKE 'exchange_callbody%' AND EXISTS (
    SELECT 1 FROM exchange_pruneorder AS told
    WHERE told.id::text = split_part(allowed, ':', 2) AND told.rule_id = rule.id
      AND told.institution_id = head.institution_id AND told.proposed_by_id <> told.approved_by_id
      AND told.archived_at IS NOT NULL AND told.archive_digest <> '' AND told.done_at IS NULL
      AND written < told.before::timestamp AT TIME ZONE 'Asia/Shanghai');
END $$;
"""

PRUNE_BODIES = """
DROP FUNCTION exchange_prune_bodies(text, timestamptz, timestamptz, int, bigint);
CREATE FUNCTION exchange_prune_bodies(rule_code text, since timestamptz, until timestamptz, most int)
RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  bodies bigint[];
BEGIN
  PERFORM set_config('exchange.pruning', rule_code || ':', TRUE);
  WITH due AS (
    SELECT body.id, body.month FROM exchange_callbody AS body
    JOIN exchange_call AS head ON head.id = body.call_id
    JOIN exchange_retentionrule AS rule ON rule.code = rule_code AND rule.infnos ? head.infno
    WHERE body.at >= since AND body.at < until
      AND body.month >= (since AT TIME ZONE 'Asia/Shanghai')::date - 31
      AND NOT exchange_still_open(head.id)
    LIMIT most),
  gone AS (
    DELETE FROM exchange_callbody AS body USING due WHERE body.id = due.id AND body.month = due.month
    RETURNING body.id)
  SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO bodies FROM gone;
  PERFORM set_config('exchange.pruning', '', TRUE);
  RETURN bodies;
END $$;
"""

# `archived` are the bodies as they were read back from the archive: nothing else goes under an order.
PRUNE_ARCHIVED = """
CREATE FUNCTION exchange_prune_archived(told bigint, archived bigint[])
RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  bodies bigint[];
BEGIN
  PERFORM set_config('exchange.pruning', (
    SELECT rule.code || ':' || told FROM exchange_pruneorder AS order_of
    JOIN exchange_retentionrule AS rule ON rule.id = order_of.rule_id WHERE order_of.id = told), TRUE);
  WITH gone AS (
    DELETE FROM exchange_callbody AS body
    WHERE body.id = ANY(archived) AND NOT exchange_still_open(body.call_id) RETURNING body.id)
  SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO bodies FROM gone;
  PERFORM set_config('exchange.pruning', '', TRUE);
  RETURN bodies;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0004_debugging")]

    operations = [
        migrations.RunSQL(STILL_OPEN, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
        migrations.RunSQL(PRUNE_BODIES, migrations.RunSQL.noop),
        migrations.RunSQL(PRUNE_ARCHIVED, migrations.RunSQL.noop),
    ]
