import { createHash, timingSafeEqual } from 'node:crypto'
import { GatewayError } from './errors.ts'

/** Which databases a token may read. */
export interface Scope {
  /** True for the token that may read all databases, and the metrics. */
  readonly all: boolean
  includes(database: string): boolean
}

/** What an Authorization header is worth. */
export type Access = Scope | 'none' | 'wrong'

interface Entry {
  readonly digest: Buffer
  readonly scope: Scope
}

export const EVERYTHING: Scope = { all: true, includes: () => true }

const LEAST_LENGTH = 16
/** RFC 6750: what a bearer token may be made of. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/** The tokens that open a gateway. Their text is not kept. */
export class Tokens {
  readonly #entries: readonly Entry[]

  /**
   * One token a line (`;` ends a line, too): `TOKEN: NAME,NAME` or `TOKEN: *`. Empty lines and `#` comments are skipped.
   * @param databases the names there are
   * @throws GatewayError GATEWAY_BAD_TOKENS naming the line, never the token
   */
  constructor(text: string, databases: Iterable<string>) {
    const names = new Set(databases)
    const entries: Entry[] = []
    const digests = new Set<string>()
    for (const [at, line] of text.split(/\r?\n|;/).entries()) {
      if (/^\s*(#|$)/.test(line)) continue
      const entry = parseLine(line, at + 1, names)
      if (digests.has(entry.digest.toString('hex'))) throw bad(at + 1, 'the token is there twice')
      digests.add(entry.digest.toString('hex'))
      entries.push(entry)
    }
    if (entries.length === 0)
      throw new GatewayError('GATEWAY_BAD_TOKENS', 'There are no tokens: nobody could read', HINT)
    this.#entries = entries
  }

  /** What an Authorization header opens. It takes the same time for all tokens: each is compared, to its end. */
  check(authorization: string | undefined): Access {
    if (authorization === undefined) return 'none'
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    const digest = digestOf(token ?? '')
    let access: Access = 'wrong'
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) access = entry.scope
    return access
  }
}

const HINT = {
  hint: 'One token a line: "TOKEN: NAME,NAME", or "TOKEN: *" for all databases. Make one with: openssl rand -hex 32',
}

function parseLine(line: string, number: number, names: ReadonlySet<string>): Entry {
  const [, token = '', list = ''] = /^\s*(\S+?)\s*:\s*(.*?)\s*$/.exec(line) ?? []
  if (token === '') throw bad(number, 'it is not "TOKEN: NAME,NAME"')
  if (!TOKEN.test(token)) throw bad(number, 'a token is made of letters, digits and -._~+/ only')
  if (token.length < LEAST_LENGTH) throw bad(number, `a token has ${LEAST_LENGTH} characters at least`)
  return { digest: digestOf(token), scope: parseScope(list, number, names) }
}

function parseScope(list: string, number: number, names: ReadonlySet<string>): Scope {
  if (list === '*') return EVERYTHING
  const scope = new Set(list.split(',').map((name) => name.trim()))
  if (list === '') throw bad(number, 'it names no database')
  for (const name of scope) if (!names.has(name)) throw bad(number, `there is no database ${JSON.stringify(name)}`)
  return { all: false, includes: (database) => scope.has(database) }
}

function bad(line: number, why: string): GatewayError {
  return new GatewayError('GATEWAY_BAD_TOKENS', `Cannot use line ${line} of the tokens: ${why}`, HINT)
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
