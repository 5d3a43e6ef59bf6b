import { joinPath } from './keys.ts'
import type { ByteStream, OpenOptions } from './types.ts'

/** A snapshot, or a piece of a WAL, as Litestream v0.3 kept them (facts 6.7): an LZ4 frame each. */
export interface V3File {
  /** 16 hex digits: an unbroken run of WALs, each with a snapshot or more. */
  readonly generation: string
  readonly kind: 'snapshot' | 'wal'
  /** Number of the WAL; of a snapshot, the first WAL to be applied to it. */
  readonly index: number
  /** Where in its WAL a piece begins, in bytes; 0 for a snapshot. */
  readonly offset: number
}

/** One of them as a listing reports it. */
export interface V3FileInfo extends V3File {
  /** Compressed, in bytes. */
  readonly size: number
  /** The store's own modification time; ms since the Unix epoch. */
  readonly createdAt: number
}

/** What is left of a Litestream v0.3 backup below a replica's path: to be read, never written. */
export interface V3Store {
  /** Everything of all generations, in no particular order; nothing if there never was one. */
  list(signal?: AbortSignal): AsyncIterable<V3FileInfo>
  /** As `ReplicaClient.open`: the compressed bytes; undefined when there is no such file. */
  open(file: V3File, options?: OpenOptions): Promise<ByteStream | undefined>
}

const FOLDER = 'generations'
const SNAPSHOT = /^([0-9a-f]{16})\/snapshots\/([0-9a-f]{8})\.snapshot\.lz4$/
const WAL = /^([0-9a-f]{16})\/wal\/([0-9a-f]{8})_([0-9a-f]{8,16})\.wal\.lz4$/

/** Folder, or key prefix without the slash at its end, of all generations. */
export function v3Folder(path: string): string {
  return joinPath(path, FOLDER)
}

/** Key of a file. */
export function v3Key(path: string, { generation, kind, index, offset }: V3File): string {
  const number = hex8(index)
  const name = kind === 'wal' ? `wal/${number}_${hex8(offset)}.wal.lz4` : `snapshots/${number}.snapshot.lz4`
  return `${v3Folder(path)}/${generation}/${name}`
}

/** @param key relative to `v3Folder`; undefined for what is none of v0.3's files */
export function parseV3Key(key: string): V3File | undefined {
  const snapshot = SNAPSHOT.exec(key)
  if (snapshot)
    return { generation: snapshot[1]!, kind: 'snapshot', index: Number.parseInt(snapshot[2]!, 16), offset: 0 }
  const wal = WAL.exec(key)
  if (!wal) return undefined
  const offset = Number.parseInt(wal[3]!, 16)
  if (!Number.isSafeInteger(offset)) return undefined // no WAL is that long
  return { generation: wal[1]!, kind: 'wal', index: Number.parseInt(wal[2]!, 16), offset }
}

/** As v0.3 wrote them: 8 digits, more only where they are needed. */
function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
