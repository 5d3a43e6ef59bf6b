// The whole surface of daemon/.
export type * from './config/config.ts'
export type { Control, DatabaseReport, DatabaseState, SyncResult } from './control.ts'
export { Daemon, type DaemonOptions } from './daemon.ts'
export { DaemonError, type DaemonErrorCode, type DaemonErrorContext, isDaemonError } from './errors.ts'
export type { DaemonEvents } from './events.ts'
export { Services, type ServicesOptions } from './services.ts'
