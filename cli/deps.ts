/**
 * What the commands need of the rest of the package, loaded when a command first needs it: the code behind these
 * types (SDKs, node:sqlite, the codec) must not be loaded for `help`.
 */
export type StorageDeps = typeof import('../storage/node.ts')

export type GatewayDeps = typeof import('../gateway/index.ts')

export type WriterDeps = typeof import('../writer/index.ts')

export type DaemonDeps = typeof import('../daemon/index.ts')

export type Config = import('../daemon/index.ts').Config
export type ConfigWarning = import('../daemon/index.ts').ConfigWarning
export type LoggingConfig = import('../daemon/index.ts').LoggingConfig
export type Daemon = import('../daemon/index.ts').Daemon
export type IntegrityCheck = import('../writer/index.ts').IntegrityCheck
export type LocalStatus = import('../writer/index.ts').LocalStatus
export type FollowEvent = import('../writer/index.ts').FollowEvent

export async function loadStorage(): Promise<StorageDeps> {
  return await import('../storage/node.ts')
}

export async function loadGateway(): Promise<GatewayDeps> {
  return await import('../gateway/index.ts')
}

export async function loadWriter(): Promise<WriterDeps> {
  return await import('../writer/index.ts')
}

export async function loadDaemon(): Promise<DaemonDeps> {
  return await import('../daemon/index.ts')
}
