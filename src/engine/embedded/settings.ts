/**
 * Every setting of the server, given on its command line at each start: a newer Lockstep changes them without editing files
 * of an older one, and postgresql.conf stays as initdb wrote it.
 */
export function settings(socketDir: string): readonly string[] {
  return [
    // Who can reach it: this machine, this directory, nobody else. The setting is a list, hence the quotes.
    "listen_addresses=",
    `unix_socket_directories="${socketDir.replaceAll('"', '""')}"`,
    "unix_socket_permissions=0700",

    // What must survive: everything that was answered. Said out loud, because turning it off is the usual shortcut.
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",

    // Small: one machine, a few processes, one of them mostly asleep.
    "max_connections=100",
    "superuser_reserved_connections=0", // nobody can be superuser here, so nobody needs a reserve
    "shared_buffers=16MB",
    "work_mem=2MB",
    "maintenance_work_mem=16MB",
    "autovacuum_max_workers=1",
    "max_worker_processes=1",
    "max_parallel_workers=0",
    "max_parallel_workers_per_gather=0",
    "max_logical_replication_workers=0",
    "max_wal_senders=0",
    "wal_level=minimal",
    "min_wal_size=32MB",
    "max_wal_size=256MB",
    "io_method=sync", // the default keeps three worker processes for reads that we never have
    "jit=off",
    "huge_pages=off",

    // What the log may say: that something went wrong, never what was being said at the time (P7).
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=warning",
    "log_min_error_statement=panic",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_error_verbosity=terse", // DETAIL quotes rows ("Failing row contains (…)")
    "log_connections=",
    "log_disconnections=off",
    "log_checkpoints=off",
    "log_lock_waits=off",
    "log_temp_files=-1",
    "log_autovacuum_min_duration=-1",
    "log_line_prefix=%m [%p] ",
    "log_timezone=UTC",
    "timezone=UTC",
  ];
}
