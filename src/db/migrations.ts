/** One change of the schema; released ones are frozen, a mistake in one is corrected by the next. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly n: number;
  readonly name: string;
  readonly sql: string;
}

const runs = `
CREATE TABLE lockstep.installation (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  sole boolean PRIMARY KEY DEFAULT true CHECK (sole)
);
INSERT INTO lockstep.installation DEFAULT VALUES;

CREATE TABLE lockstep.run (
  id text PRIMARY KEY,
  secret text NOT NULL,
  flow text NOT NULL CHECK (flow IN ('test', 'rotate', 'revoke', 'recover')),
  n integer NOT NULL CHECK (n > 0),
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'waiting', 'held', 'completed', 'cancelled', 'failed')),
  runbook text NOT NULL,
  plan_hash text NOT NULL,
  plan jsonb NOT NULL,
  reason text NOT NULL,
  actor jsonb NOT NULL,
  tag text NOT NULL UNIQUE,
  started_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  ended_at timestamptz,
  trouble jsonb,
  question text,
  old jsonb,
  new jsonb,
  cancel_by jsonb,
  cancel_at timestamptz,
  UNIQUE (secret, flow, n)
);
-- P8: one run at a time that changes a secret; a test changes nothing.
CREATE UNIQUE INDEX run_one_active ON lockstep.run (secret)
  WHERE flow <> 'test' AND status NOT IN ('completed', 'cancelled', 'failed');
CREATE INDEX run_started ON lockstep.run (started_at DESC);

CREATE TABLE lockstep.step (
  run text NOT NULL REFERENCES lockstep.run (id),
  id text NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'waiting', 'acting', 'proving', 'done', 'failed', 'undone', 'skipped')),
  attempts integer NOT NULL DEFAULT 0,
  started_at timestamptz,
  ended_at timestamptz,
  says text,
  trouble jsonb,
  calls jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (run, id)
);`;

/**
 * Shaped for the transparency log: columns only that {@link canonicalEntry} turns into bytes, times without digits that a
 * reader would lose. `seq` follows the order of writing, not of commits, so leaf numbers will be given by a sequencer, in a
 * table of its own: rows here cannot be changed.
 */
const audit = `
CREATE TABLE lockstep.audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  action text NOT NULL,
  actor jsonb NOT NULL,
  secret text,
  run text,
  step text,
  context jsonb NOT NULL
);
CREATE INDEX audit_run ON lockstep.audit (run, step, seq) WHERE run IS NOT NULL;
CREATE INDEX audit_secret ON lockstep.audit (secret, seq) WHERE secret IS NOT NULL;

CREATE FUNCTION lockstep.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'lockstep.% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lockstep.audit
  FOR EACH STATEMENT EXECUTE FUNCTION lockstep.refuse_change();`;

const credentials = `
CREATE TABLE lockstep.generation (
  secret text NOT NULL,
  credential_id text NOT NULL,
  credential jsonb NOT NULL,
  fingerprints jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'current', 'previous', 'retired')),
  since timestamptz NOT NULL,
  PRIMARY KEY (secret, credential_id)
);
CREATE UNIQUE INDEX generation_one_current ON lockstep.generation (secret) WHERE state = 'current';

CREATE TABLE lockstep.rotation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run text UNIQUE REFERENCES lockstep.run (id),
  secret text NOT NULL,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  old jsonb NOT NULL,
  new jsonb NOT NULL,
  notes text NOT NULL,
  -- What happened before Lockstep came (X-11); such a rotation had no run.
  imported boolean NOT NULL DEFAULT false,
  CHECK (imported = (run IS NULL))
);
CREATE INDEX rotation_secret ON lockstep.rotation (secret, at DESC);

CREATE TABLE lockstep.sealed (
  id uuid PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  run text NOT NULL REFERENCES lockstep.run (id),
  secret text NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('old', 'pending')),
  -- Empty where the issuer has not named the credential: a NULL would never be equal to another.
  credential_id text NOT NULL DEFAULT '',
  -- Not jsonb, which refuses some text: a key that was just minted must not be lost over its description.
  credential json,
  fingerprints jsonb NOT NULL,
  kid text NOT NULL,
  value text NOT NULL,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  UNIQUE (run, purpose, credential_id)
);

CREATE TABLE lockstep.canary (
  kid text PRIMARY KEY,
  value text NOT NULL,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp())
);

-- Unlogged: three commits a vendor call would else wait for the disk. After a crash it is empty, and the vendors' next
-- replies fill it again.
CREATE UNLOGGED TABLE lockstep.budget (
  account text PRIMARY KEY,
  -- Calls that may be made now; below zero while callers wait for the calls they have taken.
  level double precision NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  blocked_until timestamptz
);`;

