import type { NatsSettings } from '../replica-settings.ts'
import { NatsReplica } from './nats-replica.ts'

export interface OpenNatsOptions {
  /** Nothing of it is used: Litestream takes nothing for nats from it either. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * The replica that settings name. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export async function openNats(settings: NatsSettings, _options: OpenNatsOptions = {}): Promise<NatsReplica> {
  const { type: _, ...options } = settings
  return new NatsReplica(options)
}
