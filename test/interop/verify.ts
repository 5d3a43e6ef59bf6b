import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { type Content, contentOf, fileHash, openImmutable, Prefixes, withoutControlTables } from './content.ts'
import type { Primary } from './primary.ts'
import type { Replicator, RestoreTarget } from './replicator.ts'
import type { Scene } from './scene.ts'
import { lastSeq, type Workload } from './workload.ts'

/** What is restored from where, and what it must be. */
export interface Subject {
  readonly scene: Scene
  readonly replica: string
  readonly readers: readonly Replicator[]
  readonly workload: Workload
}

/** One restored state: the last transaction in it, and everything it holds. */
export interface State {
  readonly seq: number
  readonly content: Content
}

export function hex(txid: bigint): string {
  return txid.toString(16).padStart(16, '0')
}

/**
 * Restore ascending TXIDs by every reader: the same bytes from all, sound, exactly one committed prefix of the
 * workload each, and none older than the one before. TXIDs that every reader finds out of reach are left out.
 */
export async function verifyReachable(subject: Subject, txids: readonly bigint[]): Promise<readonly State[]> {
  const prefixes = new Prefixes(subject.workload)
  const states: State[] = []
  for (const txid of txids) {
    const out = await restoreByAll(subject, { txid: hex(txid) })
    if (out === undefined) continue
    states.push(verifyState(out, prefixes, `TXID ${txid}`))
    rmSync(out)
  }
  prefixes.close()
  return states
}

/** As `verifyReachable`, when all of them must be within reach. */
export async function verifyEach(subject: Subject, txids: readonly bigint[]): Promise<readonly State[]> {
  const states = await verifyReachable(subject, txids)
  expect(states).toHaveLength(txids.length)
  return states
}

/** Restore the newest state by every reader; it must be the primary's, control tables included. */
export async function verifyNewest(subject: Subject, primary: Primary): Promise<void> {
  const out = await restoreByAll(subject, {})
  const restored = openImmutable(out!)
  const live = new DatabaseSync(primary.path)
  try {
    expect(contentOf(restored)).toEqual(contentOf(live))
  } finally {
    restored.close()
    live.close()
    rmSync(out!)
  }
}

/**
 * Restore by every reader; they must agree, byte for byte.
 * @returns the path of one result (the others are gone); undefined when they agree that there is nothing to restore
 */
export async function restoreByAll(subject: Subject, target: RestoreTarget): Promise<string | undefined> {
  const outs = await Promise.all(subject.readers.map((reader) => restoreBy(reader, subject, target)))
  const hashes = outs.map((out, i) => [subject.readers[i]!.name, out === undefined ? 'nothing' : fileHash(out)])
  const what = `${subject.replica} at ${JSON.stringify(target)}: ${JSON.stringify(hashes)}`
  expect(new Set(hashes.map(([, hash]) => hash)), what).toHaveLength(1)
  for (const out of outs.slice(1)) if (out !== undefined) rmSync(out)
  return outs[0]
}

const NOTHING = /timestamp does not exist|not available|no matching backup|no state from before/i

async function restoreBy(reader: Replicator, { scene, replica }: Subject, target: RestoreTarget) {
  const out = scene.output(`${replica}-${reader.name}`)
  try {
    await reader.restore({ url: scene.store.url(replica), env: scene.store.env }, out, target)
    return out
  } catch (error) {
    if (!NOTHING.test(String(error))) throw error
    return undefined
  }
}

function verifyState(path: string, prefixes: Prefixes, what: string): State {
  const db = openImmutable(path)
  try {
    expect(db.prepare('PRAGMA integrity_check(3)').all(), what).toEqual([{ integrity_check: 'ok' }])
    const seq = lastSeq(db)
    // `prefixes` only goes forwards: a state older than the one before fails here.
    expect(withoutControlTables(db), `${what}, transaction ${seq}`).toEqual(prefixes.at(seq))
    return { seq, content: contentOf(db) }
  } finally {
    db.close()
  }
}
