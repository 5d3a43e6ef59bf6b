import { formatTXID, parseTXID, SNAPSHOT_LEVEL } from '../ltx/index.ts'
import { StorageError } from './errors.ts'
import { fileKey, joinPath, s3Key } from './keys.ts'
import type { LtxFileInfo, LtxFileName } from './types.ts'

/**
 * How a bucket's keys are made below the replica's path (facts 2.1): `ltx` as on file systems and most stores,
 * `<path>/ltx/<n>/<name>`; `s3` as on S3, `<path>/%04x/<name>`.
 */
export type Layout = 'ltx' | 's3'

/** All files of a replica at one moment. */
export interface Catalog {
  readonly layout: Layout
  /** Ascending by level, then by name. */
  readonly files: readonly LtxFileInfo[]
}

/** Where the catalog is below the replica's path. No LTX file and no folder of one; Litestream looks at neither. */
export const CATALOG_NAME = 'litetap/catalog.json'

/** The catalog is JSON of this version: a reader refuses another. */
const VERSION = 1
const LAYOUTS: readonly string[] = ['ltx', 's3'] satisfies Layout[]

/** How a kind of store lays its keys out; `type` is the client's. */
export function layoutOf(type: string): Layout {
  return type === 's3' || type === 'oss' ? 's3' : 'ltx'
}

/** Key of the catalog in a bucket. */
export function catalogKey(path: string): string {
  return path === '' ? CATALOG_NAME : `${path}/${CATALOG_NAME}`
}

/** Key of a file in a bucket. */
export function layoutKey(layout: Layout, path: string, file: LtxFileName): string {
  return layout === 's3' ? s3Key(path, file) : fileKey(path, file)
}

/** A file's place relative to the replica's own: what a URL ends with. */
export function layoutPath(layout: Layout, file: LtxFileName): string {
  return joinPath(layoutKey(layout, '', file)).replace(/^\//, '')
}

/**
 * A catalog as UTF-8 JSON, one file a line, so that people can read it and diffs are small:
 *
 *     {"litetap":1,"layout":"ltx","files":[
 *     [0,"4d2","4d2",1301,1764087600000]
 *     ]}
 *
 * A file is `[level, min TXID in hex, max TXID in hex, bytes, ms since the Unix epoch]`.
 */
export function encodeCatalog({ layout, files }: Catalog): Uint8Array<ArrayBuffer> {
  const lines = [...files]
    .sort(byName)
    .map(({ level, minTXID, maxTXID, size, createdAt }) =>
      JSON.stringify([level, minTXID.toString(16), maxTXID.toString(16), size, createdAt]),
    )
  return new TextEncoder().encode(
    `{"litetap":${VERSION},"layout":${JSON.stringify(layout)},"files":[\n${lines.join(',\n')}\n]}\n`,
  )
}

/**
 * @param name what is read, for people
 * @throws StorageError STORAGE_BAD_REPLY when it is no catalog, a damaged one, or one of a later version
 */
export function decodeCatalog(bytes: Uint8Array, name: string): Catalog {
  const refuse = (why: string, cause?: unknown): never => {
    throw new StorageError('STORAGE_BAD_REPLY', `Cannot use the catalog ${name}: ${why}`, {
      at: { key: CATALOG_NAME },
      cause,
    })
  }
  let parsed: { litetap?: unknown; layout?: unknown; files?: unknown } | null
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    return refuse('it is not JSON; is it a page of the web server?', cause)
  }
  if (parsed?.litetap !== VERSION) {
    return refuse(
      typeof parsed?.litetap === 'number' ? 'it is of a later version; update litetap' : 'it is no catalog of litetap',
    )
  }
  const { layout, files } = parsed
  if (typeof layout !== 'string' || !LAYOUTS.includes(layout)) return refuse(`its layout is ${JSON.stringify(layout)}`)
  if (!Array.isArray(files)) return refuse('it has no list of files')
  const infos = files.map((row) => fileInfo(row) ?? refuse(`it has a file ${JSON.stringify(row)}`))
  const sorted = infos.every((info, i) => i === 0 || byName(infos[i - 1]!, info) < 0)
  if (!sorted) return refuse('its files are out of order')
  return { layout: layout as Layout, files: infos }
}

function fileInfo(row: unknown): LtxFileInfo | undefined {
  if (!Array.isArray(row) || row.length !== 5) return undefined
  const [level, min, max, size, createdAt] = row as unknown[]
  const [minTXID, maxTXID] = [hexTXID(min), hexTXID(max)]
  if (minTXID === undefined || maxTXID === undefined || minTXID < 1n || maxTXID < minTXID) return undefined
  if (!isWhole(level) || level > SNAPSHOT_LEVEL || !isWhole(size) || !Number.isSafeInteger(createdAt)) return undefined
  return { level, minTXID, maxTXID, size, createdAt: createdAt as number }
}

function hexTXID(text: unknown): bigint | undefined {
  return typeof text === 'string' && text.length <= 16 ? parseTXID(text.padStart(16, '0')) : undefined
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** By level, then as names sort. */
function byName(a: LtxFileInfo, b: LtxFileInfo): number {
  if (a.level !== b.level) return a.level - b.level
  const [left, right] = [formatTXID(a.minTXID) + formatTXID(a.maxTXID), formatTXID(b.minTXID) + formatTXID(b.maxTXID)]
  return left < right ? -1 : left > right ? 1 : 0
}
