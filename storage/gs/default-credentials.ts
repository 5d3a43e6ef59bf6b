import type { GoogleAuth } from 'google-auth-library'
import type { Authorize } from './settings.ts'

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write'

/**
 * The process's application default credentials. They are looked for, and the library is loaded, with the first request.
 * @see https://cloud.google.com/docs/authentication/application-default-credentials
 */
export function defaultCredentials(): Authorize {
  let auth: Promise<GoogleAuth> | undefined
  return async (url) => {
    auth ??= import('google-auth-library').then((library) => new library.GoogleAuth({ scopes: SCOPE }))
    return await (await auth).getRequestHeaders(url)
  }
}
