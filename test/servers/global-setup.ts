import type { TestProject } from 'vitest/node'
import { type CephS3, startCephS3 } from './ceph-s3.ts'

/** How tests reach the shared S3 server. */
export type SharedCeph = Pick<CephS3, 'endpoint' | 'accessKeyId' | 'secretAccessKey' | 'region'>

declare module 'vitest' {
  interface ProvidedContext {
    /** The server, or why it could not be started. */
    ceph: SharedCeph | { readonly missing: string }
  }
}

/**
 * Start one Ceph for a whole run and provide it as `inject('ceph')`. Tests make their own buckets.
 * Where it cannot be started, tests that need it fail with the reason; the others still run.
 * @returns what stops it
 */
export async function startSharedCeph(project: TestProject): Promise<() => Promise<void>> {
  try {
    const { stop, ...shared } = await startCephS3()
    project.provide('ceph', shared)
    return stop
  } catch (error) {
    project.provide('ceph', { missing: error instanceof Error ? error.message : String(error) })
    return async () => {}
  }
}

export default startSharedCeph
