import type { S3Client } from '@aws-sdk/client-s3'
import { answerCollector } from './collect-answer.ts'
import { hiddenHeaders, hiddenText } from './hide-secrets.ts'

/** What `LITESTREAM_S3_DEBUG` can name (features 5). */
export const S3_DEBUG_MODES = [
  'signing',
  'request',
  'request-with-body',
  'response',
  'response-with-body',
  'retries',
  'all',
] as const

/** Bodies are shown if they are text, up to here. */
const SHOWN_BODY_CHARS = 4096

const collect = answerCollector(60_000)

interface HttpRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  body?: unknown
}

/** The words of a `LITESTREAM_S3_DEBUG`; undefined if there are none. */
export function debugModes(text: string | undefined): string[] | undefined {
  const words = (text ?? '').split(/[\s,]+/).filter((word) => word !== '')
  return words.length > 0 ? words : undefined
}

/**
 * Have a client say on stderr what it sends and gets. Signatures, tokens and customer keys are not shown, nor is what
 * files hold: of bodies that are no text only the size.
 */
export function addDebug(client: S3Client, words: readonly string[]): void {
  if (words.length === 0) return
  for (const word of words) {
    if (!(S3_DEBUG_MODES as readonly string[]).includes(word)) {
      say(`LITESTREAM_S3_DEBUG: ${JSON.stringify(word)} is unknown; known are ${S3_DEBUG_MODES.join(', ')}`)
    }
  }
  const wants = (mode: string): boolean => words.includes(mode) || words.includes('all')
  addRequestLines(client, wants)
  if (wants('response') || wants('response-with-body')) addResponseLines(client, wants('response-with-body'))
}

function addRequestLines(client: S3Client, wants: (mode: string) => boolean): void {
  const body = wants('request-with-body')
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as HttpRequest
      if (wants('request') || body) say(`s3 request: ${head(request)}${headerText(request.headers)}`)
      if (body) say(`s3 request body: ${bodyText(request.body)}`)
      if (wants('signing')) say(`s3 signing: ${hiddenHeaders(request.headers).authorization ?? 'unsigned'}`)
      try {
        return await next(args)
      } catch (error) {
        const attempt = request.headers['amz-sdk-request'] ?? 'attempt=1'
        const { name, message } = error as Error
        if (wants('retries')) say(`s3 failed: ${head(request)}: ${attempt}: ${name}: ${hiddenText(message)}`)
        throw error
      }
    },
    // Within the retries and after signing: every attempt, as it is sent.
    { step: 'finalizeRequest', priority: 'low', name: 'litetapDebugRequest' },
  )
}

function addResponseLines(client: S3Client, withBody: boolean): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args)
      const response = result.response as HttpResponse
      say(`s3 response: ${response.statusCode}${headerText(response.headers)}`)
      if (withBody && (context.commandName !== 'GetObjectCommand' || response.statusCode >= 300)) {
        // Then the SDK gets this instead: it can be read only once.
        if (response.body) response.body = await collect(response.body)
        say(`s3 response body: ${bodyText(response.body)}`)
      }
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'litetapDebugResponse' },
  )
}

function head({ method, protocol, hostname, port, path, query = {} }: HttpRequest): string {
  const pairs = Object.entries(query).map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  const address = `${protocol}//${hostname}${port ? `:${port}` : ''}${path}`
  return hiddenText(`${method} ${address}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`)
}

function headerText(headers: Readonly<Record<string, string>>): string {
  return Object.entries(hiddenHeaders(headers))
    .map(([name, value]) => `; ${name}: ${value}`)
    .join('')
}

function bodyText(body: unknown): string {
  if (body === undefined) return 'none'
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? decode(body) : undefined
  if (text === undefined) return body instanceof Uint8Array ? `${body.length} bytes` : 'a stream'
  return text.length > SHOWN_BODY_CHARS ? `${hiddenText(text.slice(0, SHOWN_BODY_CHARS))}...` : hiddenText(text)
}

/** Undefined if it is no XML and no JSON. */
function decode(body: Uint8Array): string | undefined {
  if (body.length === 0) return ''
  const text = new TextDecoder().decode(body)
  return /^\s*[<{]/.test(text) ? text : undefined
}

function say(line: string): void {
  console.error(line)
}
