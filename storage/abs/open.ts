import type { AbsSettings } from '../replica-settings.ts'
import { AbsReplica } from './abs-replica.ts'

/**
 * Open a replica in Azure Blob Storage. Nothing is sent yet.
 *
 * Environment: `LITESTREAM_AZURE_SAS_TOKEN` and `LITESTREAM_AZURE_ACCOUNT_KEY`, each where the settings have none; a SAS
 * token from either place wins over a key from either place. Without both, Azure's default chain (`AZURE_CLIENT_ID` ...).
 *
 * @see facts 2.7
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function openAbs(
  { type: _, ...settings }: AbsSettings,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): AbsReplica {
  const sasToken = settings.sasToken || env.LITESTREAM_AZURE_SAS_TOKEN
  const accountKey = settings.accountKey || env.LITESTREAM_AZURE_ACCOUNT_KEY
  return new AbsReplica({ ...settings, ...(sasToken && { sasToken }), ...(accountKey && { accountKey }) })
}
