import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Primary } from './primary.ts'
import type { Job, Replicator, Running, Settings } from './replicator.ts'
import { type Store, type StoreKind, startStore } from './stores.ts'
import type { Workload } from './workload.ts'

/** A store, a temporary folder, and everything that was started in it; `close` ends it all. */
export class Scene {
  readonly store: Store
  readonly dir: string
  #primaries: Primary[] = []
  #running = new Set<Running>()

  private constructor(dir: string, store: Store) {
    this.dir = dir
    this.store = store
  }

  static async start(kind: StoreKind): Promise<Scene> {
    const dir = mkdtempSync(join(tmpdir(), 'litetap-interop-'))
    return new Scene(dir, await startStore(kind, { dir: join(dir, 'store') }))
  }

  /** A database of its own for `replica`, and the application that writes it. */
  primary(replica: string, workload: Workload): Primary {
    const folder = join(this.dir, 'primary', replica)
    mkdirSync(folder, { recursive: true })
    const primary = new Primary(join(folder, 'app.db'), workload)
    this.#primaries.push(primary)
    return primary
  }

  job(primary: Primary, replica: string, settings?: Settings): Job {
    const job = { db: primary.path, url: this.store.url(replica), env: this.store.env }
    return settings === undefined ? job : { ...job, settings }
  }

  replicate(program: Replicator, job: Job): Running {
    const running = program.replicate(job)
    this.#running.add(running)
    running.exited.then(() => this.#running.delete(running))
    return running
  }

  /** A fresh path for a restored database. */
  output(name: string): string {
    const folder = join(this.dir, 'restored')
    mkdirSync(folder, { recursive: true })
    return join(folder, `${name}.db`)
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.kill()
    for (const primary of this.#primaries) await primary.kill()
    await this.store.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
