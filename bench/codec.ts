// What the codec does per second, and what lz4-wasm does on the same pages in the same run.
// Run: node bench/codec.ts [page size]
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { codec } from '../ltx/codec/codec.ts'
import { Decoder, Encoder } from '../ltx/index.ts'

const pageSize = Number(process.argv[2] ?? 4096)
const ROUNDS = 15

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** An SQLite database as applications have them: text, integers, times, some blobs, two indexes. */
function databasePages(): Uint8Array[] {
  const next = random(1)
  const words =
    'alpha order customer invoice payment shipped pending street avenue london berlin tokyo red green'.split(' ')
  const word = () => words[Math.floor(next() * words.length)]!
  const db = new DatabaseSync(':memory:')
  db.exec(`pragma page_size = ${pageSize}; create table t (id integer primary key, name text, mail text, note text,
    state text, amount integer, at text, data blob); create index a on t (mail); create index b on t (at); begin`)
  const insert = db.prepare('insert into t (name, mail, note, state, amount, at, data) values (?, ?, ?, ?, ?, ?, ?)')
  for (let i = 0; i < 60_000; i++) {
    const name = `${word()} ${word()}`
    const note = Array.from({ length: 3 + Math.floor(next() * 12) }, word).join(' ')
    const data = next() < 0.3 ? Uint8Array.from({ length: 16 }, () => next() * 256) : null
    const at = new Date(1.7e12 + i * 61_000).toISOString()
    insert.run(name, `${name.replace(' ', '.')}${i}@example.com`, note, word(), Math.floor(next() * 1e6), at, data)
  }
  db.exec('commit')
  const bytes = db.serialize()
  db.close()
  return split(bytes)
}

function randomPages(): Uint8Array[] {
  const next = random(2)
  return split(Uint8Array.from({ length: 512 * 4096 }, () => next() * 256))
}

function split(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / pageSize) }, (_, i) =>
    bytes.slice(i * pageSize, (i + 1) * pageSize),
  )
}

interface Contender {
  compress(page: Uint8Array): Uint8Array
  decompress(block: Uint8Array): Uint8Array
}

const c = codec()
const ours: Contender = {
  compress(page) {
    c.bytes.set(page, c.page)
    return c.bytes.slice(c.frame, c.frame + c.lz4Compress(c.page, page.length, c.frame))
  },
  decompress(block) {
    c.bytes.set(block, c.frame)
    c.lz4Decompress(c.frame, block.length, c.page, pageSize)
    return c.bytes.slice(c.page, c.page + pageSize)
  },
}

/** lz4-wasm is packed for bundlers only: its JS imports a `.wasm`. So the module is started by hand. */
async function lz4Wasm(): Promise<Contender> {
  const directory = createRequire(import.meta.url)
    .resolve('lz4-wasm/package.json')
    .replace('package.json', '')
  const glue = readFileSync(`${directory}lz4_wasm_bg.js`, 'utf8').replace(
    /^import .*$/m,
    'export let wasm; export const start = (w) => { wasm = w }',
  )
  const js = await import(`data:text/javascript,${encodeURIComponent(glue)}`)
  const module = new WebAssembly.Module(readFileSync(`${directory}lz4_wasm_bg.wasm`))
  const imports: WebAssembly.Imports = {}
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: js[name] }
  }
  js.start(new WebAssembly.Instance(module, imports).exports)
  return { compress: js.compress, decompress: js.decompress }
}

/** Best of some rounds each, in MB of pages per second. They take turns, so that a busy machine slows them alike. */
function rates(pages: number, ...contenders: readonly (() => void)[]): number[] {
  const best = contenders.map(() => Number.POSITIVE_INFINITY)
  for (let i = 0; i < ROUNDS; i++) {
    for (const [k, contender] of contenders.entries()) {
      const start = performance.now()
      contender()
      best[k] = Math.min(best[k]!, performance.now() - start)
    }
  }
  return best.map((ms) => (pages * pageSize) / ms / 1000)
}

function blocksOf(pages: readonly Uint8Array[], contender: Contender) {
  const blocks = pages.map((page) => contender.compress(page))
  for (const [i, block] of blocks.entries()) {
    if (Buffer.compare(contender.decompress(block), pages[i]!) !== 0) throw new Error(`Page ${i} did not survive`)
  }
  const ratio = blocks.reduce((sum, block) => sum + block.length, 0) / (pages.length * pageSize)
  const compress = () => {
    for (const page of pages) contender.compress(page)
  }
  const decompress = () => {
    for (const block of blocks) contender.decompress(block)
  }
  return { ratio: ratio.toFixed(3), compress, decompress }
}

/** A whole LTX file: pages in, bytes out; and back. */
function fileOf(pages: readonly Uint8Array[]) {
  const header = {
    ...{ flags: 2, pageSize, commit: pages.length, minTXID: 1n, maxTXID: 1n, timestamp: 0, preApplyChecksum: 0n },
    ...{ walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0, nodeID: 0n },
  }
  const encode = (): Uint8Array[] => {
    const encoder = new Encoder(header)
    const chunks: Uint8Array[] = []
    for (const [i, page] of pages.entries()) {
      encoder.encodePage(i + 1, page)
      if (encoder.pendingBytes > 2 ** 18) chunks.push(encoder.take())
    }
    encoder.finish()
    return [...chunks, encoder.take()]
  }
  const chunks = encode()
  const decode = (): void => {
    const decoder = new Decoder()
    for (const chunk of chunks) {
      decoder.push(chunk)
      while (typeof decoder.nextPage() === 'object');
    }
    decoder.end()
  }
  return { encode, decode }
}

const rows: Record<string, Record<string, string>> = {}
function row(what: string, mine: number, theirs?: number): void {
  const speed = (rate?: number) => (rate === undefined ? '' : `${rate.toFixed(0)} MB/s`)
  const times = theirs === undefined ? '' : (mine / theirs).toFixed(2)
  rows[what] = { litetap: speed(mine), 'lz4-wasm': speed(theirs), times }
}

const peer = await lz4Wasm()
const inputs = { database: databasePages(), random: randomPages() }
for (const [name, pages] of Object.entries(inputs)) {
  const mine = blocksOf(pages, ours)
  const theirs = blocksOf(pages, peer)
  const file = fileOf(pages)
  const [a, b, c1, d, encode, decode] = rates(
    pages.length,
    mine.compress,
    theirs.compress,
    mine.decompress,
    theirs.decompress,
    file.encode,
    file.decode,
  )
  row(`${name}: compress (ratio ${mine.ratio} / ${theirs.ratio})`, a!, b)
  row(`${name}: decompress`, c1!, d)
  row(`${name}: encode LTX file`, encode!)
  row(`${name}: decode LTX file`, decode!)
}
const repeat = (action: () => void) => () => {
  for (let i = 0; i < 4096; i++) action()
}
const [crc, wal] = rates(
  4096,
  repeat(() => c.crc64(0n, c.page, pageSize)),
  repeat(() => c.walChecksum(0, 0, c.page, pageSize, true)),
)
row('crc64', crc!)
row('WAL checksum', wal!)
console.log(`node ${process.version} ${process.arch}, pages of ${pageSize} bytes, best of ${ROUNDS}`)
console.table(rows)
