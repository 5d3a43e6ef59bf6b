/** What can be wrong with a cache in a browser or a Worker. None of it fails a read. */
export type WebCacheProblemCode =
  | 'WEB_CACHE_UNAVAILABLE' // it cannot be opened, or there is no room at all: nothing is kept until the next open
  | 'WEB_CACHE_FULL' // there was no room: some writes were dropped, and what was unused for longest

const WHAT: Record<WebCacheProblemCode, string> = {
  WEB_CACHE_UNAVAILABLE: 'Cannot use the page cache',
  WEB_CACHE_FULL: 'Cannot write to the page cache',
}

/** What `onProblem` is told. `cacheName` is the cache's name; `cause` is the runtime's own error. */
export class WebCacheProblem extends Error {
  override readonly name = 'WebCacheProblem'
  readonly code: WebCacheProblemCode
  readonly cacheName: string

  constructor(code: WebCacheProblemCode, cacheName: string, cause: unknown) {
    super(`${WHAT[code]} ${cacheName}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.code = code
    this.cacheName = cacheName
  }
}
