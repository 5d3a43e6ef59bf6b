export { S3Replica } from './s3-replica.ts'
export type { S3Credentials, S3ReplicaOptions } from './settings.ts'
