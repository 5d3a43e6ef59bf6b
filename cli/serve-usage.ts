import { CONFIG_ARGUMENTS } from './config.ts'

/** The help text of `serve`. */
export const SERVE_USAGE = `The serve command is an HTTP gateway: it serves replicas from private buckets to
readers that have no credentials for them, such as pages in browsers.

Usage:

\tlitetap serve [arguments] [NAME=]DB_PATH|REPLICA_URL...

A database is found at /NAME; without a name, at the last part of its URL:

\t/NAME/ltx/0/...ltx            files, whole or in ranges
\t/NAME/litetap/catalog.json    what there is
\t/NAME/litetap/events          server-sent events, one for each new transaction
\t/health  /metrics             for whoever watches over it; metrics need a
\t                              token for all databases, if there are tokens

Arguments:

\t-addr ADDRESS
\t    Where to listen, as HOST:PORT; port 0 takes any that is free.
\t    Defaults to 127.0.0.1:8321, which only this machine can reach.

\t-token-file PATH
\t    Tokens, one a line: "TOKEN: NAME,NAME", or "TOKEN: *" for all databases.
\t    Or give the same text as $LITETAP_TOKENS. Readers send
\t    "Authorization: Bearer TOKEN". Tokens in URLs are not understood.

\t-insecure-no-token
\t    Let everybody who can connect read everything. Without tokens, litetap
\t    listens on loopback addresses only, unless this is given.

\t-explorer
\t    Serve the explorer, a page to look into the databases, at /.

\t-origin ORIGIN
\t    Pages of this origin may read, or of any ("*"). May be given several
\t    times. Defaults to all with tokens, and else to pages of this machine.

\t-interval DURATION
\t    How often the store is asked for new transactions, while somebody wants
\t    to know. Defaults to 1s.

\t-rate NUMBER
\t    Requests a second for each client address, after a burst of five times
\t    as many; 0 for any number. Behind a proxy all have one address.
\t    Defaults to 1000.

\t-concurrency NUMBER
\t    Requests that are answered at the same time. Defaults to 1024.

\t-idle-timeout DURATION
\t    A reader that takes nothing for so long is disconnected.
\t    Defaults to 30s.

\t-log-level LEVEL
\t    Log level: trace, debug, info, warn, error. Overrides $LOG_LEVEL.
\t    Defaults to info. Requests are logged at debug.

There is no TLS: beyond this machine, put a proxy in front that has it.
SIGINT or SIGTERM lets requests under way end, for five seconds at most.

${CONFIG_ARGUMENTS}
Examples:

\t$ litetap serve s3://mybkt/app
\t$ litetap serve -addr :8321 -token-file tokens.txt app=s3://mybkt/a b=s3://mybkt/b

`
