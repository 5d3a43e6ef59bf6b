/** A place for text: stdout or stderr, or what a test collects. */
export interface Output {
  write(text: string): void
  /** Wait until what was written has left the process; absent where nothing is buffered. For who writes without end. */
  drain?(): Promise<void>
  /** A person reads this as it comes. */
  readonly isTTY: boolean
  /** Width of the terminal now; undefined when it is none. */
  readonly columns?: number | undefined
}

export type SignalName = 'SIGINT' | 'SIGTERM'

/** Everything a command knows of the world besides files and the network. */
export interface CliIO {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Milliseconds since the Unix epoch. */
  now(): number
  /**
   * Hear about SIGINT and SIGTERM, in place of being ended by them.
   *
   * @returns stop hearing; from then on they end the process again
   */
  onSignal(listener: (name: SignalName) => void): () => void
  /** A person sits at both ends: input and output are terminals. */
  isInteractive(): boolean
  /** The lines of the input, which is no terminal. */
  inputLines(): AsyncIterable<string>
  /** Talk to the person. */
  openTerminal(): Terminal
}

/** A person who types lines, with history and editing. */
export interface Terminal {
  prompt(text: string): void
  /** Lines as they are typed, until Ctrl-D. */
  lines(): AsyncIterable<string>
  /** Hear Ctrl-C, in place of being ended by it. */
  onInterrupt(listener: () => void): void
  close(): void
}

/** Write text and a newline. */
export function print(output: Output, text: string): void {
  output.write(`${text}\n`)
}

/** Write a value as Litestream prints its JSON documents: two spaces deep, one newline behind. */
export function printJSON(output: Output, value: unknown): void {
  print(output, JSON.stringify(value, undefined, 2))
}
