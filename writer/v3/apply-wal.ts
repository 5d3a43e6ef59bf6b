import { type FileHandle, open } from 'node:fs/promises'
import { fileError, writeAll } from '../durable-file.ts'
import { WriterError } from '../errors.ts'
import { WAL_FRAME_HEADER_SIZE } from '../wal.ts'
import { WalFile } from '../wal-file.ts'
import { scanWal, walStart } from '../wal-scan.ts'

/**
 * Put the transactions of a whole WAL into a database file, as a checkpoint does. Nobody else may use either file.
 *
 * Every frame must be valid, and the last one end a transaction: SQLite would silently leave out what follows the first
 * frame that is not, and with it transactions that were backed up.
 *
 * @param name the WAL's name, for people
 * @throws WriterError WRITER_CORRUPT_REPLICA, WRITER_BAD_WAL, WRITER_DISK_FULL, WRITER_IO
 */
export async function applyWal(databasePath: string, walPath: string, name: string): Promise<void> {
  const wal = WalFile.open(walPath)
  if (wal === undefined) throw corrupt(name, 'it is gone')
  try {
    const header = wal.header()
    if (header === undefined) throw corrupt(name, 'its header is damaged')
    const scan = scanWal(wal, header, walStart(header))
    if (scan.end.offset !== wal.size()) {
      throw corrupt(name, `its frames are valid up to byte ${scan.end.offset} of ${wal.size()} only`)
    }
    if (scan.commit > 0) await copyPages({ wal, databasePath, name }, header.pageSize, scan)
  } finally {
    wal.close()
  }
}

async function copyPages(
  { wal, databasePath, name }: { readonly wal: WalFile; readonly databasePath: string; readonly name: string },
  pageSize: number,
  { frames, commit }: { readonly frames: ReadonlyMap<number, number>; readonly commit: number },
): Promise<void> {
  const file = await open(databasePath, 'r+')
  try {
    const stored = await storedPageSize(file)
    if (stored !== pageSize) throw corrupt(name, `its page size is ${pageSize}, the snapshot's ${stored}`)
    const page = new Uint8Array(pageSize)
    for (const [pgno, offset] of frames) {
      wal.read(page, offset + WAL_FRAME_HEADER_SIZE)
      await writeAll(file, page, (pgno - 1) * pageSize)
    }
    await file.truncate(commit * pageSize)
  } catch (error) {
    throw fileError(error, 'restore to', databasePath)
  } finally {
    await file.close()
  }
}

/** From a database's header: 1 stands for 65536. */
export async function storedPageSize(file: FileHandle): Promise<number> {
  const bytes = Buffer.alloc(2)
  await file.read(bytes, 0, 2, 16)
  const size = bytes.readUInt16BE(0)
  return size === 1 ? 65536 : size
}

function corrupt(name: string, why: string): WriterError {
  return new WriterError('WRITER_CORRUPT_REPLICA', `Cannot apply v0.3 WAL ${name}: ${why}`, {
    at: { key: name },
    hint: 'Restore a state from before it with a timestamp.',
  })
}
