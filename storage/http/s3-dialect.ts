import type { ListedObject } from '../listing.ts'
import { type ListingDialect, sizeFrom } from './listing-dialect.ts'
import { textOf, type XmlElement } from './xml.ts'

/** ListObjectsV2, as S3 and all who speak its protocol have it; Google's XML API too. */
export const s3Dialect: ListingDialect = {
  root: 'ListBucketResult',
  query: ({ prefix, startAfter, token }) => ({
    'list-type': '2',
    prefix,
    'start-after': token === undefined ? startAfter : undefined,
    'continuation-token': token,
  }),
  page: (root) => {
    const objects = root.children.flatMap((child) => (child.name === 'Contents' ? [object(child)] : []))
    const truncated = textOf(root, 'IsTruncated')
    if ((truncated !== 'true' && truncated !== 'false') || !objects.every((each) => each !== undefined))
      return undefined
    return { objects, more: truncated === 'true', next: textOf(root, 'NextContinuationToken') }
  },
}

function object(element: XmlElement): ListedObject | undefined {
  const key = textOf(element, 'Key')
  const size = sizeFrom(textOf(element, 'Size'))
  const lastModified = Date.parse(textOf(element, 'LastModified') ?? '')
  return key === undefined || size === undefined || Number.isNaN(lastModified) ? undefined : { key, size, lastModified }
}
