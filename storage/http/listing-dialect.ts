import type { ListingPage } from '../listing.ts'
import type { HttpRequest } from './connection.ts'
import type { XmlElement } from './xml.ts'

/** How one kind of store is asked for a page of its listing, and how it answers. */
export interface ListingDialect {
  query(page: {
    readonly prefix: string
    /** Only keys that sort after this one; who cannot do that ignores it. */
    readonly startAfter: string | undefined
    readonly token: string | undefined
  }): NonNullable<HttpRequest['query']>
  /** The answer's root element. */
  readonly root: string
  /** Undefined if something that must be there is not. */
  page(root: XmlElement): ListingPage | undefined
}

/** A size, which must be digits; undefined if it is not. */
export function sizeFrom(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
