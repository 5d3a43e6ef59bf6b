// A script for Deno, Bun and Node: `deno run -A query.ts URL SQL`, `bun query.ts URL SQL`, `node query.ts URL SQL`.
import process from 'node:process'
import { open } from 'litetap'

const [url = '', sql = 'SELECT name FROM sqlite_schema'] = process.argv.slice(2)
const db = await open(url)
for await (const row of db.each(sql)) console.log(JSON.stringify(row))
await db.close()
