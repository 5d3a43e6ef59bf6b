import type { GoogleAuth } from 'google-auth-library'
import type { Authorize } from './settings.ts'

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write'

/**
 * Application default credentials. They are looked for, and the library is loaded, with the first request.
 * @param keyFile path of a credentials file; default: where the library looks
 */
export function defaultCredentials(keyFile: string | undefined): Authorize {
  let auth: Promise<GoogleAuth> | undefined
  return async (url) => {
    auth ??= import('google-auth-library').then(
      (library) => new library.GoogleAuth({ scopes: SCOPE, ...(keyFile && { keyFilename: keyFile }) }),
    )
    return await (await auth).getRequestHeaders(url)
  }
}
