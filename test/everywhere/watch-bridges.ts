import type { Bridge } from './report.ts'

/** What really suspends SQLite, seen from outside of the package. */
export interface BridgeWatch {
  /** How often each bridge has suspended it. A copy. */
  suspensions(): Readonly<Record<Bridge, number>>
  /** How often an instance's memory has grown between two of its suspensions. */
  grownBetween(): number
}

type Call = (...args: number[]) => Promise<number>
type Instantiate = (module: unknown, imports?: Imports) => Promise<{ readonly exports: Exports }>
type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>
type Exports = Readonly<Record<string, unknown>>

interface Watched {
  Suspending?: new (call: Call) => object
  instantiate: Instantiate
}

/** The memory of the instance that imports a function: known when that is instantiated. */
interface Place {
  memory?: WebAssembly.Memory
}

/** Watch all that this realm instantiates from now on. */
export function watchBridges(): BridgeWatch {
  const wasm = WebAssembly as unknown as Watched
  const counts: Record<Bridge, number> = { jspi: 0, asyncify: 0 }
  const bytes = new WeakMap<WebAssembly.Memory, number>()
  let grown = 0
  const count = (bridge: Bridge, memory: WebAssembly.Memory): void => {
    counts[bridge]++
    const size = memory.buffer.byteLength
    if (size > (bytes.get(memory) ?? size)) grown++
    bytes.set(memory, size)
  }
  const places = watchJspi(wasm, (memory) => count('jspi', memory))
  watchAsyncify(wasm, places, (memory) => count('asyncify', memory))
  return { suspensions: () => ({ ...counts }), grownBetween: () => grown }
}

type OnSuspend = (memory: WebAssembly.Memory) => void

/** @returns where each suspending import belongs to, for the one that finds out */
function watchJspi(wasm: Watched, onSuspend: OnSuspend): WeakMap<object, Place> {
  const places = new WeakMap<object, Place>()
  const { Suspending } = wasm
  if (Suspending === undefined) return places
  wasm.Suspending = new Proxy(Suspending, {
    construct: (target, [call]: [Call]) => {
      const place: Place = {}
      const made = new target((...args) => {
        onSuspend(place.memory!)
        return call(...args)
      })
      places.set(made, place)
      return made
    },
  })
  return places
}

function watchAsyncify(wasm: Watched, places: WeakMap<object, Place>, onSuspend: OnSuspend): void {
  const instantiate = wasm.instantiate.bind(WebAssembly)
  wasm.instantiate = async (module, imports = {}) => {
    const given = Object.values(imports).flatMap((each) => Object.values(each))
    const memory = given.find((each) => each instanceof WebAssembly.Memory)
    for (const each of given) {
      const place = places.get(each as object)
      if (place && memory) place.memory = memory
    }
    const instance = await instantiate(module, imports)
    const unwind = instance.exports?.asyncify_start_unwind
    if (typeof unwind !== 'function' || memory === undefined) return instance
    const counted = (data: number): void => {
      onSuspend(memory)
      unwind(data)
    }
    return { exports: { ...instance.exports, asyncify_start_unwind: counted } }
  }
}
