export { DaemonMetrics } from './daemon-metrics.ts'
export { MetricsServer } from './metrics-server.ts'
export type { ReplicaOperation, ReplicaOperations } from './replica-operations.ts'
