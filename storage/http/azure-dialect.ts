import type { ListedObject } from '../listing.ts'
import type { Meaning } from '../meaning.ts'
import { type ListingDialect, sizeFrom } from './listing-dialect.ts'
import { textOf, type XmlElement } from './xml.ts'

/** List Blobs. It cannot start after a name: a level is listed whole. */
export const azureDialect: ListingDialect = {
  root: 'EnumerationResults',
  query: ({ prefix, token }) => ({ restype: 'container', comp: 'list', prefix, marker: token }),
  page: (root) => {
    const blobs = root.children.find((child) => child.name === 'Blobs')
    const objects = blobs?.children.flatMap((child) => (child.name === 'Blob' ? [object(child)] : []))
    if (!objects?.every((each) => each !== undefined)) return undefined
    const next = textOf(root, 'NextMarker')
    // No marker at all: it is cut short. An empty one: it is the last page.
    return next === undefined ? undefined : { objects, more: next !== '', next }
  },
}

/**
 * The oldest protocol, which is spoken to who names none, knows no range without an end.
 * A SAS token names one (`sv`).
 */
export const AZURE_HEADERS: Readonly<Record<string, string>> = { 'x-ms-version': '2021-12-02' }

const PRIVATE = 'there is no container {bucket} that may be read without a SAS token; give one, or make it public'

/** What Azure says. */
export const AZURE_MEANINGS: Readonly<Record<string, Meaning>> = {
  ContainerNotFound: ['STORAGE_NO_BUCKET', 'there is no container {bucket} at {endpoint}; correct its name'],
  ResourceNotFound: ['STORAGE_ACCESS_DENIED', PRIVATE],
  PublicAccessNotPermitted: ['STORAGE_ACCESS_DENIED', 'the account allows no public access; give a SAS token'],
  NoAuthenticationInformation: ['STORAGE_ACCESS_DENIED', PRIVATE],
  AuthenticationFailed: ['STORAGE_BAD_CREDENTIALS', 'the SAS token is damaged or has expired; make a new one'],
  AuthorizationFailure: [
    'STORAGE_ACCESS_DENIED',
    'the SAS token is missing, wrong or expired, or a firewall is in the way',
  ],
  AuthorizationPermissionMismatch: [
    'STORAGE_ACCESS_DENIED',
    'the SAS token does not allow that; make one for the container with the permissions read and list (sp=rl)',
  ],
  ServerBusy: ['STORAGE_THROTTLED', 'the server asks to slow down'],
}

function object(element: XmlElement): ListedObject | undefined {
  const key = textOf(element, 'Name')
  const properties = element.children.find((child) => child.name === 'Properties')
  const size = sizeFrom(properties && textOf(properties, 'Content-Length'))
  const lastModified = Date.parse((properties && textOf(properties, 'Last-Modified')) ?? '')
  return key === undefined || size === undefined || Number.isNaN(lastModified) ? undefined : { key, size, lastModified }
}
