import type { TrampolineExports } from '../trampoline/trampoline.ts'
import type { Heap } from './heap.ts'
import type { Scratch } from './scratch.ts'
import type { SqliteExports } from './sqlite-exports.ts'

/** The name under which SQLite knows the VFS. It is the default one. */
const VFS_NAME = 'litetap'
/** The longest file name. Ours is one name. */
const MAX_PATHNAME = 512
/** Bytes of our sqlite3_file: one pointer, its methods; twice the room. */
const FILE_BYTES = 8

/** sqlite3_io_methods version 1: an i32 version, then these, four bytes each. */
const FILE_METHODS = [
  'xClose',
  'xRead',
  'xWrite',
  'xTruncate',
  'xSync',
  'xFileSize',
  'xLock',
  'xUnlock',
  'xCheckReservedLock',
  'xFileControl',
  'xSectorSize',
  'xDeviceCharacteristics',
] as const

/** sqlite3_vfs version 2: the offsets of its methods. Those for loading extensions stay null. */
const VFS_METHODS = {
  xOpen: 24,
  xDelete: 28,
  xAccess: 32,
  xFullPathname: 36,
  xRandomness: 56,
  xSleep: 60,
  xCurrentTime: 64,
  xGetLastError: 68,
  xCurrentTimeInt64: 72,
} as const
const VFS_BYTES = 88

/** Put a wasm function into SQLite's function table, as it is. @returns what C calls a pointer to it */
export function functionPointer(sqlite: SqliteExports, f: unknown): number {
  const index = sqlite.__indirect_function_table.grow(1)
  sqlite.__indirect_function_table.set(index, f)
  return index
}

/**
 * Make the trampoline SQLite's VFS. The structures live as long as the instance.
 * @returns a result code
 * @throws VfsError VFS_NO_MEMORY
 */
export function registerVfs(
  sqlite: SqliteExports,
  { heap, scratch }: { readonly heap: Heap; readonly scratch: Scratch },
  trampoline: TrampolineExports,
): number {
  const methods = scratch.allocate(4 + 4 * FILE_METHODS.length)
  const vfs = scratch.allocate(VFS_BYTES)
  const name = scratch.allocateText(VFS_NAME).address
  heap.bytes.fill(0, vfs, vfs + VFS_BYTES)
  const put = (address: number, value: number): void => heap.view.setUint32(address, value, true)
  put(methods, 1)
  for (const [i, method] of FILE_METHODS.entries()) {
    put(methods + 4 + 4 * i, functionPointer(sqlite, trampoline[method]))
  }
  put(vfs, 2)
  put(vfs + 4, FILE_BYTES)
  put(vfs + 8, MAX_PATHNAME)
  put(vfs + 16, name)
  put(vfs + 20, methods) // pAppData: xOpen hands it to each file
  for (const [method, offset] of Object.entries(VFS_METHODS)) {
    put(vfs + offset, functionPointer(sqlite, trampoline[method as keyof typeof VFS_METHODS]))
  }
  return sqlite.sqlite3_vfs_register(vfs, 1)
}
