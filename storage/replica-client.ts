import { type Check, has, isOfClass, shown } from '../arguments/index.ts'

/** A value as a replica's client. */
export const replicaClient: Check = (value, name) => {
  if (has(value, 'list', 'open', 'close') && typeof (value as { url?: unknown }).url === 'string') return undefined
  const hint = typeof value === 'string' || isOfClass(value, 'URL') ? ': openReplica(url) makes one of a URL' : ''
  return `${name} must be a replica's client, but is ${shown(value)}${hint}`
}
