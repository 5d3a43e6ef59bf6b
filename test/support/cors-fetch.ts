const SAFE_REPLY = new Set([
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
])
const SAFE_REQUEST = new Set(['accept', 'accept-language', 'content-language', 'range'])

/**
 * `fetch` as a page of `origin` has it in a browser: it asks before it sends unusual headers, gives no answer that does
 * not allow the page to see it, and hides headers that are not exposed (the Fetch standard's "CORS protocol").
 */
export function corsFetch(origin: string): typeof fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers)
    const unusual = [...headers.keys()].filter((name) => !SAFE_REQUEST.has(name)).sort()
    if (unusual.length > 0) await preflight(String(input), origin, unusual)
    headers.set('origin', origin)
    const reply = await fetch(input, { ...init, headers })
    if (!allows(reply, origin)) throw new TypeError('Failed to fetch')
    const exposed = listed(reply.headers.get('access-control-expose-headers'))
    const shown = [...reply.headers].filter(([name]) => SAFE_REPLY.has(name) || exposed.has(name) || exposed.has('*'))
    return new Proxy(reply, {
      get: (target, name) => {
        if (name === 'headers') return new Headers(shown)
        if (name === 'type') return 'cors'
        return Reflect.get(target, name, target)
      },
    })
  }
}

async function preflight(url: string, origin: string, headers: readonly string[]): Promise<void> {
  const asked = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': headers.join(',') }
  const reply = await fetch(url, { method: 'OPTIONS', headers: asked })
  await reply.body?.cancel()
  const allowed = listed(reply.headers.get('access-control-allow-headers'))
  const all = allowed.has('*') || headers.every((name) => allowed.has(name))
  if (!reply.ok || !allows(reply, origin) || !all) throw new TypeError('Failed to fetch')
}

function allows(reply: Response, origin: string): boolean {
  return ['*', origin].includes(reply.headers.get('access-control-allow-origin') ?? '')
}

function listed(header: string | null): Set<string> {
  return new Set(
    (header ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}
