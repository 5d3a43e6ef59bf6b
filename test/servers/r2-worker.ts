// Runs in workerd: does what a test says with a replica client on the bound bucket, or with the bucket itself.
import type { LtxFileInfo, LtxFileName } from '../../storage/index.ts'
import { type R2BucketLike, r2Replica } from '../../storage/r2/index.ts'
import { openWebReplica } from '../../storage/web.ts'
import { collect } from '../storage/ltx-bytes.ts'

interface Environment {
  readonly BUCKET: R2BucketLike
}

/** One call; TXIDs are text, since JSON has no bigint. */
export interface WorkerCall {
  readonly url?: string
  readonly path: string
  readonly call: 'list' | 'open'
  readonly level: number
  readonly minTXID?: string
  readonly maxTXID?: string
  readonly seek?: string
  readonly useMetadata?: boolean
  readonly offset?: number
  readonly size?: number
}

export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    const call = (await request.json()) as WorkerCall
    const client = call.url ? await openWebReplica(call.url) : r2Replica(env.BUCKET, call.path)
    try {
      if (call.call === 'list') {
        const seek = call.seek === undefined ? {} : { seek: BigInt(call.seek) }
        const files = await collect(client.list(call.level, { ...seek, useMetadata: call.useMetadata ?? false }))
        return Response.json(files.map(plain))
      }
      const file: LtxFileName = { level: call.level, minTXID: BigInt(call.minTXID!), maxTXID: BigInt(call.maxTXID!) }
      const stream = await client.open(file, { offset: call.offset ?? 0, size: call.size ?? 0 })
      if (!stream) return new Response(null, { status: 404 })
      return new Response(await new Blob(await collect(copies(stream))).arrayBuffer())
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return Response.json({ code, message }, { status: 500 })
    }
  },
}

function plain(file: LtxFileInfo) {
  return { ...file, minTXID: String(file.minTXID), maxTXID: String(file.maxTXID) }
}

async function* copies(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of stream) yield new Uint8Array(chunk)
}
