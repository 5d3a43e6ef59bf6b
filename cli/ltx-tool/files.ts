import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { LtxReader } from '../../ltx/index.ts'
import { errorMessage, usageError } from '../errors.ts'
import type { CliIO } from '../io.ts'

const CHUNK_BYTES = 256 * 1024

/** Open an LTX file for reading from front to end; `cancel` the reader unless it is read to its end. */
export async function openLtx(io: Pick<CliIO, 'cwd'>, path: string): Promise<LtxReader> {
  const { LtxReader } = await import('../../ltx/index.ts')
  return new LtxReader(createReadStream(resolve(io.cwd, path), { highWaterMark: CHUNK_BYTES }))
}

/** Run `use` on an open LTX file, which is closed afterwards. */
export async function withLtx<T>(
  io: Pick<CliIO, 'cwd'>,
  path: string,
  use: (reader: LtxReader) => Promise<T>,
): Promise<T> {
  const reader = await openLtx(io, path)
  try {
    return await use(reader)
  } finally {
    await reader.cancel()
  }
}

/** What is wrong with a file, behind its path. */
export function fileTrouble(path: string, error: unknown): string {
  return `${path}: ${errorMessage(error)}`
}

/** The one path of a command that takes one. */
export function onlyPath(args: readonly string[], example: string): string {
  const [path = ''] = args
  if (path === '') throw usageError('filename required', example)
  if (args.length > 1) throw usageError('too many arguments', example)
  return path
}

/** The paths of a command that takes many. */
export function somePaths(args: readonly string[], example: string): readonly string[] {
  if (args.length === 0) throw usageError('at least one LTX file is required', example)
  return args
}
