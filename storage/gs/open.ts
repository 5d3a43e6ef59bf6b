import type { GsSettings } from '../replica-settings.ts'
import { defaultCredentials } from './default-credentials.ts'
import { GsReplica } from './gs-replica.ts'

/**
 * Open a replica in Google Cloud Storage. Nothing is sent yet.
 *
 * The process's application default credentials (`GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own, the metadata server).
 * `STORAGE_EMULATOR_HOST` leads to an emulator. Over plain HTTP no credentials are sent.
 *
 * @see facts 2.6
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function openGs(
  { type: _, ...settings }: GsSettings,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): GsReplica {
  const emulator = env.STORAGE_EMULATOR_HOST
  const endpoint = settings.endpoint ?? (emulator ? withHttp(emulator) : undefined)
  if (endpoint && /^http:/i.test(endpoint)) return new GsReplica({ ...settings, endpoint })
  return new GsReplica({ ...settings, ...(endpoint && { endpoint }), authorize: defaultCredentials() })
}

/** An emulator's host without a scheme speaks plain HTTP, as Go's client has it. */
function withHttp(host: string): string {
  return /^https?:\/\//i.test(host) ? host : `http://${host}`
}
