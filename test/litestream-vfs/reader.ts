// Opens a replica with Litestream's own VFS, the SQLite extension, and prints the answers to queries as JSON.
// A process of its own: the extension serves one replica per process, named by LITESTREAM_REPLICA_URL.
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'

const queries = process.argv.slice(2)
const { getLoadablePath } = createRequire(import.meta.url)('litestream-vfs') as { getLoadablePath(): string }
const loader = new DatabaseSync(':memory:', { allowExtension: true })
loader.loadExtension(getLoadablePath())
const db = new DatabaseSync('file:replica?vfs=litestream', { readOnly: true })
console.log(JSON.stringify(queries.map((sql) => db.prepare(sql).all())))
process.exit(0) // the extension keeps polling
