import type { Control, DatabaseReport, SyncResult } from '../../../daemon/control.ts'
import { DaemonError } from '../../../daemon/errors.ts'
import type { TXID } from '../../../ltx/index.ts'
import { FileReplica } from '../../../storage/file/index.ts'
import type { ReplicaSettings } from '../../../storage/replica-settings.ts'
import { type Figures, newFigures, Replicator } from '../../../writer/index.ts'

interface Entry {
  readonly folder: string
  readonly figures: Figures
  replicator: Replicator | undefined
  last: { readonly txid: TXID; readonly replicatedTXID: TXID }
  lastSyncAt?: number
}

/** A daemon of real replicators to folders, and nothing else: what is asked of it really happens. */
export class ReplicatorControl implements Control {
  readonly #entries = new Map<string, Entry>()

  list(): readonly DatabaseReport[] {
    return [...this.#entries.keys()].sort().map((path) => this.report(path)!)
  }

  report(path: string): DatabaseReport | undefined {
    const entry = this.#entries.get(path)
    if (!entry) return undefined
    return {
      path,
      state: entry.replicator ? 'replicating' : 'stopped',
      replicaType: 'file',
      replicaURL: `file://${entry.folder}`,
      ...positions(entry),
      ...(entry.lastSyncAt !== undefined && { lastSyncAt: entry.lastSyncAt }),
      figures: entry.figures,
    }
  }

  async start(path: string): Promise<boolean> {
    const entry = this.#entry(path)
    if (entry.replicator) return false
    entry.replicator = await this.#replicate(path, entry)
    return true
  }

  async stop(path: string): Promise<boolean> {
    const entry = this.#entry(path)
    if (!entry.replicator) return false
    await entry.replicator.close()
    entry.last = positions(entry)
    entry.replicator = undefined
    return true
  }

  async sync(path: string, { wait = false }: { wait?: boolean } = {}): Promise<SyncResult> {
    const entry = this.#entry(path)
    const { replicator } = entry
    if (!replicator) throw new DaemonError('DAEMON_NOT_OPEN', `database not open: ${path}`, { at: { path } })
    const before = positions(entry)
    if (wait) await replicator.flush()
    else await replicator.primary.sync()
    const after = positions(entry)
    const changed = after.txid !== before.txid || (wait && after.replicatedTXID !== before.replicatedTXID)
    return { ...after, changed }
  }

  async register(path: string, replica: ReplicaSettings): Promise<boolean> {
    if (this.#entries.has(path)) return false
    if (replica.type !== 'file') throw new TypeError(`This daemon replicates to folders only, not to ${replica.type}`)
    const none = { txid: 0n, replicatedTXID: 0n }
    const entry: Entry = { folder: replica.path, figures: newFigures(), replicator: undefined, last: none }
    entry.replicator = await this.#replicate(path, entry)
    this.#entries.set(path, entry)
    return true
  }

  async unregister(path: string): Promise<TXID | undefined> {
    if (!this.#entries.has(path)) return undefined
    await this.stop(path)
    const { txid } = this.#entry(path).last
    this.#entries.delete(path)
    return txid
  }

  async close(): Promise<void> {
    for (const path of this.#entries.keys()) await this.stop(path)
  }

  #entry(path: string): Entry {
    const entry = this.#entries.get(path)
    if (entry) return entry
    throw new DaemonError('DAEMON_NO_SUCH_DATABASE', `database not found: ${path}`, { at: { path } })
  }

  async #replicate(path: string, entry: Entry): Promise<Replicator> {
    const replicator = new Replicator({
      dbPath: path,
      client: new FileReplica({ path: entry.folder }),
      figures: entry.figures,
      onDurable: () => {
        entry.lastSyncAt = Date.now()
      },
    })
    await replicator.start()
    return replicator
  }
}

function positions({ replicator, last }: Entry): { txid: TXID; replicatedTXID: TXID } {
  if (!replicator) return last
  return { txid: replicator.primary.txid, replicatedTXID: replicator.durableTXID ?? 0n }
}
