import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import * as answers from './answers.ts'
import * as changes from './changes.ts'
import { query, ROWS_DEFAULT, ROWS_MAX } from './query.ts'
import type { McpSubject } from './subject.ts'
import { toolResult } from './tool-error.ts'

const text = (description: string) => z.string().describe(description)
const config = text('Path of a configuration file. Default: the configuration of the running daemon.').optional()
const source = text('Path of a database in the configuration, or replica URL, such as s3://bucket/path.')

const LOOKS = { readOnlyHint: true, openWorldHint: false } as const

/**
 * The tools, each under Litestream's name and with its parameters, and `litetap_query`.
 *
 * @see facts 8.5
 */
export function createTools(subject: McpSubject): McpServer {
  const server = new McpServer({ name: 'litetap', version: subject.version })
  server.registerTool(
    'litestream_info',
    {
      description: 'A summary: version, configured databases with their LTX files, and what the running daemon does.',
      inputSchema: { config },
      annotations: LOOKS,
    },
    (args) => toolResult(() => answers.info(subject, args)),
  )
  server.registerTool(
    'litestream_databases',
    {
      description: 'List the databases of the configuration, and where each is replicated to.',
      inputSchema: { config },
      annotations: LOOKS,
    },
    (args) => toolResult(() => answers.databases(subject, args)),
  )
  server.registerTool(
    'litestream_ltx',
    {
      description: 'List the newest LTX files (level 0) of a replica.',
      inputSchema: { path: source, config },
      annotations: LOOKS,
    },
    (args) => toolResult(() => answers.ltx(subject, args)),
  )
  server.registerTool(
    'litestream_version',
    { description: 'The version of litetap.', inputSchema: {}, annotations: LOOKS },
    () => toolResult(() => answers.version(subject)),
  )
  server.registerTool(
    'litestream_status',
    {
      description:
        'Replication status of each database: local TXID, WAL size, and what the running daemon knows of it.',
      inputSchema: { config, path: text('Only of this database.').optional() },
      annotations: LOOKS,
    },
    (args) => toolResult(() => answers.status(subject, args)),
  )
  registerRestore(server, subject)
  server.registerTool(
    'litestream_reset',
    {
      description:
        'Remove the local LTX files of a database that is not being replicated: the next sync writes a full image. Neither the database nor the replica is changed.',
      inputSchema: { path: text('Absolute path of the database.'), config },
      annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (args) => toolResult(() => changes.reset(subject, args)),
  )
  if (subject.openDatabase) registerQuery(server, subject)
  return server
}

function registerRestore(server: McpServer, subject: McpSubject): void {
  server.registerTool(
    'litestream_restore',
    {
      description: 'Restore a database from its replica into a new file. An existing file is never written over.',
      inputSchema: {
        path: source,
        o: text('Absolute path of the restored database. Default: its path in the configuration.').optional(),
        config,
        txid: text('Restore up to this transaction: 16 hex digits.').optional(),
        timestamp: text('Restore the state of this time (RFC 3339).').optional(),
        parallelism: text('Number of files that are downloaded in parallel.').optional(),
        if_db_not_exists: z.boolean().describe('It is no error when the output exists already.').optional(),
        if_replica_exists: z.boolean().describe('It is no error when there is no backup.').optional(),
      },
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    (args, { signal }) => toolResult(() => changes.restore(subject, args, signal)),
  )
}

function registerQuery(server: McpServer, subject: McpSubject): void {
  server.registerTool(
    'litetap_query',
    {
      description:
        'Run one SQL query on a replica, in place and only reading: its newest state, or that of a past time.',
      inputSchema: {
        path: source,
        sql: text('One SELECT statement, in the SQL of SQLite.'),
        config,
        at: text('A past state: RFC 3339 time, "5 minutes ago", or TXID of 16 hex digits.').optional(),
        max_rows: z.number().int().min(1).max(ROWS_MAX).default(ROWS_DEFAULT).describe('Rows to return at most.'),
      },
      annotations: LOOKS,
    },
    (args, { signal }) => toolResult(() => query(subject, args, signal)),
  )
}
