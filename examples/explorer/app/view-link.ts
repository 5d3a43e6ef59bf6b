import { formatTXID, parseTXID, type TXID } from '../../../entry/web.ts'

/** What a link to a view says. */
export interface ViewLink {
  readonly url: string
  readonly sql: string
  readonly at: TXID | undefined
  readonly base: TXID | undefined
}

/** Read the part of an address behind its `#`. What makes no sense is left out. */
export function parseViewLink(hash: string): ViewLink {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  return {
    url: fields.get('url') ?? '',
    sql: fields.get('sql') ?? '',
    at: txidOf(fields.get('at')),
    base: txidOf(fields.get('base')),
  }
}

/** The part of an address behind its `#`. Of the replica's URL, what may be a secret (user, query) is not in it. */
export function formatViewLink({ url, sql, at, base }: ViewLink): string {
  const fields = new URLSearchParams()
  if (url !== '') fields.set('url', withoutSecrets(url))
  if (at !== undefined) fields.set('at', formatTXID(at))
  if (base !== undefined) fields.set('base', formatTXID(base))
  if (sql !== '') fields.set('sql', sql)
  return `#${fields}`
}

function withoutSecrets(text: string): string {
  if (!URL.canParse(text)) return ''
  const { origin, pathname } = new URL(text)
  return origin + pathname
}

function txidOf(text: string | null): TXID | undefined {
  return text === null ? undefined : parseTXID(text)
}
