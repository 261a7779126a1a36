/** Runs statements: a whole database (each on its own) or one transaction of it. */
export interface Queries {
  /** The rows of one statement. `timestamptz` comes as Instant, `bigint` as number, `jsonb` parsed. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * The database of one installation, at our schema version. Connection troubles are thrown as LockstepError
 * DATABASE_UNREACHABLE or DISK_FULL; an SQL error that is a fault of ours passes through as it is.
 */
export interface Database extends Queries {
  /** The installation's id, a UUID made with the schema; the same for all processes of a database. */
  readonly installation: string;
  /** Commits what the body did, or rolls it back and throws what the body threw. READ COMMITTED. */
  transaction<T>(body: (queries: Queries) => Promise<T>): Promise<T>;
  /** Ends all connections. Idempotent. */
  close(): Promise<void>;
}
