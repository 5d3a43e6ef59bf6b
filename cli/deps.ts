/**
 * What the commands need of the rest of the package, loaded when a command first needs it: the code behind these
 * types (SDKs, node:sqlite, the codec) must not be loaded for `help`.
 */
export type StorageDeps = typeof import('../storage/node.ts')

export type GatewayDeps = typeof import('../gateway/index.ts')

export type CommandDeps = typeof import('../daemon/commands/index.ts')
export type FileLine = import('../daemon/commands/index.ts').FileLine

export type DaemonSocketDeps = typeof import('../daemon/socket/index.ts')

export type WriterDeps = typeof import('../writer/index.ts')

export type DaemonDeps = typeof import('../daemon/index.ts')

export type Config = import('../daemon/index.ts').Config
export type LoggingConfig = import('../daemon/index.ts').LoggingConfig
export type Daemon = import('../daemon/index.ts').Daemon
export type Services = import('../daemon/index.ts').Services
export type IntegrityCheck = import('../writer/index.ts').IntegrityCheck
export type FollowEvent = import('../writer/index.ts').FollowEvent

export type ConfigDeps = typeof import('../daemon/config/load-config.ts')

export async function loadConfigDeps(): Promise<ConfigDeps> {
  return await import('../daemon/config/load-config.ts')
}

export async function loadStorage(): Promise<StorageDeps> {
  return await import('../storage/node.ts')
}

export async function loadGateway(): Promise<GatewayDeps> {
  return await import('../gateway/index.ts')
}

export async function loadWriter(): Promise<WriterDeps> {
  return await import('../writer/index.ts')
}

export async function loadDaemonSocket(): Promise<DaemonSocketDeps> {
  return await import('../daemon/socket/index.ts')
}

export async function loadCommands(): Promise<CommandDeps> {
  return await import('../daemon/commands/index.ts')
}

export async function loadDaemon(): Promise<DaemonDeps> {
  return await import('../daemon/index.ts')
}

/** The whole library: what `open` of `litetap` is. */
export async function loadReader(): Promise<typeof import('../entry/open.ts')> {
  return await import('../entry/open.ts')
}
