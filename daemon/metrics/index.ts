export { DaemonMetrics } from './daemon-metrics.ts'
export { MetricsServer } from './metrics-server.ts'
export type { ReplicaOperations, ReplicaRequest } from './replica-operations.ts'
