import { createHttpBackend, createSQLiteThread } from 'sqlite-wasm-http'
import type { Rows } from '../../support/canonical-rows.ts'
import { offer } from './page.ts'

/** As much as litetap keeps by default. */
const CACHE_KB = 64 * 1024
const TIMEOUT_MS = 60_000

offer(async () => {
  const backendType = location.search === '?shared' ? 'shared' : 'sync'
  const http = createHttpBackend({ maxPageSize: 4096, timeout: TIMEOUT_MS, cacheSize: CACHE_KB, backendType })
  if (http.type !== backendType) throw new Error(`The page is not isolated: the backend is ${http.type}`)
  const db = await createSQLiteThread({ http })
  const filename = `file:${encodeURI(new URL('/frozen.sqlite', location.href).href)}`
  return async () => {
    await db('open', { filename, vfs: 'http' })
    return {
      query: async ({ sql, parameters }) => {
        const reply = await db('exec', { sql, bind: [...parameters], rowMode: 'array', resultRows: [] } as never)
        return (reply as unknown as { result: { resultRows: Rows } }).result.resultRows
      },
    }
  }
})
