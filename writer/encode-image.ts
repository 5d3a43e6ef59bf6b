import { setImmediate } from 'node:timers/promises'
import { Encoder, type FrameForm, type Header, lockPgno } from '../ltx/index.ts'
import type { DatabasePage } from './page-reader.ts'

const CHUNK_BYTES = 192 * 1024
/** Pages between two breaths, so that uploads, timers and signals are served during long work. */
const BREATH_BYTES = 4 * 1024 * 1024

/** Page numbers of a whole database: 1..commit but for the lock page. */
export function* imagePgnos(commit: number, pageSize: number): Generator<number> {
  const lock = lockPgno(pageSize)
  for (let pgno = 1; pgno <= commit; pgno++) if (pgno !== lock) yield pgno
}

/**
 * Page numbers of an incremental file, ascending: every page in the WAL, and every page by which the database grew,
 * written or not; without those a later snapshot made from such files would have holes.
 *
 * @see facts 3.7 "growth fill"
 */
export function incrementalPgnos(
  frames: ReadonlyMap<number, number>,
  size: { readonly previousCommit: number; readonly commit: number; readonly pageSize: number },
): number[] {
  const lock = lockPgno(size.pageSize)
  const pgnos = [...frames.keys()].filter((pgno) => pgno !== lock)
  for (let pgno = size.previousCommit + 1; pgno <= size.commit; pgno++) {
    if (pgno !== lock && !frames.has(pgno)) pgnos.push(pgno)
  }
  return pgnos.sort((a, b) => a - b)
}

/** One whole LTX file as a stream of chunks, each of them valid until the next is asked for. */
export async function* encodeLtx(
  header: Header,
  pages: Iterable<DatabasePage>,
  form: FrameForm,
): AsyncGenerator<Uint8Array> {
  const encoder = new Encoder(header, { form })
  let sinceBreath = 0
  for (const { pgno, data } of pages) {
    encoder.encodePage(pgno, data)
    sinceBreath += data.length
    if (encoder.pendingBytes >= CHUNK_BYTES) yield encoder.drain()
    if (sinceBreath < BREATH_BYTES) continue
    sinceBreath = 0
    await setImmediate()
  }
  encoder.finish()
  yield encoder.drain()
}
