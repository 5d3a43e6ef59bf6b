export { type R2BucketLike, type R2ObjectLike, type R2PageLike, R2Replica, r2Replica } from './r2-replica.ts'
