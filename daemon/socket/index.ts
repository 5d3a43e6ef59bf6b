export { ControlClient, type ControlClientOptions } from './control-client.ts'
export { ControlSocket, type ControlSocketOptions } from './control-socket.ts'
export type {
  DatabaseSummary,
  ErrorReply,
  InfoReply,
  ListReply,
  RegisterReply,
  StartReply,
  StopReply,
  SyncDiagnostic,
  SyncReply,
  SyncStatusReply,
  UnregisterReply,
} from './messages.ts'
export { stringifyTXIDs } from './txid-json.ts'
