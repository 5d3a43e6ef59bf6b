import { formatTXID, SNAPSHOT_LEVEL, type TXID } from '../ltx/index.ts'
import { type LtxFileInfo, type ReplicaClient, readAll, StorageError } from '../storage/index.ts'
import { compareFile, isSound, type Remote, secondWriter } from './compare-file.ts'
import { type FileOwner, writeAll } from './durable-file.ts'
import type { LocalLtx } from './local-ltx.ts'

/**
 * Make local state and replica agree on the last TXID.
 *
 * When the replica is ahead (a restored database, a lost metadata directory), or holds another file under our newest
 * TXID, local files are dropped and the replica's newest L0 file takes their place: TXIDs go on, with a full image. But what
 * both have below that must be the same: else another writer has gone on from where we were.
 *
 * @returns the TXID that the next file follows; 0 when there is nothing anywhere
 * @throws WriterError WRITER_SECOND_WRITER, with nothing changed
 * @see facts 3.4
 */
export async function agreeOnBaseline(local: LocalLtx, client: ReplicaClient, owner: FileOwner): Promise<TXID> {
  const txids = await local.txids()
  const localTXID = txids.at(-1) ?? 0n
  const remote = await newestFile(client)
  if (!remote) return localTXID
  const found = await compareNewestCommon(local, txids, client, remote)
  const sameTXID = remote.maxTXID === localTXID
  if (found?.is === 'other' && !sameTXID) throw secondWriter(client, found.txid)
  const isOurs = found?.is === 'same' || found?.is === 'gone' || remote.level !== 0
  const goesOn = remote.maxTXID < localTXID || (sameTXID && isOurs)
  if (goesOn) return localTXID
  await local.delete(txids)
  if (remote.level === 0) await download(local, client, remote, owner)
  return remote.maxTXID
}

/** What the replica has under the newest local TXID that it has come to. */
async function compareNewestCommon(
  local: LocalLtx,
  txids: readonly TXID[],
  client: ReplicaClient,
  remote: LtxFileInfo,
): Promise<{ readonly txid: TXID; readonly is: Remote } | undefined> {
  const txid = txids.findLast((one) => one <= remote.maxTXID)
  return txid === undefined ? undefined : { txid, is: await compareFile(client, async (of) => local.stream(of), txid) }
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

/** A damaged file is left where it is: without a local copy, what follows is a full image. */
async function download(local: LocalLtx, client: ReplicaClient, file: LtxFileInfo, owner: FileOwner): Promise<void> {
  const stream = await client.open(file)
  if (!stream) {
    throw new StorageError('STORAGE_NOT_FOUND', `Cannot read TXID ${formatTXID(file.maxTXID)}: it vanished`, {
      retryable: true,
    })
  }
  const bytes = await readAll(stream)
  if (await isSound(bytes)) await local.write(file.maxTXID, owner, (handle) => writeAll(handle, bytes))
}
