import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { insert, newScene, type Scene, syncedScene, syncOnce } from './scene.ts'
import { cli, type InProcess, type InProcessOptions, spawnCli, start, until } from './support.ts'

const [APP, ALL] = ['app-secret-app-secret', 'all-secret-all-secret']

/** Serve in this process on a port that is free, until the test has looked. */
async function serving(
  args: readonly string[],
  options: InProcessOptions,
  look: (url: string, running: InProcess) => Promise<void>,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const running = start(['serve', '-addr', '127.0.0.1:0', ...args], options)
  await until('the address', () => /at=http/.test(running.text.stdout) || running.text.stderr !== '')
  const [, url = ''] = /at=(http:\/\/127\.0\.0\.1:\d+)\//.exec(running.text.stdout) ?? []
  try {
    await look(url, running)
  } finally {
    running.signal('SIGTERM')
  }
  return await running.outcome
}

const path = ({ url }: Scene, name: string): string => `${name}=${url}`

describe('serve', () => {
  test('says where, serves under the name, and ends at a signal', async () => {
    const scene = await syncedScene()
    const { code, stdout, stderr } = await serving([path(scene, 'app')], {}, async (url) => {
      expect((await fetch(`${url}/app/litetap/catalog.json`)).status).toBe(200)
      expect((await fetch(`${url}/replica/litetap/catalog.json`)).status).toBe(404)
      const queried = await (await fetch(`${url}/app/ltx/9/0000000000000001-0000000000000001.ltx`)).arrayBuffer()
      expect(Buffer.from(queried).subarray(0, 4).toString()).toBe('LTX1')
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`msg=serving database=app from=${scene.url} at=http://127.0.0.1:\\d+/app\n`))
    expect(stdout).toContain('level=WARN msg="no tokens: whoever can connect may read"')
    expect(stdout).toContain('msg="signal received, litetap shutting down" signal=SIGTERM')
    expect(stdout).toContain('msg="litetap shut down"')
  })

  test('a URL without a name is found by its last part', async () => {
    const scene = await syncedScene()
    const { code } = await serving([scene.url], {}, async (url) => {
      expect((await fetch(`${url}/replica/litetap/catalog.json`)).status).toBe(200)
    })
    expect(code).toBe(0)
  })

  test('the explorer is a page at /, with a link for each database', async () => {
    const scene = await syncedScene()
    const { code, stdout } = await serving(['-explorer', path(scene, 'app')], {}, async (url) => {
      const page = await fetch(url)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await page.text()).toContain('app.js')
      expect((await fetch(`${url}/app.js`)).headers.get('content-type')).toMatch(/^text\/javascript/)
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/msg=explore at="?http:\/\/127\.0\.0\.1:\d+\/#url=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fapp/)
  })

  test('tokens from a file or the environment, and neither is ever logged', async () => {
    const scene = await syncedScene()
    const text = `# readers\n${APP}: app\n${ALL}: *\n`
    writeFileSync(join(scene.dir, 'tokens'), text)
    const databases = [path(scene, 'app'), path(scene, 'other')]
    for (const [flags, options] of [
      [['-token-file', 'tokens'], { cwd: scene.dir }],
      [[], { env: { LITETAP_TOKENS: text } }],
    ] as const) {
      const look = async (url: string): Promise<void> => {
        const status = async (name: string, token?: string) =>
          (
            await fetch(`${url}/${name}/litetap/catalog.json`, {
              headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
            })
          ).status
        expect([await status('app'), await status('app', 'x')]).toEqual([401, 401])
        expect((await fetch(`${url}/app/litetap/catalog.json?token=${ALL}`)).status).toBe(401)
        expect([await status('app', APP), await status('other', APP)]).toEqual([200, 404])
        expect([await status('app', ALL), await status('other', ALL)]).toEqual([200, 200])
      }
      const { code, stdout } = await serving([...flags, '-log-level', 'trace', ...databases], options, look)
      expect(code).toBe(0)
      expect(stdout).toMatch(/msg=request method=GET path=\/app\/litetap\/catalog\.json address=\S+ status=401/)
      expect(stdout).not.toContain('secret')
      expect(stdout).not.toContain('no tokens')
    }
    const bad = await cli(['serve', path(scene, 'app')], { env: { LITETAP_TOKENS: `${APP}: nowhere` } })
    expect(bad.stderr).toMatch(/^Error: Cannot use line 1 of the tokens: there is no database "nowhere"\nTry: /)
    expect(bad.stderr).not.toContain(APP)
    const both = await cli(['serve', '-token-file', 'x', path(scene, 'app')], { env: { LITETAP_TOKENS: text } })
    expect(both.stderr).toBe('Error: cannot use -token-file and $LITETAP_TOKENS together\n')
    const absent = await cli(['serve', '-token-file', 'absent', path(scene, 'app')], { cwd: scene.dir })
    expect(absent.stderr).toMatch(/^Error: cannot read the tokens in absent: ENOENT[^\n]+\n$/)
    const empty = await cli(['serve', path(scene, 'app')], { env: { LITETAP_TOKENS: '' } })
    expect(empty.stderr).toMatch(/^Error: There are no tokens: nobody could read\nTry: /)
  })

  test('beyond this machine only with tokens, or when that is said', async () => {
    const scene = await syncedScene()
    const refused = await cli(['serve', '-addr', '0.0.0.0:0', path(scene, 'app')])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toBe(
      'Error: Refused to listen on 0.0.0.0:0: others than this machine could read, without a token\n' +
        'Try: Give tokens, or listen on 127.0.0.1; or say that everybody may read\n',
    )
    for (const [flags, env] of [
      [['-insecure-no-token'], {}],
      [[], { LITETAP_TOKENS: `${ALL}: *` }],
    ] as const) {
      const running = start(['serve', '-addr', '0.0.0.0:0', ...flags, path(scene, 'app')], { env })
      await until('the address', () => /at=http:\/\/0\.0\.0\.0:\d+/.test(running.text.stdout))
      running.signal('SIGINT')
      expect((await running.outcome).code).toBe(0)
    }
  })

  test('-origin, several times', async () => {
    const scene = await syncedScene()
    const flags = ['-origin', 'https://a.example', '-origin=https://b.example']
    await serving([...flags, path(scene, 'app')], {}, async (url) => {
      const allowed = async (origin: string) =>
        (await fetch(`${url}/health`, { headers: { origin } })).headers.get('access-control-allow-origin')
      const origins = ['https://a.example', 'https://b.example', 'https://c.example']
      expect(await Promise.all(origins.map(allowed))).toEqual([...origins.slice(0, 2), null])
    })
    const bad = await cli(['serve', '-addr', '127.0.0.1:0', '-origin', 'a.example', path(scene, 'app')])
    expect(bad.stderr).toMatch(/^Error: Cannot allow the origin "a\.example": it is none\nTry: /)
  })

  test('a store that cannot be read is a warning here, and no more than that for readers', async () => {
    const scene = newScene()
    writeFileSync(scene.replicaDir, 'no folder')
    const { stdout } = await serving([path(scene, 'app')], {}, async (url) => {
      const reply = await fetch(`${url}/app/litetap/catalog.json`)
      expect([reply.status, await reply.text()]).toEqual([502, 'The store cannot be read now\n'])
    })
    expect(stdout).toMatch(/level=WARN msg="a request failed" database=app error=.*replica/)
  })

  test('the process: a reader of a live database hears of a commit, a signal ends both in good order', async () => {
    const scene = newScene(1)
    await syncOnce(scene)
    const server = spawnCli(['serve', '-addr', '127.0.0.1:0', '-interval', '20ms', path(scene, 'app')])
    await until('the address', () => /at=http/.test(server.text.stdout))
    const [, url] = /at=(http:\S+)/.exec(server.text.stdout)!
    const events = await fetch(`${url}/litetap/events`)
    let text = ''
    const ended = (async () => {
      for await (const chunk of events.body!) text += new TextDecoder().decode(chunk)
    })()
    await until('the first', () => text.includes('id: 0000000000000001\n'))
    insert(scene.db, 1)
    await syncOnce(scene)
    await until('the second', () => text.includes('id: 0000000000000002\n'))
    server.child.kill('SIGTERM')
    await ended
    expect(await server.outcome).toMatchObject({ code: 0, stderr: '' })
  })
})
