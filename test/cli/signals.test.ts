import { expect, test } from 'vitest'
import type { SignalName } from '../../cli/io.ts'
import { forced, interruption, watchSignals } from '../../cli/signals.ts'

function watched() {
  let send = (_: SignalName): void => {}
  const signals = watchSignals({
    onSignal: (listener) => {
      send = listener
      return () => {}
    },
  })
  return { signals, send: (name: SignalName) => send(name) }
}

test('the first signal interrupts, whether it comes before or after somebody waits for it', async () => {
  const { signals, send } = watched()
  const waiting = interruption(signals)
  send('SIGINT')
  await expect(waiting).rejects.toMatchObject({ code: 'CLI_INTERRUPTED', exitCode: 130 })
  await expect(interruption(signals)).rejects.toMatchObject({ code: 'CLI_INTERRUPTED', exitCode: 130 })
})

test('the second signal forces, whether it comes before or after somebody waits for it', async () => {
  const { signals, send } = watched()
  const waiting = forced(signals)
  send('SIGTERM')
  expect(signals.force.aborted).toBe(false)
  send('SIGINT')
  await expect(waiting).rejects.toMatchObject({ code: 'CLI_INTERRUPTED', exitCode: 143 })
  await expect(forced(signals)).rejects.toMatchObject({ code: 'CLI_INTERRUPTED', exitCode: 143 })
})
