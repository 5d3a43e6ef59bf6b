/** One server-sent event. */
export interface ServerEvent {
  readonly type: string
  readonly data: string
  /** The last id that was given, by this event or one before. */
  readonly id: string
}

/** What a line may have, before the stream is given up as none of events. */
const LONGEST_LINE = 64 * 1024

/** Reads an event stream (HTML 9.2.6), whatever pieces it comes in. */
export class EventParser {
  readonly #decoder = new TextDecoder()
  #rest = ''
  #type = ''
  #data: string[] = []
  #id = ''

  /** @throws RangeError for a line without an end */
  push(chunk: Uint8Array): ServerEvent[] {
    this.#rest += this.#decoder.decode(chunk, { stream: true })
    // A CR at the end may be half of a CRLF: it waits for what follows.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop()!
    if (this.#rest.length > LONGEST_LINE)
      throw new RangeError(`The event stream has a line of more than ${LONGEST_LINE} characters`)
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch()
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data.push(value)
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    return undefined
  }

  #dispatch(): ServerEvent | undefined {
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id }
    const empty = this.#data.length === 0
    this.#type = ''
    this.#data = []
    return empty ? undefined : event
  }
}
