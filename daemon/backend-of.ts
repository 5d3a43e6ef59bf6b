import type { ReplicaSettings } from '../storage/replica-settings.ts'

/** What tells one store from another, without secrets: databases on the same one take turns with each other. */
export function backendOf(replica: ReplicaSettings): string {
  switch (replica.type) {
    case 'file':
      return 'file'
    case 's3':
    case 'oss':
      return `${replica.type}:${replica.endpoint ?? replica.region ?? ''}/${replica.bucket}`
    case 'gs':
      return `gs:${replica.bucket}`
    case 'abs':
      return `abs:${replica.accountName ?? replica.endpoint ?? ''}/${replica.bucket}`
    case 'sftp':
      return `sftp:${replica.host}`
    case 'webdav':
      return `webdav:${replica.endpoint}`
    case 'nats':
      return `nats:${replica.server}/${replica.bucket}`
  }
}
