import { createInterface } from 'node:readline'
import type { CliIO, Output, SignalName, Terminal } from './io.ts'

export interface ProcessIO extends CliIO {
  /** Wait until everything written has left the process. */
  flush(): Promise<void>
  /** True when text was lost for another reason than a reader that went away. */
  outputFailed(): boolean
}

/** The world of this process. */
export function processIO(): ProcessIO {
  let failed = false
  const output = (stream: NodeJS.WriteStream): Output => {
    // A log pipe that breaks must end neither a listing with a stack trace nor a final sync half way.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') failed = true
    })
    return {
      write: (text) => void stream.write(text),
      drain: () => drained(stream),
      isTTY: stream.isTTY === true && process.env.TERM !== 'dumb',
      get columns() {
        return stream.isTTY ? stream.columns : undefined
      },
    }
  }
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    onSignal,
    isInteractive: () => process.stdin.isTTY === true && process.stdout.isTTY === true,
    inputLines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    openTerminal,
    flush: async () => void (await Promise.all([process.stdout, process.stderr].map(drained))),
    outputFailed: () => failed,
  }
}

const HISTORY_LINES = 1000

function openTerminal(): Terminal {
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: HISTORY_LINES })
  return {
    prompt: (text) => {
      lines.setPrompt(text)
      lines.prompt()
    },
    lines: () => lines,
    onInterrupt: (listener) => {
      lines.on('SIGINT', () => {
        process.stdout.write('^C\n')
        // What was typed is given up: to the line's end, then all before.
        lines.write(null, { ctrl: true, name: 'e' })
        lines.write(null, { ctrl: true, name: 'u' })
        listener()
      })
    },
    close: () => lines.close(),
  }
}

function onSignal(listener: (name: SignalName) => void): () => void {
  const names: readonly SignalName[] = ['SIGINT', 'SIGTERM']
  for (const name of names) process.on(name, listener)
  return () => {
    for (const name of names) process.off(name, listener)
  }
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve()
    else stream.write('', () => resolve())
  })
}
