/** The part of the database that sealing needs; `db/` gives it. Sealing does not import it, so that it stays pure of connections. */
export interface Rows {
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}
