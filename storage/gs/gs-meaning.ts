import type { Meaning } from '../meaning.ts'

/** What Google says in an error's `reason`. `{bucket}` and `{endpoint}` are filled in. */
export const GS_BY_REASON: Readonly<Record<string, Meaning>> = {
  authError: ['STORAGE_BAD_CREDENTIALS', 'the credentials were not accepted'],
  required: ['STORAGE_BAD_CREDENTIALS', 'the server wants credentials; set GOOGLE_APPLICATION_CREDENTIALS'],
  expired: ['STORAGE_BAD_CREDENTIALS', 'the credentials have expired'],
  forbidden: [
    'STORAGE_ACCESS_DENIED',
    'access to bucket {bucket} is denied; give the account the role Storage Object User (roles/storage.objectUser)',
  ],
  accountDisabled: ['STORAGE_ACCESS_DENIED', 'the account is disabled; look at its billing'],
  userProjectMissing: ['STORAGE_REFUSED', 'bucket {bucket} is "requester pays", which is not supported'],
  rateLimitExceeded: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  userRateLimitExceeded: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  quotaExceeded: ['STORAGE_THROTTLED', "the project's quota is used up for the moment"],
  conditionNotMet: ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else'],
  retentionPolicyNotMet: [
    'STORAGE_REFUSED',
    'a retention policy or hold of bucket {bucket} forbids to change or delete it before its time',
  ],
}

export const GS_BY_STATUS: Readonly<Record<number, Meaning>> = {
  401: GS_BY_REASON.authError!,
  403: GS_BY_REASON.forbidden!,
  404: ['STORAGE_NO_BUCKET', 'there is no bucket {bucket} at {endpoint}; create it or correct its name'],
  408: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  412: GS_BY_REASON.conditionNotMet!,
  413: ['STORAGE_TOO_LARGE', 'the server does not take objects of this size'],
  429: GS_BY_REASON.rateLimitExceeded!,
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
}
