/** The help text of `replicate`. */
export const REPLICATE_USAGE = `The replicate command watches databases and copies every change to their replicas:
one that is named with its replica's URL, or all those of a configuration file.

Usage:

\tlitetap replicate [arguments]
\tlitetap replicate [arguments] DB_PATH REPLICA_URL

Arguments:

\t-exec CMD
\t    Run a command beside the replication. litetap passes signals on to it
\t    and exits when it exits; at a second signal without waiting for it.
\t    CMD is split into words, no shell runs it.

\t-once
\t    Sync once and exit. Cannot be used with -exec.

\t-force-snapshot
\t    Write a snapshot, whether or not one is due. Requires -once.

\t-enforce-retention
\t    Remove old snapshots and what only they needed. Requires -once.

\t-restore-if-db-not-exists
\t    Restore the database from the replica if it doesn't exist.
\t    On first start with no backup, proceeds normally.

\t-lease
\t    Replicate only while holding the replica's lease (lock.json, 30 s,
\t    renewed). Without it, another writer is noticed at its first file.

\t-catalog
\t    Keep the catalog (litetap/catalog.json) current, so that the replica
\t    can be read through a web server that cannot list. At most one small
\t    PUT a second; when it fails, replication goes on.

\t-log-level LEVEL
\t    Log level: trace, debug, info, warn, error. Overrides $LOG_LEVEL.
\t    Defaults to info.

\t-config PATH
\t    The configuration file. Defaults to $LITESTREAM_CONFIG, or
\t    /etc/litestream.yml. Not with DB_PATH and REPLICA_URL.

\t-no-expand-env
\t    Leave every $ of the configuration file as it is.

The first SIGINT or SIGTERM ends replication after a final sync and upload.
A second one gives up an upload that does not succeed. If the final upload
failed, the exit code is 1.

Examples:

\t$ litetap replicate -config /etc/litestream.yml
\t$ litetap replicate /path/to/db s3://mybucket/db
\t$ litetap replicate -exec "myapp -port 8080" /path/to/db s3://mybucket/db

`
