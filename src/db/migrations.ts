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

/** All changes, in order. */
export const MIGRATIONS: readonly Migration[] = [
  { n: 1, name: "runs", sql: runs },
  { n: 2, name: "audit", sql: audit },
  { n: 3, name: "credentials", sql: credentials },
];
