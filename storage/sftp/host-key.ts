/** A server's public key. */
export interface HostKey {
  /** Algorithm, e.g. `ssh-ed25519`. */
  readonly type: string
  /** The key as it goes over the wire. */
  readonly blob: Uint8Array
}

/** Signatures that a key of this type can make, best first; for other types their own name. */
const SIGNATURES: Readonly<Record<string, readonly string[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
}

/**
 * A public key as in `known_hosts` or `authorized_keys`, without what comes before it: `<type> <base64> [comment]`.
 * @returns undefined if it is none
 */
export function parseHostKey(text: string): HostKey | undefined {
  const [type = '', base64 = ''] = text.trim().split(/\s+/)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const blob = Buffer.from(base64, 'base64')
  // The blob begins with its own type: a length of four bytes, then the name.
  if (blob.length < 4 || blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1') !== type) return undefined
  return { type, blob: new Uint8Array(blob) }
}

/** What to ask the server for, so that it proves this key and not another one it has. */
export function signatureAlgorithms({ type }: HostKey): readonly string[] {
  return SIGNATURES[type] ?? [type]
}

export function isSameKey(key: HostKey, blob: Uint8Array): boolean {
  return Buffer.compare(key.blob, blob) === 0
}
