// The read-only VFS that SQLite calls, in AssemblyScript. Built into trampoline-wasm.ts by tools/build-codec.ts;
// loaded by trampoline.ts.
//
// SQLite's function table holds these exports as they are, so between `sqlite3_step` and the import that suspends there
// is no JavaScript frame: what JSPI requires. The module works in SQLite's memory and has no data, no heap and no table
// of its own. A static module instead of functions made at run time, because Workers compile nothing at run time.
//
// Offsets are f64 towards JavaScript: a 64-bit integer would be a BigInt there, 80 ns in Firefox.

const SQLITE_OK: i32 = 0;
const SQLITE_READONLY: i32 = 8;
const SQLITE_INTERRUPT: i32 = 9;
const SQLITE_NOTFOUND: i32 = 12;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_ROW: i32 = 100;
const SQLITE_IOERR_DELETE_NOENT: i32 = 5898;
const SQLITE_OPEN_READONLY: i32 = 1;
const SQLITE_OPEN_MAIN_DB: i32 = 0x100;
/** The bits of xOpen's flags that say how to open: read-only, read-write, create. */
const ACCESS_MASK: i32 = 7;
const SQLITE_FCNTL_PRAGMA: i32 = 14;
/** `readNow` returns it for a page that is not at hand. */
const MISS: i32 = -1;
/** Where sqlite3_vfs keeps pAppData; the loader puts the address of the sqlite3_io_methods there. */
const VFS_APP_DATA: usize = 20;
const SECTOR_BYTES: i32 = 4096;

@external("env", "open") declare function open(name: usize): i32;
@external("env", "close") declare function close(): void;
@external("env", "size") declare function size(): f64;
/** Copy what is at hand: a result code, or MISS. */
@external("env", "readNow") declare function readNow(target: usize, length: i32, offset: f64): i32;
/** Suspends until the page is there. A result code. */
@external("env", "readLater") declare function readLater(target: usize, length: i32, offset: f64): i32;
@external("env", "pragma") declare function pragma(args: usize): i32;
@external("env", "random") declare function random(target: usize, length: i32): void;
/** Milliseconds since the Unix epoch. */
@external("env", "now") declare function now(): f64;
@external("env", "stackSave") declare function stackSave(): i32;
@external("env", "stackRestore") declare function stackRestore(pointer: i32): void;
@external("env", "step") declare function step(statement: usize): i32;
/** True when SQLite has run for so long that the event loop should go on. */
@external("env", "yieldDue") declare function yieldDue(): i32;
/** Suspends until it has; not 0 to stop the query. */
@external("env", "yieldNow") declare function yieldNow(): i32;
/** Not 0 to stop the query. */
@external("env", "stopped") declare function stopped(): i32;
/** What a statement that is being compiled will do: SQLITE_OK, or SQLITE_DENY to refuse it. */
@external("env", "authorize") declare function authorize(action: i32, first: usize, second: usize): i32;
/** Take the row that the statement stands on; not 0 to stop here. */
@external("env", "row") declare function row(statement: usize): i32;
@external("env", "scalar") declare function scalar(context: usize, count: i32, values: usize): void;

/** 1 while SQLite runs inside a call that may suspend, and not during a suspension. */
export let canSuspend: i32 = 0;

export function xRead(file: usize, target: usize, length: i32, offset: i64): i32 {
  const at = <f64>offset;
  const atOnce = readNow(target, length, at);
  if (atOnce != MISS) return atOnce;
  // Suspending outside of promising() would throw through C frames.
  if (!canSuspend) return SQLITE_INTERRUPT;
  // JSPI does not switch SQLite's shadow stack: what ran during the suspension may have moved it.
  const pointer = stackSave();
  canSuspend = 0;
  const result = readLater(target, length, at);
  canSuspend = 1;
  stackRestore(pointer);
  return result;
}

