import { isLoopbackName } from './address.ts'
import { GatewayError } from './errors.ts'

export type Headers = Readonly<Record<string, string>>

const EXPOSED = 'accept-ranges, content-length, content-range, etag, retry-after'
const ALLOWED_HEADERS = 'authorization, if-none-match, if-range, last-event-id, range'
const PREFLIGHT_SECONDS = 86_400

/** Which pages in browsers may read. Never with cookies: there are none. */
export class Cors {
  readonly #any: boolean
  readonly #origins: ReadonlySet<string>
  readonly #loopback: boolean

  /**
   * @param origins `*`, or origins as browsers send them; undefined: pages that this machine serves itself
   * @throws GatewayError GATEWAY_BAD_OPTION
   */
  constructor(origins: readonly string[] | undefined) {
    for (const origin of origins ?? []) {
      if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) continue
      throw new GatewayError('GATEWAY_BAD_OPTION', `Cannot allow the origin ${JSON.stringify(origin)}: it is none`, {
        hint: 'https://app.example.com, without a path; or * for all',
      })
    }
    this.#any = origins?.includes('*') ?? false
    this.#origins = new Set(origins)
    this.#loopback = origins === undefined
  }

  /** What each reply carries. */
  headers(origin: string | undefined): Headers {
    if (this.#any) return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED }
    if (origin === undefined || !this.#allows(origin)) return { vary: 'origin' }
    return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' }
  }

  /** What the reply to a preflight carries besides: the same for every path, there or not. */
  preflight(): Headers {
    return {
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(PREFLIGHT_SECONDS),
    }
  }

  #allows(origin: string): boolean {
    if (this.#origins.has(origin)) return true
    return this.#loopback && URL.canParse(origin) && isLoopbackName(new URL(origin).host)
  }
}
