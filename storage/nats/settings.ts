import { StorageError } from '../errors.ts'
import type { NatsSettings as PlainSettings } from '../replica-settings.ts'

export interface NatsReplicaOptions extends Omit<PlainSettings, 'type'> {}

/** Checked options with every default filled in. */
export interface NatsSettings extends NatsReplicaOptions {
  readonly maxReconnects: number
  readonly reconnectWaitMs: number
  readonly timeoutMs: number
}

/**
 * Check options and fill in defaults (facts 2.10).
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function resolveSettings(options: NatsReplicaOptions): NatsSettings {
  if (options.server === '') throw bad('its server is missing; write nats://host[:port]')
  if (/\/\/[^/]*@/.test(options.server)) throw bad('its server must be without a login; give user and password')
  if (!/^[-\w]+$/.test(options.bucket)) {
    throw bad(`a bucket has letters, digits, - and _ only, unlike ${JSON.stringify(options.bucket)}`)
  }
  if ((options.clientCert === undefined) !== (options.clientKey === undefined)) {
    throw bad('client-cert and client-key must be given together')
  }
  return {
    ...options,
    maxReconnects: options.maxReconnects ?? -1,
    reconnectWaitMs: options.reconnectWaitMs ?? 2000,
    timeoutMs: options.timeoutMs ?? 10_000,
  }
}

export function bad(why: string, cause?: unknown): StorageError {
  return new StorageError('STORAGE_BAD_OPTION', `Cannot use the nats replica: ${why}`, { cause })
}
