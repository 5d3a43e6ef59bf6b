import { CONFIG_ARGUMENTS } from './config.ts'

/** What `query` and `shell` have in common. */
export const READER_ARGUMENTS = `\t-at TIME
\t    Read the database as it was before a time: RFC 3339, or words such as
\t    "5 minutes ago" and "yesterday".

\t-txid HEX
\t    Read the database as of a transaction, 16 hex digits.

\t-wait DURATION
\t    Wait so long for a replica at a place where there is none yet.
\t    Defaults to not at all.

\t-cache FOLDER
\t    Keep pages in this folder: they are there next time.

\t-max-requests N
\t-max-bytes SIZE
\t-max-round-trips N
\t    End a query that would cost more. SIZE as in 10MB.

${CONFIG_ARGUMENTS}`

export const QUERY_USAGE = `The query command runs one SQL query on a replica, in place: it fetches the
pages that the query reads, and no more.

Usage:

\tlitetap query [arguments] DB_PATH|REPLICA_URL "SQL"

Arguments:

\t-format table|json|csv
\t    Defaults to table.

\t-stats
\t    Say on stderr what the query cost.

${READER_ARGUMENTS}
Examples:

\t# What is in a backup.
\t$ litetap query s3://mybkt/db "SELECT name FROM sqlite_schema"

\t# What a table held a day ago, as CSV.
\t$ litetap query -at yesterday -format csv s3://mybkt/db "SELECT * FROM users"

`

export const SHELL_USAGE = `The shell command runs SQL queries on a replica as you type them.

Usage:

\tlitetap shell [arguments] DB_PATH|REPLICA_URL

Arguments:

${READER_ARGUMENTS}
A query ends with a semicolon. Ctrl-C stops a query; Ctrl-D leaves. With input
that is no terminal the queries are run one after the other; the first one that
fails ends it. ".help" lists the commands of the shell.

`
