import type { Meaning } from '../meaning.ts'

const CHANGED: Meaning = ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else']
const SLOW: Meaning = ['STORAGE_THROTTLED', 'the server asks to slow down']

/** What Azure's error codes mean. `{bucket}` and `{endpoint}` are filled in. */
export const ABS_BY_CODE: Readonly<Record<string, Meaning>> = {
  ContainerNotFound: [
    'STORAGE_NO_BUCKET',
    'there is no container {bucket} at {endpoint}; create it or correct its name',
  ],
  ContainerBeingDeleted: ['STORAGE_NO_BUCKET', 'container {bucket} is being deleted'],
  ContainerDisabled: ['STORAGE_NO_BUCKET', 'container {bucket} has been disabled'],
  InvalidResourceName: ['STORAGE_NO_BUCKET', '{bucket} is not a valid container name'],
  AuthenticationFailed: [
    'STORAGE_BAD_CREDENTIALS',
    "the account key or SAS token was not accepted: it is wrong or has expired, or this machine's clock is",
  ],
  InvalidAuthenticationInfo: ['STORAGE_BAD_CREDENTIALS', 'the credentials were not accepted'],
  NoAuthenticationInformation: ['STORAGE_BAD_CREDENTIALS', 'the server wants credentials'],
  AuthorizationFailure: [
    'STORAGE_ACCESS_DENIED',
    'access to container {bucket} is denied: by a firewall, or by what the SAS token allows',
  ],
  AuthorizationPermissionMismatch: [
    'STORAGE_ACCESS_DENIED',
    'that is not allowed; a SAS token needs the permissions sp=racwdl, an identity the role Storage Blob Data Contributor',
  ],
  AccountIsDisabled: ['STORAGE_ACCESS_DENIED', 'the storage account is disabled'],
  InsufficientAccountPermissions: ['STORAGE_ACCESS_DENIED', 'the account lacks the permission'],
  BlobAlreadyExists: CHANGED,
  ConditionNotMet: CHANGED,
  LeaseIdMissing: ['STORAGE_REFUSED', "the blob is under somebody's Azure lease; break it"],
  BlobImmutableDueToPolicy: ['STORAGE_REFUSED', 'an immutability policy of container {bucket} forbids it'],
  ServerBusy: SLOW,
  TooManyRequests: SLOW,
  OperationTimedOut: ['STORAGE_TIMEOUT', 'the server gave up on the request'],
  RequestBodyTooLarge: ['STORAGE_TOO_LARGE', 'the server does not take blobs of this size'],
}

export const ABS_BY_STATUS: Readonly<Record<number, Meaning>> = {
  401: ABS_BY_CODE.InvalidAuthenticationInfo!,
  403: ABS_BY_CODE.AuthorizationFailure!,
  408: ABS_BY_CODE.OperationTimedOut!,
  412: CHANGED,
  429: SLOW,
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
}
