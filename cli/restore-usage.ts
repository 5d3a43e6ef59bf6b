import { CONFIG_ARGUMENTS } from './config.ts'

/** The help text of `restore`. */
export const RESTORE_USAGE = `The restore command recovers a database from a replica. A backup of Litestream
v0.3 (file, s3) is restored when it is newer than the LTX files beside it.

Usage:

\tlitetap restore [arguments] DB_PATH|REPLICA_URL

Arguments:

\t-o PATH
\t    Output path of the restored database. Required with a URL;
\t    defaults to DB_PATH.

\t-txid TXID
\t    Restore up to a transaction ID (inclusive), given as 16 hex digits.
\t    Defaults to the highest available transaction.

\t-timestamp TIMESTAMP
\t    Restore the state of a point in time, such as 2020-01-01T00:00:00Z.
\t    Defaults to the latest available state.

\t-if-db-not-exists
\t    Do nothing, with exit code 0, if the output database already exists.

\t-if-replica-exists
\t    Exit with code 0 if there is no backup.

\t-dry-run
\t    Print the restore plan and exit without writing a database.

\t-force
\t    Overwrite an existing output database and its SQLite sidecar files.

\t-json
\t    Output raw JSON. Log lines go to stderr.

\t-f
\t    Follow mode. After restoring, keep polling for new changes and apply
\t    them, similar to tail -f. The restored database must only be opened
\t    read-only by others. Cannot be used with -txid or -timestamp.

\t-follow-interval DURATION
\t    Polling interval of follow mode.
\t    Defaults to 1s.

\t-parallelism NUM
\t    Number of files that are downloaded in parallel.
\t    Defaults to 8.

\t-integrity-check MODE
\t    Check the restored database: none, quick or full.
\t    Defaults to none.

${CONFIG_ARGUMENTS}
Examples:

\t# Restore the latest state.
\t$ litetap restore -o /tmp/db s3://mybucket/db

\t# Restore the state of a given point in time.
\t$ litetap restore -o /tmp/db -timestamp 2020-01-01T00:00:00Z s3://mybucket/db

\t# Preview the restore plan without writing a database.
\t$ litetap restore -dry-run -o /tmp/db s3://mybucket/db

\t# Keep a read-only copy up to date.
\t$ litetap restore -f -o /tmp/read-replica.db s3://mybucket/db

`
