import { ConnectionPool } from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { BRIDGES } from '../vfs/scene.ts'
import type { History } from './history.ts'
import { Expected } from './oracle.ts'
import { VirtualTime } from './virtual-time.ts'
import { World } from './world.ts'

const EPOCH = Date.UTC(2026, 5, 1)

/** A run that went wrong, with all that was done in it. */
export interface Failure {
  readonly seed: number
  readonly message: string
  readonly trace: readonly string[]
}

export interface Outcome {
  /** Results that were compared. */
  readonly compared: number
  /** Failures that were excused, by code. */
  readonly excused: ReadonlyMap<string, number>
  readonly failure: Failure | undefined
}

/** Load all that is loaded when it is first wanted, so that no seed is the first one. */
export async function warmUp(histories: readonly History[]): Promise<void> {
  const modules = await loadEngineModules()
  for (const bridge of BRIDGES) (await ConnectionPool.start(modules, { bridge })).close()
  for (const seed of WARMING) await runSeed(seed, histories)
}

const WARMING = [-1, -2, -3, -4]

/** Memories of runs that have ended: making them, and throwing them away, takes as long as all the rest of a run. */
const recycled: WebAssembly.Memory[] = []
const INITIAL_BYTES = 8 * 2 ** 20
const ZEROS = new Uint8Array(64 * 1024)

function recycle(memories: readonly WebAssembly.Memory[]): void {
  for (const memory of memories) {
    if (memory.buffer.byteLength !== INITIAL_BYTES) continue
    for (let at = 0; at < INITIAL_BYTES; at += ZEROS.length) {
      const part = new Uint8Array(memory.buffer, at, ZEROS.length)
      if (Buffer.compare(part, ZEROS) !== 0) part.fill(0) // what was never used stays so
    }
    recycled.push(memory)
  }
}

/** One run from its seed. Never throws. */
export async function runSeed(seed: number, histories: readonly History[]): Promise<Outcome> {
  const time = new VirtualTime(EPOCH)
  const unhandled: unknown[] = []
  const collect = (reason: unknown): void => {
    unhandled.push(reason)
  }
  const { Memory, instantiate } = WebAssembly
  const memories: WebAssembly.Memory[] = []
  // At once: another thread would take its own time.
  const instantiateNow = async (module: WebAssembly.Module, imports?: WebAssembly.Imports) =>
    new WebAssembly.Instance(module, imports)
  const memoryFor = function memory(descriptor: WebAssembly.MemoryDescriptor): WebAssembly.Memory {
    const memory = recycled.pop() ?? new Memory(descriptor)
    memories.push(memory)
    return memory
  }
  const world = new World(seed, histories, time, memories)
  process.on('unhandledRejection', collect)
  const { reportError } = globalThis
  Object.assign(globalThis, { reportError: (reported: unknown) => reported instanceof Expected || collect(reported) })
  Object.assign(WebAssembly, { Memory: memoryFor, instantiate: instantiateNow })
  time.install(seed)
  let error: unknown
  try {
    await time.run(world.live(), world.late)
  } catch (thrown) {
    error = thrown
  } finally {
    time.uninstall()
    Object.assign(globalThis, { reportError })
    Object.assign(WebAssembly, { Memory, instantiate })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', collect)
  }
  if (error === undefined) recycle(memories)
  const { compared, excused } = world.oracle
  const message =
    error !== undefined
      ? textOf(error)
      : unhandled.length > 0
        ? `Nobody hears of: ${unhandled.map(textOf).join('; ')}`
        : ''
  return { compared, excused, failure: message === '' ? undefined : { seed, message, trace: world.trace } }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'Wrong' || error.name === 'Stuck'
    ? `${error.name}: ${error.message}`
    : (error.stack ?? error.message)
}
