import { constants, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Program } from '../../test/interop/process.ts'
import type { Job, Replicator } from '../../test/interop/replicator.ts'
import { type Store, type StoreKind, startStore } from '../../test/interop/stores.ts'
import { buildDatabase, type Load } from '../support/load.ts'
import { Metered } from '../support/metered.ts'

const STORE_MEMORY = 8 * 2 ** 30
const SNAPSHOT_LEVEL = 9

const running = new Set<Store>()

/** Databases of each size, built once and copied for every run. */
export class Templates {
  readonly dir = mkdtempSync(join(tmpdir(), 'litetap-bench-'))
  #built = new Map<number, string>()

  copy(bytes: number, to: string): void {
    let path = this.#built.get(bytes)
    if (path === undefined) {
      path = join(this.dir, `template-${bytes}.db`)
      buildDatabase(path, bytes, 7)
      this.#built.set(bytes, path)
    }
    copyFileSync(path, to, constants.COPYFILE_FICLONE)
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** A fresh database beside a fresh store: what one run happens on. */
export interface Stage {
  readonly dir: string
  readonly store: Store
  /** Name of the replica in the store. */
  readonly replica: string
  readonly job: Job
}

/** Run `body` on a fresh stage; the stage is gone afterwards, whatever happened. */
export async function onStage<T>(
  { templates, kind, bytes }: { templates: Templates; kind: StoreKind; bytes: number },
  body: (stage: Stage) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(templates.dir, 'run-'))
  mkdirSync(join(dir, 'primary'))
  const db = join(dir, 'primary', 'app.db')
  templates.copy(bytes, db)
  const store = await startStore(kind, { dir: join(dir, 'store'), memoryBytes: STORE_MEMORY })
  running.add(store)
  const replica = 'app'
  try {
    return await body({ dir, store, replica, job: { db, url: store.url(replica), env: store.env } })
  } finally {
    await store.stop()
    running.delete(store)
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * Replicate with the program's defaults until the first image is in the store, and its snapshot too; then let the
 * application commit a little and wait until nothing happens any more. (While its newest local file is a full image,
 * Litestream decodes that once a second.)
 */
export async function replicateFromStart(
  program: Replicator,
  stage: Stage,
  load: Load,
  url?: string,
): Promise<Metered> {
  const job = url === undefined ? stage.job : { ...stage.job, url }
  const metered = new Metered(new Program(program.replicateCommand(job), job.env))
  await untilStored(metered, stage, [0, SNAPSHOT_LEVEL])
  await load.beat({ count: 3, meanMs: 100, seed: 1 })
  await metered.untilQuiet()
  return metered
}

/** Wait until the store has files of all these levels. */
export async function untilStored({ program }: Metered, { store, replica }: Stage, levels: readonly number[]) {
  for (const level of levels) {
    while ((await store.list(replica, level)).length === 0) {
      if (!program.running) throw new Error(`${program.label} ended:\n${program.output}`)
      await sleep(200)
    }
  }
}

/** Stop every store that is still up: for a run that is interrupted. */
export async function stopStores(): Promise<void> {
  await Promise.all([...running].map((store) => store.stop()))
}
