import { bad, type NatsReplicaOptions } from './settings.ts'

/** How to log in: which of the settings counts. Secrets, all of them. */
export type NatsLogin =
  | { readonly kind: 'jwt'; readonly jwt: string; readonly seed: string }
  /** Path of a credentials file. */
  | { readonly kind: 'creds'; readonly path: string }
  | { readonly kind: 'nkey'; readonly seed: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'none' }

/**
 * The first complete one counts (facts 2.10): jwt and seed, creds, nkey, user and password, token.
 * An nkey is a seed (`SU...`). Litestream takes the public key (`U...`) and then cannot sign with it; with a `seed` beside
 * it, that one signs here.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function chooseLogin(options: NatsReplicaOptions): NatsLogin {
  const { jwt, seed, creds, nkey, user, password, token } = options
  if (jwt && seed) return { kind: 'jwt', jwt, seed }
  if (creds) return { kind: 'creds', path: creds }
  if (nkey) {
    const signer = nkey.startsWith('S') ? nkey : seed
    if (!signer) throw bad('its nkey is a public key; give the seed, which begins with SU')
    return { kind: 'nkey', seed: signer }
  }
  if (user && password) return { kind: 'password', user, password }
  return token ? { kind: 'token', token } : { kind: 'none' }
}
