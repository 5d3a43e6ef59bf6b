/** What one direction of an HTTP/1.1 connection is made of. Bodies are counted, not kept. */
export interface FlowEvents {
  /**
   * A message's head is complete.
   * @param head all of it, without the empty line
   * @returns how its body is delimited, where the head alone does not tell: `none`
   */
  head(startLine: string, head: string): 'none' | 'by-head'
  /** A message has ended, its body included. */
  end(): void
}

const HEAD_END = '\r\n\r\n'

type State =
  | { readonly in: 'head' | 'chunk-head' | 'trailers' | 'until-close' }
  | { readonly in: 'body' | 'chunk'; left: number }

/** Follows the messages of one direction of a connection: where heads and bodies begin and end (RFC 9112, 6.3). */
export class HttpFlow {
  readonly #events: FlowEvents
  /** Bytes of a head, a chunk's head or a trailer that is not complete yet. */
  #text = ''
  #state: State = { in: 'head' }

  constructor(events: FlowEvents) {
    this.#events = events
  }

  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      const state = this.#state
      if (state.in === 'until-close') return
      if (state.in === 'body' || state.in === 'chunk') {
        const taken = Math.min(state.left, bytes.length - at)
        state.left -= taken
        at += taken
        if (state.left === 0) this.#bodyRead(state.in)
        continue
      }
      at += this.#readText(bytes, at, state.in === 'head' ? HEAD_END : '\r\n')
    }
  }

  /** The other side closed: that ends a message whose body had no length. */
  close(): void {
    if (this.#state.in === 'until-close') this.#end()
  }

  /** @returns bytes used; handles the text if it is complete with them */
  #readText(bytes: Buffer, from: number, delimiter: string): number {
    const before = this.#text.length
    const text = this.#text + bytes.toString('latin1', from, from + 65536)
    const end = text.indexOf(delimiter, Math.max(0, before - delimiter.length))
    if (end === -1) {
      this.#text = text
      return text.length - before
    }
    this.#text = ''
    this.#textRead(text.slice(0, end))
    return end + delimiter.length - before
  }

  #textRead(text: string): void {
    if (this.#state.in === 'head') this.#headRead(text)
    else if (this.#state.in === 'trailers') {
      if (text === '') this.#end()
    } else {
      const size = Number.parseInt(text, 16)
      this.#state = size === 0 ? { in: 'trailers' } : { in: 'chunk', left: size + 2 } // and the line's end
    }
  }

  #headRead(text: string): void {
    const [startLine] = text.split('\r\n', 1)
    if (/^HTTP\/1\.1 1\d\d/.test(startLine!)) return // an interim reply; the real one follows
    const body = this.#events.head(startLine!, text) === 'none' ? undefined : bodyOf(text)
    if (body === undefined) this.#end()
    else this.#state = body
  }

  #bodyRead(kind: 'body' | 'chunk'): void {
    if (kind === 'chunk') this.#state = { in: 'chunk-head' }
    else this.#end()
  }

  #end(): void {
    this.#state = { in: 'head' }
    this.#events.end()
  }
}

/** How the body that follows a head ends; undefined when there is none. */
function bodyOf(head: string): State | undefined {
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return { in: 'chunk-head' }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length) return Number(length[1]) > 0 ? { in: 'body', left: Number(length[1]) } : undefined
  return head.startsWith('HTTP/') ? { in: 'until-close' } : undefined
}
