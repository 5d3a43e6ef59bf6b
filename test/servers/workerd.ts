import { join } from 'node:path'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import type { R2BucketLike } from '../../storage/r2/index.ts'

/** What tests need of a bucket beyond what a reader does. */
export interface WritableR2Bucket extends R2BucketLike {
  put(key: string, bytes: Uint8Array, options?: { customMetadata: Record<string, string> }): Promise<unknown>
  delete(key: string): Promise<void>
}

/** A Worker with an R2 bucket bound to it as `BUCKET`, in the real workerd. */
export interface Workerd {
  readonly bucket: WritableR2Bucket
  /** POST JSON to the Worker. */
  post(body: unknown): Promise<{ readonly status: number; readonly bytes: Uint8Array }>
  stop(): Promise<void>
}

/**
 * @param entry a Worker's module, from this folder
 * @param compatibilityDate what the runtime behaves like
 */
export async function startWorkerd(entry: string, compatibilityDate: string): Promise<Workerd> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['workerd', 'worker'],
  })
  const miniflare = new Miniflare({
    modules: true,
    script: outputFiles[0]!.text,
    r2Buckets: ['BUCKET'],
    compatibilityDate,
  })
  await miniflare.ready
  return {
    bucket: (await miniflare.getBindings<{ BUCKET: WritableR2Bucket }>()).BUCKET,
    post: async (body) => {
      const reply = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(body) })
      return { status: reply.status, bytes: new Uint8Array(await reply.arrayBuffer()) }
    },
    stop: () => miniflare.dispose(),
  }
}
