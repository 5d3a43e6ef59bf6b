import { formatTXID, SNAPSHOT_LEVEL, type TXID } from '../ltx/index.ts'
import { type LtxFileInfo, type ReplicaClient, readAll } from '../storage/index.ts'
import { type FileOwner, writeAll } from './durable-file.ts'
import type { LocalLtx } from './local-ltx.ts'

export interface Baseline {
  /** The TXID that the next file follows; 0 when there is nothing anywhere. */
  readonly txid: TXID
  /** True when the local state cannot be gone on from, and the next file must be a full image. */
  readonly rebased: boolean
}

/**
 * Make local state and replica agree on the last TXID.
 *
 * When the replica is ahead (a restored database, a lost metadata directory), or holds another file under our newest
 * TXID, local files are dropped and the replica's newest L0 file takes their place: TXIDs go on, with a full image.
 *
 * @see facts 3.4
 */
export async function agreeOnBaseline(local: LocalLtx, client: ReplicaClient, owner: FileOwner): Promise<Baseline> {
  const txids = await local.txids()
  const localTXID = txids.at(-1) ?? 0n
  const remote = await newestFile(client)
  if (!remote || remote.maxTXID < localTXID) return { txid: localTXID, rebased: false }
  if (remote.maxTXID === localTXID) {
    const same = remote.level !== 0 || remote.size === (await local.size(localTXID))
    if (same) return { txid: localTXID, rebased: false }
  }
  await local.delete(txids)
  if (remote.level === 0) await download(local, client, remote, owner)
  return { txid: remote.maxTXID, rebased: true }
}

/** The file with the highest TXID: of level 0, where it always is; of any level if a lost level 0 left only those. */
async function newestFile(client: ReplicaClient): Promise<LtxFileInfo | undefined> {
  let newest: LtxFileInfo | undefined
  for await (const file of client.list(0)) if (!newest || file.maxTXID > newest.maxTXID) newest = file
  if (newest) return newest
  for (let level = 1; level <= SNAPSHOT_LEVEL; level++) {
    for await (const file of client.list(level)) if (!newest || file.maxTXID > newest.maxTXID) newest = file
  }
  return newest
}

async function download(local: LocalLtx, client: ReplicaClient, file: LtxFileInfo, owner: FileOwner): Promise<void> {
  const stream = await client.open(file)
  if (!stream) throw new Error(`Cannot read L0 file ${formatTXID(file.maxTXID)}: it vanished from ${client.url}`)
  const bytes = await readAll(stream)
  await local.write(file.maxTXID, owner, (handle) => writeAll(handle, bytes))
}