const people = `
ALTER TABLE lockstep.sealed DROP CONSTRAINT sealed_purpose_check;
ALTER TABLE lockstep.sealed ADD CONSTRAINT sealed_purpose_check
  CHECK (purpose IN ('old', 'pending') OR starts_with(purpose, 'pasted/'));

-- What looks for late duplicates goes on beside the next rotation (HK-13).
ALTER TABLE lockstep.run DROP CONSTRAINT run_flow_check;
ALTER TABLE lockstep.run ADD CONSTRAINT run_flow_check
  CHECK (flow IN ('test', 'rotate', 'revoke', 'recover', 'follow-up'));
DROP INDEX lockstep.run_one_active;
CREATE UNIQUE INDEX run_one_active ON lockstep.run (secret)
  WHERE flow NOT IN ('test', 'follow-up') AND status NOT IN ('completed', 'cancelled', 'failed');

CREATE TABLE lockstep.task (
  run text NOT NULL REFERENCES lockstep.run (id),
  question text NOT NULL,
  step text NOT NULL,
  task jsonb NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  -- X-08: one person has it; whoever answers must be the one who claimed it.
  claimed_by jsonb,
  claimed_at timestamptz,
  answered_by jsonb,
  answered_at timestamptz,
  PRIMARY KEY (run, question)
);

CREATE TABLE lockstep.freeze (
  sole boolean PRIMARY KEY DEFAULT true CHECK (sole),
  by jsonb NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp())
);

-- P6: the immutable id of each place, as it was when the secret was adopted or first checked; and what the last rotation left
-- there, so that a place that cannot be read is known to be unchanged since (X-06).
CREATE TABLE lockstep.place (
  secret text NOT NULL,
  copy text NOT NULL,
  target_id text,
  fingerprints jsonb,
  changed_at timestamptz,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  PRIMARY KEY (secret, copy)
);

-- A log may be imported again (X-11).
CREATE UNIQUE INDEX rotation_imported ON lockstep.rotation (secret, at, (new ->> 'id')) WHERE imported;

CREATE TABLE lockstep.finding (
  id text PRIMARY KEY,
  secret text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('sev-1', 'finding')),
  says text NOT NULL,
  next text NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  closed_at timestamptz
);

-- Messages to people, an outbox: one row for an event, a channel and an address, however often the event is told (X-05).
CREATE TABLE lockstep.notice (
  event text NOT NULL,
  channel text NOT NULL CHECK (channel IN ('slack', 'email')),
  address text NOT NULL,
  kind text NOT NULL,
  run text,
  -- Beside the body, in which words that are also somebody's value are not kept: this one may be.
  environment text,
  body jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  attempts integer NOT NULL DEFAULT 0,
  -- How many of them had no answer, so that the message may have arrived.
  unanswered integer NOT NULL DEFAULT 0,
  -- When it may be sent (again). Whoever takes it moves this on: a lease that ends by itself.
  next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Why the last attempt did not succeed.
  trouble jsonb,
  ended_at timestamptz,
  ending text CHECK (ending IN ('sent', 'skipped', 'given up', 'unsure')),
  PRIMARY KEY (event, channel, address),
  CHECK ((ended_at IS NULL) = (ending IS NULL))
);
CREATE INDEX notice_due ON lockstep.notice (channel, next_at) WHERE ended_at IS NULL;
CREATE INDEX notice_lost ON lockstep.notice (ended_at) WHERE ending IN ('given up', 'unsure');`;

const decisions = `
-- X-08: of two decisions on one question the first stands; the second person is told so instead of being surprised.
CREATE TABLE lockstep.decision (
  run text NOT NULL REFERENCES lockstep.run (id),
  question text NOT NULL,
  choice text NOT NULL,
  by jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  PRIMARY KEY (run, question)
);
-- What was answered, without a value: whoever died between answering and telling the run is stood in for.
ALTER TABLE lockstep.task ADD COLUMN answer jsonb;`;

const because = "ALTER TABLE lockstep.run ADD COLUMN because text;";

/** All changes, in order. */
export const MIGRATIONS: readonly Migration[] = [
  { n: 1, name: "runs", sql: runs },
  { n: 2, name: "audit", sql: audit },
  { n: 3, name: "credentials", sql: credentials },
  { n: 4, name: "people", sql: people },
  { n: 5, name: "decisions", sql: decisions },
  { n: 6, name: "because", sql: because },
];
