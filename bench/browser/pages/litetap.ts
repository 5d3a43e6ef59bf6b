import { open } from '../../../entry/web.ts'
import { offer } from './page.ts'

offer(async () => {
  const sqlite = await WebAssembly.compileStreaming(fetch('./sqlite3.wasm'))
  return async () => {
    const db = await open(new URL('/app', location.href).href, { sqlite })
    return { query: ({ sql, parameters }) => db.all(sql, [...parameters], { rows: 'array' }) }
  }
})
