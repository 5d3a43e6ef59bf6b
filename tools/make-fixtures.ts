// Make test/fixtures/ with real Litestream programs. Their locations come from the environment:
//   LITESTREAM_0_5_15, LITESTREAM_0_5_16   the command line programs
//   LITESTREAM_VFS                         the loadable extension without `.so`; default: the litestream-vfs package
//   SQLITE3                                the sqlite3 shell that loads it; default `sqlite3`
// Each producer writes a few databases, one LTX file per change. What `litestream restore` makes of every TXID is the
// oracle: expected.json holds the hash of each image. Run: node tools/make-fixtures.ts [producer ...]
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

interface Fixture {
  readonly name: string
  readonly pageSize: number
  /** SQL of one LTX file each. */
  readonly steps: readonly string[]
}

const rows = (n: number, text: string) =>
  `with recursive c(i) as (select 1 union all select i + 1 from c where i < ${n}) insert into t select null, ${text} from c`

const FIXTURES: readonly Fixture[] = [
  {
    name: 'small-pages',
    pageSize: 512,
    steps: [
      `create table t (id integer primary key, v); ${rows(40, "'row ' || i")}`,
      `update t set v = 'changed' where id % 9 = 0`,
      rows(30, 'randomblob(200)'),
      'delete from t where id > 10; vacuum',
    ],
  },
  {
    name: 'default-pages',
    pageSize: 4096,
    steps: [
      `create table t (id integer primary key, v); create index i on t (v); ${rows(100, "'some text ' || i || ' ' || i * i")}`,
      `update t set v = 'changed ' || id where id between 20 and 25`,
      rows(4, 'randomblob(5000)'),
      'delete from t where id > 60; vacuum',
      `insert into t values (1000, 'after the vacuum')`,
    ],
  },
  {
    name: 'large-pages',
    pageSize: 65536,
    steps: [`create table t (id integer primary key, v); ${rows(300, "'row ' || i")}`, rows(1, 'zeroblob(100000)')],
  },
]

const root = join(import.meta.dirname, '../test/fixtures')
const env = { ...process.env }
delete env.AWS_CA_BUNDLE // its presence makes the extension refuse every S3 set-up, and is of no use here

function run(
  program: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  return execFileSync(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'], encoding: 'utf8', ...options })
}

/** Replicate with the command line program: one run per step, while the database stays open. */
function writeWithProgram(litestream: string, fixture: Fixture, directory: string): void {
  const path = join(directory, 'app.db')
  const url = `file://${directory}/replica`
  const db = new DatabaseSync(path)
  db.exec(`pragma page_size = ${fixture.pageSize}; pragma journal_mode = wal`)
  for (const [i, step] of fixture.steps.entries()) {
    db.exec(step)
    const snapshot = i === fixture.steps.length - 1 ? ['-force-snapshot'] : []
    run(litestream, ['replicate', '-once', ...snapshot, '-log-level', 'error', path, url])
  }
  db.close()
}

/** Write through the extension: one connection per step, which uploads when it closes. It knows 4096-byte pages only. */
function writeWithExtension(extension: string, fixture: Fixture, directory: string): void {
  const replica = join(directory, 'replica')
  mkdirSync(replica)
  for (const step of fixture.steps.slice(0, 3)) {
    const script = `.load ${extension}\n.open 'file:app.db?vfs=litestream'\n${step};\n`
    const settings = {
      LITESTREAM_REPLICA_URL: `file://${replica}`,
      LITESTREAM_WRITE_ENABLED: 'true',
      LITESTREAM_LOG_LEVEL: 'ERROR',
      LITESTREAM_LOG_FILE: join(directory, 'log'),
    }
    run(process.env.SQLITE3 ?? 'sqlite3', ['-bail'], { input: script, env: { ...env, ...settings } })
  }
}

/** Copy the LTX files of levels 0 and 9, and describe what they make. */
function collect(restorer: string, fixture: Fixture, directory: string, target: string) {
  const files: string[] = []
  for (const level of ['0', '9']) {
    const from = join(directory, 'replica/ltx', level)
    if (!existsSync(from)) continue
    for (const name of readdirSync(from).sort()) {
      cpSync(join(from, name), join(target, fixture.name, level, name))
      files.push(`${level}/${name}`)
    }
  }
  const images = files
    .filter((file) => file.startsWith('0/'))
    .map((file) => {
      const txid = file.slice(-20, -4)
      const output = join(directory, `restored-${txid}.db`)
      run(restorer, ['restore', '-txid', txid, '-o', output, `file://${directory}/replica`])
      const image = readFileSync(output)
      return { txid, size: image.length, sha256: createHash('sha256').update(image).digest('hex') }
    })
  return { name: fixture.name, pageSize: fixture.pageSize, files, images }
}

function make(
  producer: string,
  form: string,
  restorer: string,
  write: (fixture: Fixture, directory: string) => void,
): void {
  const target = join(root, producer)
  rmSync(target, { recursive: true, force: true })
  const databases = []
  for (const fixture of FIXTURES) {
    if (producer.includes('vfs') && fixture.pageSize !== 4096) continue
    const directory = mkdtempSync(join(tmpdir(), 'litetap-fixture-'))
    try {
      write(fixture, directory)
      databases.push(collect(restorer, fixture, directory, target))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  writeFileSync(join(target, 'expected.json'), `${JSON.stringify({ producer, form, databases }, undefined, 2)}\n`)
}

function fromEnvironment(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`Cannot make fixtures: set ${name} to the location of that program`)
  return value
}

const producers: Record<string, () => void> = {
  'litestream-0.5.15': () => {
    const program = fromEnvironment('LITESTREAM_0_5_15')
    make('litestream-0.5.15', 'legacy', program, (fixture, directory) => writeWithProgram(program, fixture, directory))
  },
  'litestream-0.5.16': () => {
    const program = fromEnvironment('LITESTREAM_0_5_16')
    make('litestream-0.5.16', 'block', program, (fixture, directory) => writeWithProgram(program, fixture, directory))
  },
  'litestream-vfs-0.5.17': () => {
    const packaged = () =>
      createRequire(import.meta.url)
        .resolve('litestream-vfs-linux-amd64/package.json')
        .replace('package.json', 'litestream-vfs')
    const extension = process.env.LITESTREAM_VFS ?? packaged()
    const restorer = fromEnvironment('LITESTREAM_0_5_16')
    make('litestream-vfs-0.5.17', 'block', restorer, (fixture, directory) =>
      writeWithExtension(extension, fixture, directory),
    )
  },
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(producers)
for (const name of wanted) {
  const producer = producers[name]
  if (!producer) throw new Error(`Cannot make fixtures of ${name}: choose from ${Object.keys(producers).join(', ')}`)
  producer()
}
