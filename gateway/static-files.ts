import { createHash } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import type { StaticFile } from './settings.ts'

/** The files of a page. Found by their exact path, in memory: there is no folder behind them. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, { readonly body: Buffer; readonly type: string; readonly etag: string }>

  constructor(files: ReadonlyMap<string, StaticFile> = new Map()) {
    const kept = [...files].map(([path, { body, type }]) => {
      const bytes = Buffer.from(body)
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
      return [path, { body: bytes, type, etag }] as const
    })
    this.#files = new Map(kept)
  }

  /** @returns false when there is no such file: nothing was sent */
  serve(exchange: Exchange, path: string): boolean {
    const file = this.#files.get(path)
    if (!file) return false
    const headers = { etag: file.etag, 'cache-control': 'no-cache' }
    if (exchange.matches('if-none-match', file.etag)) exchange.sendHead(304, headers)
    else exchange.send(200, file.body, { ...headers, 'content-type': file.type })
    return true
  }
}
