import type { TXID } from '../ltx/index.ts'
import { StorageError } from './errors.ts'
import { fileInfoFault } from './file-info-fault.ts'
import { fileKey, joinPath, s3Key } from './keys.ts'
import { MAX_FILES, TOO_MANY_HINT } from './limits.ts'
import type { LtxFileInfo, LtxFileName } from './types.ts'

/**
 * How a bucket's keys are made below the replica's path (facts 2.1): `ltx` as on file systems and most stores,
 * `<path>/ltx/<n>/<name>`; `s3` as on S3, `<path>/%04x/<name>`.
 */
export type Layout = 'ltx' | 's3'

/** The page map that lies beside a catalog: where every page of a state is, so that nobody has to ask all files for it. */
export interface PageMapEntry {
  /** Of the state. */
  readonly txid: TXID
  /** Bytes. */
  readonly size: number
}

/** All files of a replica at one moment. */
export interface Catalog {
  readonly layout: Layout
  readonly pageMap?: PageMapEntry | undefined
  /** Ascending by level, then by name. */
  readonly files: readonly LtxFileInfo[]
}

/** Where the catalog is below the replica's path. No LTX file and no folder of one; Litestream looks at neither. */
export const CATALOG_NAME = 'litetap/catalog.json'

/** Where the page map is, which the catalog names. */
export const PAGE_MAP_NAME = 'litetap/pages.map'

/** What may lie beside the files of a replica, in no folder that Litestream looks at. */
export type SidecarName = typeof CATALOG_NAME | typeof PAGE_MAP_NAME

/** For web servers in front of a bucket. */
export function sidecarContentType(name: SidecarName): string {
  return name === CATALOG_NAME ? 'application/json' : 'application/octet-stream'
}

/** The catalog is JSON of this version: a reader refuses another. */
const VERSION = 1
/** A file has five, and is one itself. */
const MAX_VALUES = 6 * MAX_FILES + 100
const LAYOUTS: readonly string[] = ['ltx', 's3'] satisfies Layout[]

/** How a kind of store lays its keys out; `type` is the client's. */
export function layoutOf(type: string): Layout {
  return type === 's3' || type === 'oss' ? 's3' : 'ltx'
}

/** Key in a bucket of what lies beside the files. */
export function sidecarKey(path: string, name: SidecarName): string {
  return path === '' ? name : `${path}/${name}`
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
 *     {"litetap":1,"layout":"ltx","pageMap":["4d1",91234],"files":[
 *     [0,"4d2","4d2",1301,1764087600000]
 *     ]}
 *
 * A file is `[level, min TXID in hex, max TXID in hex, bytes, ms since the Unix epoch]`, the page map, if there is one,
 * `[TXID in hex, bytes]`.
 *
 * @throws StorageError STORAGE_TOO_LARGE
 */
export function encodeCatalog({ layout, pageMap, files }: Catalog): Uint8Array<ArrayBuffer> {
  if (files.length > MAX_FILES) {
    const message = `Cannot write a catalog of ${files.length} files, at most ${MAX_FILES} can be read; ${TOO_MANY_HINT}`
    throw new StorageError('STORAGE_TOO_LARGE', message, { at: { key: CATALOG_NAME } })
  }
  const lines = [...files]
    .sort(byName)
    .map(({ level, minTXID, maxTXID, size, createdAt }) =>
      JSON.stringify([level, minTXID.toString(16), maxTXID.toString(16), size, createdAt]),
    )
  const head = { litetap: VERSION, layout, ...(pageMap && { pageMap: [pageMap.txid.toString(16), pageMap.size] }) }
  return new TextEncoder().encode(`${JSON.stringify(head).slice(0, -1)},"files":[\n${lines.join(',\n')}\n]}\n`)
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
  if (bytes.length > MAX_VALUES && valuesIn(bytes) > MAX_VALUES)
    return refuse(`it has more than ${MAX_FILES} files; ${TOO_MANY_HINT}`)
  let parsed: { litetap?: unknown; layout?: unknown; pageMap?: unknown; files?: unknown } | null
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
  if (typeof layout !== 'string' || !LAYOUTS.includes(layout)) return refuse('it has another layout than ltx or s3')
  if (!Array.isArray(files)) return refuse('it has no list of files')
  const infos = files.map((row: unknown, i): LtxFileInfo => {
    const info = fileInfo(row)
    const fault = info ? fileInfoFault(info) : 'form'
    return fault === undefined ? info! : refuse(`no file can have the ${fault} of its file ${i + 1}`)
  })
  const unsorted = infos.findIndex((info, i) => i > 0 && byName(infos[i - 1]!, info) >= 0)
  if (unsorted > 0) return refuse(`its file ${unsorted + 1} is out of order`)
  return { layout: layout as Layout, pageMap: pageMapEntry(parsed.pageMap), files: infos }
}

/** An upper bound: so much memory it takes to parse it, and few bytes can be very many values. */
function valuesIn(bytes: Uint8Array): number {
  let count = 0
  // Commas, and what begins an array or an object.
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++ // , [ {
  }
  return count
}

/** What cannot be understood is not there: it only saves time. */
function pageMapEntry(entry: unknown): PageMapEntry | undefined {
  if (!Array.isArray(entry)) return undefined
  const [txid, size] = [hexTXID(entry[0]), entry[1] as unknown]
  return txid !== undefined && Number.isSafeInteger(size) && (size as number) >= 0
    ? { txid, size: size as number }
    : undefined
}

/** Undefined for what is of another form; whether there can be such a file is another question. */
function fileInfo(row: unknown): LtxFileInfo | undefined {
  if (!Array.isArray(row) || row.length !== 5) return undefined
  const [level, min, max, size, createdAt] = row as unknown[]
  const minTXID = hexTXID(min)
  const maxTXID = max === min ? minTXID : hexTXID(max) // mostly one transaction, and a catalog has many files
  if (minTXID === undefined || maxTXID === undefined) return undefined
  if (typeof level !== 'number' || typeof size !== 'number' || typeof createdAt !== 'number') return undefined
  return { level, minTXID, maxTXID, size, createdAt }
}

function hexTXID(text: unknown): TXID | undefined {
  return typeof text === 'string' && /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined
}

/** The order of a catalog: by level, then as names sort. */
export function byName(a: LtxFileName, b: LtxFileName): number {
  return a.level - b.level || compare(a.minTXID, b.minTXID) || compare(a.maxTXID, b.maxTXID)
}

function compare(a: TXID, b: TXID): number {
  return a < b ? -1 : Number(a > b)
}
