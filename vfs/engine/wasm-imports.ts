import type { Border, GuardedImport, GuardedImports } from './border.ts'
import type { Heap } from './heap.ts'

/** The stock build asks for this memory; 32768 pages of 64 KiB are the 2 GiB that it can address. */
const INITIAL_PAGES = 128
const MAXIMUM_PAGES = 32_768
const WASM_PAGE_BYTES = 65_536
/** Grow by at least a fifth, so that growing stays rare. */
const GROWTH = 1.2

/** "Function not implemented", as a Linux system call and as WASI say it. */
const ENOSYS = -52
const WASI_ENOSYS = 52

/** The memory that the stock build wants to be given. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES })
}

/**
 * What the stock sqlite3.wasm imports: a clock, a time zone and a heap that grows. Its system calls belong to file
 * systems that are never used; they answer that they are not implemented.
 *
 * @param now milliseconds since the Unix epoch
 */
export function wasmImports(
  module: WebAssembly.Module,
  options: {
    readonly memory: WebAssembly.Memory
    readonly heap: Heap
    readonly border: Border
    readonly now: () => number
  },
): GuardedImports {
  const { memory, heap, border, now } = options
  const known: Record<string, GuardedImport> = {
    emscripten_date_now: border.guard(now, 0),
    emscripten_get_now: border.guard(now, 0),
    emscripten_get_heap_max: border.guard(() => MAXIMUM_PAGES * WASM_PAGE_BYTES, 0),
    emscripten_resize_heap: border.guard((bytes: number) => growHeap(memory, bytes >>> 0), 0),
    environ_sizes_get: border.guard((count: number, size: number) => {
      heap.view.setUint32(count, 0, true)
      heap.view.setUint32(size, 0, true)
      return 0
    }, WASI_ENOSYS),
    environ_get: border.guard(() => 0, WASI_ENOSYS),
    _tzset_js: border.guard(() => undefined, undefined),
    clock_time_get: border.guard((_clock: number, _precision: bigint, out: number) => {
      heap.view.setBigUint64(out, BigInt(Math.round(now() * 1e6)), true)
      return 0
    }, WASI_ENOSYS),
    _localtime_js: border.guard((seconds: bigint, out: number) => {
      writeLocalTime(heap.view, Number(seconds), out)
      return undefined
    }, undefined),
  }
  const imports: Record<string, Record<string, GuardedImport | WebAssembly.Memory>> = {}
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {}
    const unknown = (): GuardedImport => border.guard(() => (from === 'env' ? ENOSYS : WASI_ENOSYS), ENOSYS)
    imports[from][name] = kind === 'memory' ? memory : (known[name] ?? unknown())
  }
  return imports
}

function growHeap(memory: WebAssembly.Memory, bytes: number): number {
  const now = memory.buffer.byteLength
  const wanted = Math.min(MAXIMUM_PAGES * WASM_PAGE_BYTES, Math.max(bytes, now * GROWTH))
  try {
    memory.grow(Math.ceil((wanted - now) / WASM_PAGE_BYTES))
    return 1
  } catch {
    return 0 // SQLite takes it from there: SQLITE_NOMEM
  }
}

/** Fill a C `struct tm`. */
function writeLocalTime(view: DataView, seconds: number, out: number): void {
  const date = new Date(seconds * 1000)
  const newYear = new Date(date.getFullYear(), 0, 1)
  const midnight = new Date(date.getFullYear(), date.getMonth(), date.getDate())
  const fields = [
    date.getSeconds(),
    date.getMinutes(),
    date.getHours(),
    date.getDate(),
    date.getMonth(),
    date.getFullYear() - 1900,
    date.getDay(),
    Math.round((midnight.getTime() - newYear.getTime()) / 86_400_000), // rounded: days of 23 and 25 hours
    0, // tm_isdst: SQLite does not read it
    -date.getTimezoneOffset() * 60,
  ]
  for (const [i, field] of fields.entries()) view.setInt32(out + 4 * i, field, true)
}
