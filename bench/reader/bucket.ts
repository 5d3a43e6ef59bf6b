import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listLevels } from '../../replica/index.ts'
import { openReplica, type ReplicaClient } from '../../storage/node.ts'
import { benchPreset, buildMidLifeBucket, type Life } from '../../test/support/mid-life-bucket.ts'

export const SIZES = ['20MB', '200MB', '2GB'] as const
export type Size = (typeof SIZES)[number]

/** A bucket that has been made, in this run or an earlier one, and is kept in a folder. */
export interface BuiltBucket {
  readonly life: Life
  /** The newest state, for native SQLite. */
  readonly databasePath: string
  /** The bucket, as a replica in the file system. */
  readonly replicaPath: string
  readonly txid: bigint
  readonly planFiles: number
  readonly planBytes: number
  readonly databaseBytes: number
  /** By level. */
  readonly files: readonly number[]
  /** Copy it into an empty replica. */
  copyTo(client: ReplicaClient): Promise<void>
}

interface Kept {
  readonly txid: string
  readonly planFiles: number
  readonly planBytes: number
  readonly databaseBytes: number
  readonly files: readonly number[]
}

/** To be raised when the builder makes other buckets from the same parameters. */
const VERSION = 1
const UPLOADS = 16

/** Make the bucket, unless the temporary folder still has it. */
export async function benchBucket(size: Size, hours: number | undefined): Promise<BuiltBucket> {
  const preset = benchPreset(size)
  const life = hours === undefined ? preset : { ...preset, secondsSince: hours * 3600 + (preset.secondsSince % 3600) }
  const hash = createHash('sha256')
    .update(JSON.stringify([VERSION, life]))
    .digest('hex')
    .slice(0, 16)
  const dir = join(tmpdir(), 'litetap-bench-reader', hash)
  if (!existsSync(join(dir, 'bucket.json'))) await make(dir, life)
  const replicaPath = join(dir, 'replica')
  const { txid, ...kept } = JSON.parse(readFileSync(join(dir, 'bucket.json'), 'utf8')) as Kept
  return {
    life,
    databasePath: join(dir, 'database.db'),
    replicaPath,
    txid: BigInt(txid),
    ...kept,
    copyTo: (client) => copy(replicaPath, client),
  }
}

async function make(dir: string, life: Life): Promise<void> {
  const making = `${dir}.making`
  rmSync(making, { recursive: true, force: true })
  mkdirSync(making, { recursive: true })
  const client = await openReplica(pathToFileURL(join(making, 'replica')).href)
  const { txid, plan, files, commit, pageSize } = await buildMidLifeBucket({ client, dir: making, ...life })
  await client.close()
  const kept: Kept = {
    txid: String(txid),
    planFiles: plan.length,
    planBytes: plan.reduce((sum, file) => sum + file.size, 0),
    databaseBytes: commit * pageSize,
    files: Array.from({ length: 10 }, (_, level) => files.filter((file) => file.level === level).length),
  }
  writeFileSync(join(making, 'bucket.json'), JSON.stringify(kept, undefined, 2))
  rmSync(dir, { recursive: true, force: true })
  renameSync(making, dir)
}

async function copy(replica: string, to: ReplicaClient): Promise<void> {
  const from = await openReplica(pathToFileURL(replica).href)
  // Oldest first within each level, the snapshot before all.
  const files = (await listLevels(from)).toReversed().flat()
  const workers = Array.from({ length: UPLOADS }, async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      await to.write(file, (await from.open(file))!)
    }
  })
  await Promise.all(workers)
  await from.close()
}
