import { SNAPSHOT_LEVEL } from '../../ltx/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/index.ts'

const LEVELS = SNAPSHOT_LEVEL + 1
const ALL_LEVELS = Array.from({ length: LEVELS }, (_, level) => level)

export interface ListLevelsOptions {
  /** Report each file's own LTX timestamp; needed for time restores only, may cost a request per file. */
  readonly useMetadata?: boolean
  readonly signal?: AbortSignal
}

/**
 * List all ten levels: in one request where the client can, else in parallel.
 *
 * In parallel the lists are not one instant: a file moved up meanwhile may be missing from both. Whoever plans from them
 * lists again when the plan has a hole or a planned file is gone.
 *
 * @returns ten arrays, level 0 to 9, each in ascending order of minTXID, then maxTXID
 */
export async function listLevels(client: ReplicaClient, options: ListLevelsOptions = {}): Promise<LtxFileInfo[][]> {
  if (client.listAll !== undefined) return byLevel(await client.listAll(options.signal))
  return await Promise.all(ALL_LEVELS.map((level) => listLevel(client, level, options)))
}

/** Files of all levels, as `listLevels` gives them. @param files in order within their levels */
export function byLevel(files: readonly LtxFileInfo[]): LtxFileInfo[][] {
  return ALL_LEVELS.map((level) => files.filter((file) => file.level === level))
}

/** Requests that `listLevels` makes. */
export function listRequests(client: ReplicaClient): number {
  return client.listAll === undefined ? LEVELS : 1
}

/** List one level whole. */
export async function listLevel(
  client: ReplicaClient,
  level: number,
  options: ListLevelsOptions & { seek?: bigint } = {},
): Promise<LtxFileInfo[]> {
  const files: LtxFileInfo[] = []
  for await (const file of client.list(level, options)) files.push(file)
  return files
}
