import { AwsV4Signer } from 'aws4fetch'
import { StorageError } from '../errors.ts'
import type { S3Credentials } from '../s3/settings.ts'
import type { HttpPlace } from './connection.ts'

/** Keys, or what gives them: asked before every request, so that temporary ones can be renewed; it keeps them itself. */
export type CredentialsSource = S3Credentials | (() => S3Credentials | Promise<S3Credentials>)

/** Signs requests by AWS Signature Version 4. The body is not signed: there is none. */
export function s3Signer(source: CredentialsSource, region: string): NonNullable<HttpPlace['sign']> {
  /** Keys derived from secrets, good for a day. */
  const cache = new Map<string, ArrayBuffer>()
  return async (url, headers) => {
    const { accessKeyId, secretAccessKey, sessionToken } = typeof source === 'function' ? await ask(source) : source
    const signer = new AwsV4Signer({
      url: url.href,
      headers: { ...headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
      service: 's3',
      region,
      cache,
    })
    return (await signer.sign()).headers
  }
}

async function ask(source: () => S3Credentials | Promise<S3Credentials>): Promise<S3Credentials> {
  try {
    return await source()
  } catch (cause) {
    const message = 'Cannot sign a request: the function that gives the credentials has failed'
    throw new StorageError('STORAGE_NO_CREDENTIALS', message, { cause })
  }
}
