import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { insert, newScene, type Scene, syncedScene, syncOnce } from './scene.ts'
import { cli, spawnCli, until } from './support.ts'

const place = ({ replicaDir }: Scene): string => join(replicaDir, 'litetap/catalog.json')

interface Row {
  readonly name: string
  readonly size: number
}

/** What a catalog says, read as JSON: names and sizes. */
function rowsOf(text: string): Row[] {
  const { files } = JSON.parse(text) as { files: [number, string, string, number, number][] }
  const txid = (hex: string) => hex.padStart(16, '0')
  return files.map(([level, min, max, size]) => ({ name: `${level}/${txid(min)}-${txid(max)}.ltx`, size }))
}

/** What lies in the replica's folder. */
function rowsOnDisk({ replicaDir }: Scene): Row[] {
  const dir = join(replicaDir, 'ltx')
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .sort()
    .flatMap((level) =>
      readdirSync(join(dir, level))
        .sort()
        .map((file) => `${level}/${file}`),
    )
    .filter((name) => name.endsWith('.ltx')) // not yet durable: `.tmp`
    .map((name) => ({ name, size: statSync(join(dir, name)).size }))
}

describe('catalog', () => {
  test('writes what there is, and says what it wrote', async () => {
    const scene = await syncedScene()
    const { code, stdout, stderr } = await cli(['catalog', scene.url])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^Wrote litetap\/catalog\.json of file:\/\/\S+\n2 files up to TXID 0000000000000001, \d+ B\n$/,
    )
    expect(rowsOf(readFileSync(place(scene), 'utf8'))).toEqual(rowsOnDisk(scene))
  })

  test('-o: to stdout or a file, and the replica is left alone', async () => {
    const scene = await syncedScene()
    const printed = await cli(['catalog', '-o', '-', scene.url])
    expect(rowsOf(printed.stdout)).toEqual(rowsOnDisk(scene))
    const saved = await cli(['catalog', '-o', 'c.json', '-layout', 's3', scene.url], { cwd: scene.dir })
    expect(saved).toMatchObject({ code: 0, stderr: '' })
    expect(saved.stdout).toMatch(/^Wrote c\.json\n2 files/)
    const text = readFileSync(join(scene.dir, 'c.json'), 'utf8')
    expect(text).toBe(printed.stdout.replace('"layout":"ltx"', '"layout":"s3"'))
    expect(existsSync(place(scene))).toBe(false)
    const failed = await cli(['catalog', '-o', 'no/c.json', scene.url], { cwd: scene.dir })
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Error: cannot write no\/c\.json: ENOENT/) })
  })

  test('of nothing there is none', async () => {
    const scene = newScene()
    expect(await cli(['catalog', scene.url])).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: cannot write a catalog of ${scene.url}: it has no LTX files\nTry: check the URL, or replicate a database to it first\n`,
    })
    expect(existsSync(scene.replicaDir)).toBe(false)
  })
})

describe('replicate -catalog', () => {
  test('-once: the catalog is as the replica is', async () => {
    const scene = newScene()
    await syncOnce(scene, '-catalog')
    insert(scene.db, 2)
    await syncOnce(scene, '-catalog', '-force-snapshot', '-enforce-retention')
    expect(rowsOf(readFileSync(place(scene), 'utf8'))).toEqual(rowsOnDisk(scene))
    expect(rowsOnDisk(scene).at(-1)!.name).toMatch(/^9\//)
  })

  test('follows the commits, and has the last ones when it ends', async () => {
    const scene = newScene(1)
    const { child, outcome } = spawnCli(['replicate', '-catalog', scene.db, scene.url])
    await until('the catalog', () => existsSync(place(scene)))
    for (let n = 0; n < 3; n++) {
      insert(scene.db, 1)
      await until('the commit in the catalog', () => {
        const [written, there] = [rowsOf(readFileSync(place(scene), 'utf8')), rowsOnDisk(scene)]
        return written.length > n + 1 && JSON.stringify(written) === JSON.stringify(there)
      })
    }
    insert(scene.db, 5)
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    expect(rowsOf(readFileSync(place(scene), 'utf8'))).toEqual(rowsOnDisk(scene))
  })

  test('a catalog that cannot be written is a warning, and the replica is complete', async () => {
    const scene = newScene(1)
    await syncOnce(scene)
    writeFileSync(join(scene.replicaDir, 'litetap'), 'no folder')
    insert(scene.db, 3)
    const stdout = await syncOnce(scene, '-catalog')
    expect(stdout).toContain('level=WARN msg="cannot keep the catalog current, trying on"')
    expect(stdout).toContain('msg="one-shot replication complete"')
  })
})
