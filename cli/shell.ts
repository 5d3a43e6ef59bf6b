import { defineCommand } from './command.ts'
import { errorMessage, hintOf, usageError } from './errors.ts'
import type { CliIO } from './io.ts'
import { print } from './io.ts'
import { SHELL_USAGE } from './query-usage.ts'
import { openReader, READER_FLAGS } from './reader.ts'
import { ShellSession } from './shell-session.ts'
import { untilSignal } from './signals.ts'
import { SqlLines } from './sql-lines.ts'

const EXAMPLE = 'litetap shell s3://bucket/prefix'
const PROMPT = 'litetap> '
const MORE = '    ...> '

export const shell = defineCommand({
  name: 'shell',
  usage: SHELL_USAGE,
  flags: READER_FLAGS,
  async run(io, flags, args) {
    const [source = ''] = args
    if (source === '') throw usageError('replica URL required', EXAMPLE)
    if (args.length > 1) throw usageError('too many arguments', EXAMPLE)
    const reader = await untilSignal(io, (signal) => openReader(source, flags, { io, signal }))
    const session = new ShellSession(reader, io)
    try {
      return await (io.isInteractive() ? converse(session, io) : runAll(session, io))
    } finally {
      await session.close()
    }
  },
})

/** A person types. A failure is told, and the shell goes on. */
async function converse(session: ShellSession, io: CliIO): Promise<number> {
  const lines = new SqlLines()
  const terminal = io.openTerminal()
  let running: AbortController | undefined
  terminal.onInterrupt(() => {
    if (running) running.abort(new Error('interrupted'))
    else {
      lines.take()
      terminal.prompt(PROMPT)
    }
  })
  print(io.stdout, session.greeting())
  terminal.prompt(PROMPT)
  for await (const line of terminal.lines()) {
    running = new AbortController()
    try {
      if (!lines.pending && line.trim().startsWith('.')) {
        if ((await session.command(line.trim(), running.signal)) === 'quit') break
      } else for (const sql of lines.push(line)) await session.query(sql, running.signal)
    } catch (error) {
      report(io, error)
    }
    running = undefined
    terminal.prompt(lines.pending ? MORE : PROMPT)
  }
  terminal.close()
  return 0
}

/** Lines come from a file or a program: the first failure ends it. */
async function runAll(session: ShellSession, io: CliIO): Promise<number> {
  const lines = new SqlLines()
  await untilSignal(io, async (signal) => {
    for await (const line of io.inputLines()) {
      if (!lines.pending && line.trim().startsWith('.')) {
        if ((await session.command(line.trim(), signal)) === 'quit') return
      } else for (const sql of lines.push(line)) await session.query(sql, signal)
    }
    const rest = lines.take()
    if (rest !== '') await session.query(rest, signal)
  })
  return 0
}

function report(io: CliIO, error: unknown): void {
  print(io.stderr, `Error: ${errorMessage(error)}`)
  const hint = hintOf(error)
  if (hint !== undefined) print(io.stderr, `Try: ${hint}`)
}
