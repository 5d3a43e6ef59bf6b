import { readFile } from 'node:fs/promises'
import { formatTXID, parseTXID, type TXID } from '../ltx/index.ts'
import { errnoCode, fileError, writeFileDurably } from './durable-file.ts'
import { WriterError } from './errors.ts'

/** Beside a followed database: the TXID it stands at, 16 hex digits and a newline, as upstream writes it (facts 6.5). */
export const POSITION_SUFFIX = '-txid'

/**
 * @returns the TXID a followed database had reached at least, or undefined when there is no such file
 * @throws WriterError WRITER_FOLLOW_NO_POSITION when the file holds no TXID
 */
export async function readPosition(output: string): Promise<TXID | undefined> {
  const path = output + POSITION_SUFFIX
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined
    throw fileError(error, 'read', path)
  }
  const txid = parseTXID(text.trim())
  if (txid !== undefined && txid > 0n) return txid
  throw new WriterError('WRITER_FOLLOW_NO_POSITION', `Cannot read ${path}: it does not hold a TXID`, {
    at: { path },
    hint: 'Delete it and the database to restore it anew.',
  })
}

/** Save the TXID a followed database stands at, durably. */
export async function writePosition(output: string, txid: TXID): Promise<void> {
  await writeFileDurably(output + POSITION_SUFFIX, {}, async (file) => {
    await file.writeFile(`${formatTXID(txid)}\n`)
  })
}
