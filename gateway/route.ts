import { parseFilename } from '../ltx/index.ts'
import type { LtxFileName } from '../storage/index.ts'

/** What a request is for. Only these reach a store, and of a request's own text nothing does. */
export type Route =
  | { readonly kind: 'ltx'; readonly database: string; readonly file: LtxFileName }
  | { readonly kind: 'catalog'; readonly database: string }
  | { readonly kind: 'pageMap'; readonly database: string }
  | { readonly kind: 'events'; readonly database: string }
  | { readonly kind: 'health' | 'metrics' | 'index' }
  /** Something else: perhaps a static file, looked up by this path. */
  | { readonly kind: 'other'; readonly path: string }

/** Names of databases, and so the first part of their paths. */
export const DATABASE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const LTX = /^\/([^/]+)\/ltx\/([0-9])\/([^/]+)$/
const META = /^\/([^/]+)\/litetap\/(catalog\.json|pages\.map|events)$/

/**
 * Read a request's target as it came, nothing decoded, nothing cleaned up: what is not spelled exactly as this gateway
 * spells it is not there. A query is of no account.
 * @returns undefined for what is no path: `*`, `http://host/path`, `//x`
 */
export function parseRoute(target: string): Route | undefined {
  if (!/^\/(?!\/)/.test(target)) return undefined
  const [path = ''] = target.split('?', 1)
  if (path === '/') return { kind: 'index' }
  if (path === '/health') return { kind: 'health' }
  if (path === '/metrics') return { kind: 'metrics' }
  return parseLtx(path) ?? parseMeta(path) ?? { kind: 'other', path }
}

function parseLtx(path: string): Route | undefined {
  const [, database = '', level = '', name = ''] = LTX.exec(path) ?? []
  const txids = parseFilename(name)
  if (!DATABASE_NAME.test(database) || !txids || txids.minTXID < 1n || txids.maxTXID < txids.minTXID) return undefined
  return { kind: 'ltx', database, file: { level: Number(level), ...txids } }
}

function parseMeta(path: string): Route | undefined {
  const [, database = '', what] = META.exec(path) ?? []
  if (!DATABASE_NAME.test(database)) return undefined
  return { kind: what === 'events' ? 'events' : what === 'pages.map' ? 'pageMap' : 'catalog', database }
}
