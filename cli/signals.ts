import { CliError } from './errors.ts'
import type { CliIO, SignalName } from './io.ts'

/** What SIGINT and SIGTERM mean to one command. */
export interface Signals {
  /** Aborted by the first signal: end in good order. */
  readonly stop: AbortSignal
  /** Aborted by the second one: give up what is still being tried. */
  readonly force: AbortSignal
  /** The first signal that came, if one did. */
  readonly received: SignalName | undefined
  /** Settles with the first signal. */
  readonly first: Promise<SignalName>
  /** Hear every signal from now on. */
  forward(listener: (name: SignalName) => void): void
  /** Stop hearing: signals end the process again. */
  close(): void
}

export function watchSignals(io: Pick<CliIO, 'onSignal'>): Signals {
  const stop = new AbortController()
  const force = new AbortController()
  const first = Promise.withResolvers<SignalName>()
  const listeners: ((name: SignalName) => void)[] = []
  let received: SignalName | undefined
  const close = io.onSignal((name) => {
    for (const listener of listeners) listener(name)
    if (received === undefined) {
      received = name
      first.resolve(name)
      stop.abort()
    } else {
      force.abort()
    }
  })
  return {
    stop: stop.signal,
    force: force.signal,
    get received() {
      return received
    },
    first: first.promise,
    forward: (listener) => void listeners.push(listener),
    close,
  }
}

/** The error of a command that a signal ended early, with a shell's exit code for it. */
export function interrupted(name: SignalName): CliError {
  return new CliError('CLI_INTERRUPTED', `interrupted by ${name}`, { exitCode: name === 'SIGINT' ? 130 : 143 })
}

/**
 * Rejects with the first signal, and does nothing else: what is under way is ended by its owner, in the one place that
 * does so.
 */
export async function interruption(signals: Signals): Promise<never> {
  throw interrupted(await signals.first)
}

/** Rejects with the second signal, also when it has come already: what does not end by itself is left behind. */
export function forced(signals: Signals): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => reject(interrupted(signals.received ?? 'SIGTERM'))
    if (signals.force.aborted) giveUp()
    else signals.force.addEventListener('abort', giveUp, { once: true })
  })
}

/** Let the first signal abort the work, so that it ends in good order. */
export async function untilSignal<T>(
  io: Pick<CliIO, 'onSignal'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signals = watchSignals(io)
  try {
    return await Promise.race([work(signals.stop), forced(signals)])
  } catch (error) {
    throw signals.received === undefined ? error : interrupted(signals.received)
  } finally {
    signals.close()
  }
}
