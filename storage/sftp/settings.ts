import { StorageError } from '../errors.ts'
import { splitHost } from '../host-port.ts'
import type { SftpSettings as PlainSettings } from '../replica-settings.ts'
import { type HostKey, parseHostKey } from './host-key.ts'

export interface SftpReplicaOptions extends Omit<PlainSettings, 'type'> {
  /** Longest time to connect and log in, in ms. Default 30 000. */
  readonly connectTimeoutMs?: number
  /** Longest wait for the answer to one request, in ms; then the connection is given up. Default 30 000. */
  readonly requestTimeoutMs?: number
  /** Told once that the server is not verified. Default: Node's process warning. */
  readonly warn?: (message: string) => void
}

/** Checked options with every default filled in. */
export interface SftpSettings {
  /** Without brackets, without the port. */
  readonly hostname: string
  readonly port: number
  /** For people: host and port. */
  readonly endpoint: string
  readonly path: string
  readonly user: string
  readonly password: string | undefined
  readonly keyPath: string | undefined
  readonly hostKey: HostKey | undefined
  readonly concurrentWrites: boolean
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly warn: (message: string) => void
}

const DEFAULT_PORT = 22

/**
 * Check options and fill in defaults (facts 2.8).
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function resolveSettings(options: SftpReplicaOptions): SftpSettings {
  if (options.host === '') throw bad('its host is missing')
  if (!options.user) throw bad('its user is missing; write sftp://user@host/path')
  const { hostname, port } = splitHost(options.host) ?? {}
  if (!hostname) throw bad(`${JSON.stringify(options.host)} is no host or host:port`)
  const hostKey = options.hostKey ? parseHostKey(options.hostKey) : undefined
  if (options.hostKey && !hostKey) {
    throw bad('its host key is none; write it as in known_hosts, after the host name: ssh-ed25519 AAAA...')
  }
  return {
    hostname,
    port: port ?? DEFAULT_PORT,
    endpoint: options.host,
    path: options.path,
    user: options.user,
    password: options.password || undefined,
    keyPath: options.keyPath || undefined,
    hostKey,
    concurrentWrites: options.concurrentWrites ?? true,
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    warn: options.warn ?? ((message) => process.emitWarning(message, { code: 'LITETAP_SFTP_HOST_KEY' })),
  }
}

function bad(why: string): StorageError {
  return new StorageError('STORAGE_BAD_OPTION', `Cannot use the sftp replica: ${why}`)
}
