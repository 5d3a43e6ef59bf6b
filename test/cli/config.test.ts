import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countRows, type Scene, syncedScene } from './scene.ts'
import { cli, start, tempDir, until } from './support.ts'

/** A synced database, and a configuration file that has it, a second one, and a folder. */
async function configured(): Promise<Scene & { readonly config: string }> {
  const scene = await syncedScene()
  const config = join(scene.dir, 'litestream.yml')
  const text = `dbs:
  - path: ${scene.db}
    replica: {path: $REPLICA}
  - path: ${scene.dir}/second.db
    meta-path: ${scene.dir}/meta
    replica: {url: "s3://bucket/second"}
  - dir: ${scene.dir}/many
    pattern: "*.db"
    replica: {type: gs, bucket: b}
`
  writeFileSync(config, text)
  return { ...scene, config }
}

const envOf = (scene: Scene) => ({ REPLICA: scene.replicaDir })

describe('databases', () => {
  it('lists what the file has, a folder as its pattern', async () => {
    const scene = await configured()
    const env = { ...envOf(scene), LITESTREAM_CONFIG: scene.config }
    const { code, stdout, stderr } = await cli(['databases', '-json'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual([
      { path: scene.db, replica: 'file' },
      { path: join(scene.dir, 'second.db'), replica: 's3' },
      { path: join(scene.dir, 'many/*.db'), replica: 'gs' },
    ])
    const table = await cli(['databases', '-config', scene.config], { env })
    expect(table.stdout.split('\n').map((line) => line.trim().split(/ +/))).toContainEqual([scene.db, 'file'])
  })

  it('tells every mistake on a line of its own, and warnings', async () => {
    const config = join(tempDir(), 'c.yml')
    writeFileSync(config, 'exce: a\naddr: nowhere\nl0-retention: soon\n')
    const bad = await cli(['databases', '-config', config])
    expect(bad.code).toBe(1)
    expect(bad.stderr.split('\n').slice(0, 2)).toEqual([
      `Error: ${config}:2:7: addr: expected host:port or :port, got "nowhere"`,
      `${config}:3:15: l0-retention: expected a duration such as 1m, 0s or more, got "soon"`,
    ])
    writeFileSync(config, 'exce: a\n')
    const { code, stdout, stderr } = await cli(['databases', '-json', '-config', config])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[]\n' })
    expect(stderr).toContain(`Warning: ${config}:1:1: unknown key "exce", which is ignored; did you mean exec?`)
  })

  it('with -no-expand-env a $ stays', async () => {
    const scene = await configured()
    const { stdout } = await cli(['ltx', '-config', scene.config, '-no-expand-env', scene.db], {
      env: envOf(scene),
      cwd: scene.dir,
    })
    expect(stdout.split('\n')).toHaveLength(2) // ./$REPLICA is empty: the header alone
  })
})

describe('a database of the configuration file stands for its replica', () => {
  it('ltx, query, shell, catalog', async () => {
    const scene = await configured()
    const env = envOf(scene)
    const args = ['-config', scene.config]
    const files = await cli(['ltx', '-json', ...args, scene.db], { env })
    expect(JSON.parse(files.stdout)).toEqual(JSON.parse((await cli(['ltx', '-json', scene.url])).stdout))
    const rows = await cli(['query', '-format', 'json', ...args, scene.db, 'select count(*) as n from t'], { env })
    expect(rows.stdout).toContain('3')
    const shell = await cli(['shell', ...args, 'app.db'], {
      env,
      cwd: scene.dir,
      input: 'select count(*) as n from t;',
    })
    expect(shell.stdout).toContain('3')
    const catalog = await cli(['catalog', '-o', '-', ...args, scene.db], { env })
    expect(catalog.code).toBe(0)
  })

  it('serve', async () => {
    const scene = await configured()
    const args = ['serve', '-addr', '127.0.0.1:0', '-config', scene.config, `app=${scene.db}`]
    const serving = start(args, { env: envOf(scene) })
    await until('it serves', () => serving.text.stdout.includes('msg=serving'))
    const [, url] = /at=(\S+)/.exec(serving.text.stdout)!
    expect((await fetch(`${url}/litetap/catalog.json`)).status).toBe(200)
    serving.signal('SIGINT')
    expect((await serving.outcome).code).toBe(0)
  })

  it('restore puts it where it was', async () => {
    const scene = await configured()
    for (const suffix of ['', '-wal', '-shm']) rmSync(scene.db + suffix, { force: true })
    const { code, stderr } = await cli(['restore', '-config', scene.config, scene.db], { env: envOf(scene) })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(countRows(scene.db)).toBe(3)
    const again = await cli(['restore', '-if-db-not-exists', '-config', scene.config, scene.db], { env: envOf(scene) })
    expect(again.stdout).toContain('database already exists')
    const plan = await cli(['restore', '-dry-run', '-json', '-config', scene.config, scene.db], { env: envOf(scene) })
    expect(JSON.parse(plan.stdout)).toMatchObject({ source: scene.db, target_path: scene.db, replica: 'file' })
  })

  it('status tells of all databases, or of one', async () => {
    const scene = await configured()
    const env = { ...envOf(scene), LITESTREAM_CONFIG: scene.config }
    const all = JSON.parse((await cli(['status', '-json'], { env })).stdout) as { database: string; status: string }[]
    expect(all.map(({ status }) => status)).toEqual(['ok', 'no database']) // the folder is not there: a warning
    const one = await cli(['status', '-json', '-config', scene.config, scene.db], { env })
    expect(JSON.parse(one.stdout)).toEqual([all[0]])
  })

  it('one that is named, and in a folder too, is listed once, as it is named', async () => {
    const scene = await syncedScene()
    const config = join(scene.dir, 'litestream.yml')
    const folder = `  - {dir: ${scene.dir}, pattern: "*.db", replica: {path: /nowhere}}`
    writeFileSync(config, `dbs:\n${folder}\n  - {path: ${scene.db}, replica: {path: ${scene.replicaDir}}}\n`)
    const status = await cli(['status', '-json', '-config', config])
    expect(JSON.parse(status.stdout)).toMatchObject([{ database: scene.db }])
    const doctor = await cli(['doctor', '-json', '-no-write', '-config', config])
    expect(JSON.parse(doctor.stdout)).toMatchObject([{ database: scene.db }])
    expect(doctor.stdout).toContain(scene.replicaDir)
  })

  it('one of a folder, by its own path', async () => {
    const scene = await syncedScene()
    const config = join(scene.dir, 'litestream.yml')
    const store = join(scene.dir, 'store')
    mkdirSync(store)
    renameSync(scene.replicaDir, join(store, 'app.db'))
    writeFileSync(config, `dbs:\n  - {dir: ${scene.dir}, pattern: "*.db", replica: {path: ${store}}}\n`)
    const { stdout } = await cli(['ltx', '-json', '-config', config, scene.db])
    expect(JSON.parse(stdout)).toHaveLength(1)
    const status = await cli(['status', '-json', '-config', config])
    expect(JSON.parse(status.stdout)).toMatchObject([{ database: scene.db, status: 'ok' }])
    const output = join(scene.dir, 'restored')
    expect(await cli(['restore', '-config', config, '-o', output, scene.db])).toMatchObject({ code: 0, stderr: '' })
    expect(countRows(output)).toBe(3)
  })

  it('reset finds the local state that the file names', async () => {
    const scene = await configured()
    writeFileSync(join(scene.dir, 'second.db'), 'x')
    const args = ['reset', '-config', scene.config, join(scene.dir, 'second.db')]
    expect((await cli(args, { env: envOf(scene) })).stdout).toContain(
      `Meta directory does not exist: ${scene.dir}/meta`,
    )
  })

  it('one that is not there is told', async () => {
    const scene = await configured()
    const { code, stderr } = await cli(['ltx', '-config', scene.config, '/other.db'], { env: envOf(scene) })
    expect(code).toBe(1)
    expect(stderr).toBe(
      `Error: database not found in ${scene.config}: /other.db\nTry: litetap databases -config ${scene.config}\n`,
    )
    const none = await cli(['ltx', 'app.db'], { env: { LITESTREAM_CONFIG: '/nowhere.yml' } })
    expect(none.stderr).toContain('/nowhere.yml: there is no such configuration file')
  })
})
