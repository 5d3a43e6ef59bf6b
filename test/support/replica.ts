import { decodeHeader, HEADER_SIZE, type Header, type TXID } from '../../ltx/index.ts'
import { memoryReplica, type ReplicaClient, readAll } from '../../storage/index.ts'

export { memoryReplica }

/** The LTX header of one L0 file. */
export async function openLtxHeader(client: ReplicaClient, txid: TXID): Promise<Header> {
  const stream = await client.open({ level: 0, minTXID: txid, maxTXID: txid }, { offset: 0, size: HEADER_SIZE })
  if (!stream) throw new Error(`No L0 file ${txid}`)
  return decodeHeader(await readAll(stream))
}
