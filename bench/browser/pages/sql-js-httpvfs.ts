import { createDbWorker } from 'sql.js-httpvfs'
import type { Query } from '../../reader/scenarios.ts'
import type { Rows } from '../../support/canonical-rows.ts'
import { offer } from './page.ts'

/** What it hands out of sql.js, whose types it does not bring. */
interface SqlJs {
  readonly exec: (sql: string, parameters: Query['parameters']) => Promise<readonly { readonly values: Rows }[]>
}

const [workerUrl, wasmUrl] = ['./sqlite.worker.js', './sql-wasm.wasm'].map((path) => new URL(path, location.href).href)

offer(async () => {
  // Only opening starts its worker. A first one, which reads no database, brings script and wasm into the browser's
  // caches, compiled.
  await createDbWorker([], workerUrl!, wasmUrl!)
  const config = {
    from: 'inline' as const,
    config: { serverMode: 'full' as const, requestChunkSize: 4096, url: new URL('/frozen.sqlite', location.href).href },
  }
  return async () => {
    const { db } = await createDbWorker([config], workerUrl!, wasmUrl!)
    const { exec } = db as unknown as SqlJs
    return { query: async ({ sql, parameters }) => (await exec(sql, parameters))[0]?.values ?? [] }
  }
})