/** Temporary files and journals have other flags, or no name: all of that is memory in this build (TEMP_STORE=2). */
export function xOpen(vfs: usize, name: usize, file: usize, flags: i32, outFlags: usize): i32 {
  store<u32>(file, 0); // no methods: SQLite does not call xClose on what did not open
  if (!name || !(flags & SQLITE_OPEN_MAIN_DB)) return SQLITE_CANTOPEN;
  const result = open(name);
  if (result != SQLITE_OK) return result;
  if (outFlags) store<i32>(outFlags, (flags & ~ACCESS_MASK) | SQLITE_OPEN_READONLY);
  store<u32>(file, load<u32>(vfs + VFS_APP_DATA));
  return SQLITE_OK;
}

export function xClose(file: usize): i32 {
  close();
  return SQLITE_OK;
}

export function xFileSize(file: usize, out: usize): i32 {
  store<i64>(out, <i64>size());
  return SQLITE_OK;
}

export function xFileControl(file: usize, operation: i32, argument: usize): i32 {
  return operation == SQLITE_FCNTL_PRAGMA ? pragma(argument) : SQLITE_NOTFOUND;
}

// Nobody else writes to a pinned state: locks have nothing to exclude.
export function xLock(file: usize, level: i32): i32 { return SQLITE_OK; }
export function xUnlock(file: usize, level: i32): i32 { return SQLITE_OK; }
export function xCheckReservedLock(file: usize, out: usize): i32 {
  store<i32>(out, 0);
  return SQLITE_OK;
}

export function xWrite(file: usize, source: usize, length: i32, offset: i64): i32 { return SQLITE_READONLY; }
export function xTruncate(file: usize, length: i64): i32 { return SQLITE_READONLY; }
export function xSync(file: usize, flags: i32): i32 { return SQLITE_OK; }
export function xSectorSize(file: usize): i32 { return SECTOR_BYTES; }
export function xDeviceCharacteristics(file: usize): i32 { return 0; }

export function xDelete(vfs: usize, name: usize, syncDirectory: i32): i32 { return SQLITE_IOERR_DELETE_NOENT; }

/** There is no journal and no WAL beside the database. */
export function xAccess(vfs: usize, name: usize, flags: i32, out: usize): i32 {
  store<i32>(out, 0);
  return SQLITE_OK;
}

export function xFullPathname(vfs: usize, name: usize, capacity: i32, out: usize): i32 {
  for (let i: i32 = 0; i < capacity; i++) {
    const byte = load<u8>(name + i);
    store<u8>(out + i, byte);
    if (!byte) return SQLITE_OK;
  }
  return SQLITE_CANTOPEN;
}

export function xRandomness(vfs: usize, length: i32, target: usize): i32 {
  random(target, length);
  return length;
}

export function xSleep(vfs: usize, microseconds: i32): i32 { return SQLITE_OK; }

/** Days since the Julian epoch. */
export function xCurrentTime(vfs: usize, out: usize): i32 {
  store<f64>(out, now() / 86400000.0 + 2440587.5);
  return SQLITE_OK;
}

/** Milliseconds since the Julian epoch. */
export function xCurrentTimeInt64(vfs: usize, out: usize): i32 {
  store<i64>(out, <i64>now() + 210866760000000);
  return SQLITE_OK;
}

export function xGetLastError(vfs: usize, capacity: i32, out: usize): i32 { return SQLITE_OK; }

/** A scalar SQL function, whichever: sqlite3_user_data tells. */
export function xFunc(context: usize, count: i32, values: usize): void { scalar(context, count, values); }

/** Called by SQLite every so many steps of its machine. Not 0 stops the query. */
export function xProgress(argument: usize): i32 {
  if (!yieldDue()) return 0;
  if (!canSuspend) return stopped();
  const pointer = stackSave();
  canSuspend = 0;
  const result = yieldNow();
  canSuspend = 1;
  stackRestore(pointer);
  return result;
}

/** Called by SQLite for each thing that a statement will do, while it compiles the statement. */
export function xAuth(argument: usize, action: i32, first: usize, second: usize, database: usize, by: usize): i32 {
  return authorize(action, first, second);
}

/**
 * Step until there is no further row, or `row` has had enough: one promise for many rows.
 * Returns SQLITE_ROW when `row` stopped it, and otherwise what the last step returned.
 */
export function each(statement: usize): i32 {
  let result = step(statement);
  while (result == SQLITE_ROW && !row(statement)) result = step(statement);
  return result;
}
