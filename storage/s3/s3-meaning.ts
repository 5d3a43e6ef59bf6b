import type { Meaning } from '../meaning.ts'

/** What S3 servers say. `{bucket}` and `{endpoint}` are filled in. */
export const S3_BY_NAME: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: ['STORAGE_NO_BUCKET', 'there is no bucket {bucket} at {endpoint}; create it or correct its name'],
  InvalidBucketName: ['STORAGE_NO_BUCKET', '{bucket} is not a valid bucket name'],
  InvalidAccessKeyId: ['STORAGE_BAD_CREDENTIALS', '{endpoint} does not know this access key ID'],
  SignatureDoesNotMatch: ['STORAGE_BAD_CREDENTIALS', 'the secret access key is wrong for this access key ID'],
  InvalidSignature: ['STORAGE_BAD_CREDENTIALS', 'the secret access key is wrong for this access key ID'],
  ExpiredToken: ['STORAGE_BAD_CREDENTIALS', 'the session token has expired; get new credentials'],
  InvalidToken: ['STORAGE_BAD_CREDENTIALS', 'the session token is not valid; get new credentials'],
  TokenRefreshRequired: ['STORAGE_BAD_CREDENTIALS', 'the session token must be renewed'],
  AccessDenied: ['STORAGE_ACCESS_DENIED', 'access to bucket {bucket} is denied; check the policy of the access key'],
  AllAccessDisabled: ['STORAGE_ACCESS_DENIED', 'access to bucket {bucket} has been disabled'],
  RequestTimeTooSkewed: ['STORAGE_CLOCK_SKEW', "this machine's clock differs too much from the server's; set it"],
  PermanentRedirect: ['STORAGE_WRONG_REGION', 'bucket {bucket} is in another region; give it as ?region=...'],
  AuthorizationHeaderMalformed: [
    'STORAGE_WRONG_REGION',
    'bucket {bucket} is in another region; give it as ?region=...',
  ],
  SlowDown: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  ServiceUnavailable: ['STORAGE_THROTTLED', 'the server is unavailable'],
  RequestTimeout: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  QuotaExceeded: ['STORAGE_NO_SPACE', 'the storage quota is used up'],
  EntityTooLarge: ['STORAGE_TOO_LARGE', 'the server does not take objects of this size'],
  PreconditionFailed: ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else'],
  ConditionalRequestConflict: ['STORAGE_SERVER_ERROR', 'a conflicting write was going on'],
  OperationAborted: ['STORAGE_SERVER_ERROR', 'a conflicting operation was going on'],
  CredentialsProviderError: [
    'STORAGE_NO_CREDENTIALS',
    'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or LITESTREAM_...), or a profile or role',
  ],
}

export const S3_BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: S3_BY_NAME.PermanentRedirect!,
  401: ['STORAGE_BAD_CREDENTIALS', 'the credentials were not accepted'],
  403: S3_BY_NAME.AccessDenied!,
  408: S3_BY_NAME.RequestTimeout!,
  412: S3_BY_NAME.PreconditionFailed!,
  429: S3_BY_NAME.SlowDown!,
  503: S3_BY_NAME.ServiceUnavailable!,
  507: S3_BY_NAME.QuotaExceeded!,
}
