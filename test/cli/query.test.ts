import { describe, expect, test } from 'vitest'
import { openReplica } from '../../storage/node.ts'
import { sql, syncedScene, syncOnce } from './scene.ts'
import { cli, spawnCli, start, until } from './support.ts'

async function scene() {
  const made = await syncedScene(3)
  sql(
    made.db,
    'create table people (id integer primary key, name text, photo blob, score real)',
    `insert into people values (1, 'Ann, "the first"', x'00ff', 1.5), (2, 'Böb' || char(10) || 'x', null, 9007199254740993)`,
  )
  await syncOnce(made)
  return made
}

describe('query', () => {
  test('a table, JSON, CSV', async () => {
    const { url } = await scene()
    const query = 'select id, name, photo, score from people order by id'
    expect(await cli(['query', url, query])).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'id  name              photo  score',
        '1   Ann, "the first"  00ff   1.5',
        '2   Böb\\nx            NULL   9007199254740992',
        '',
      ].join('\n'),
    })
    const json = await cli(['query', '-format', 'json', url, `${query};`])
    expect(JSON.parse(json.stdout)).toEqual([
      { id: 1, name: 'Ann, "the first"', photo: '00ff', score: 1.5 },
      { id: 2, name: 'Böb\nx', photo: null, score: 9007199254740992 },
    ])
    const { stdout } = await cli(['query', '-format=csv', url, query])
    expect(stdout).toBe('id,name,photo,score\n1,"Ann, ""the first""",00ff,1.5\n2,"Böb\nx",,9007199254740992\n')
    expect((await cli(['query', '-format', 'json', url, 'select 9007199254740993 as n'])).stdout).toBe(
      '[\n  { "n": 9007199254740993 }\n]\n',
    )
  })

  test('no rows: a header, an empty array', async () => {
    const { url } = await scene()
    const nobody = 'select id, name from people where id > 9'
    expect((await cli(['query', url, nobody])).stdout).toBe('id  name\n')
    expect((await cli(['query', '-format', 'csv', url, nobody])).stdout).toBe('id,name\n')
    expect((await cli(['query', '-format', 'json', url, nobody])).stdout).toBe('[]\n')
  })

  test('-txid, -at: what was there before; -stats: what it cost', async () => {
    const { url } = await scene()
    const before = await cli([
      'query',
      '-txid',
      '0000000000000001',
      url,
      "select count(*) as n from sqlite_schema where name = 'people'",
    ])
    expect(before.stdout).toBe('n\n0\n')
    const future = await cli([
      'query',
      '-at',
      '2999-01-01T00:00:00Z',
      '-stats',
      url,
      'select count(*) as n from people',
    ])
    expect(future).toMatchObject({ code: 0, stdout: 'n\n2\n' })
    expect(future.stderr).toMatch(/^\d+ requests, [\d.]+ kB, \d+ round trips, \d+ ms\n$/)
    expect(await cli(['query', '-at', 'an hour ago', url, 'select 1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no state from before'),
    })
  })

  test.each([
    [['query'], 'replica URL required'],
    [['query', 'file:///tmp/x'], 'SQL required'],
    [['query', 'file:///tmp/x', 'select', '1'], 'too many arguments: put the SQL in quotes'],
    [['query', '-at', 'soon', 'file:///tmp/x', 'select 1'], 'invalid time soon'],
    [
      ['query', '-at', 'now', '-txid', '0000000000000001', 'file:///tmp/x', 'select 1'],
      'cannot use -at and -txid together',
    ],
    [['query', '-format', 'xml', 'file:///tmp/x', 'select 1'], 'must be table, json or csv'],
    [['query', '-max-bytes', 'lots', 'file:///tmp/x', 'select 1'], 'must be a size'],
    [['query', 's3//bucket', 'select 1'], 's3//bucket'],
  ])('%j: %s', async (args, message) => {
    const { code, stderr } = await cli(args)
    expect(code).toBe(1)
    expect(stderr).toContain(message)
  })

  test('no replica there: at once, unless -wait', async () => {
    const { url, db } = await scene()
    const absent = await cli(['query', `${url}-absent`, 'select 1'])
    expect(absent).toMatchObject({ code: 1, stdout: '' })
    expect(absent.stderr).toContain('nothing has been replicated')
    const waiting = start(['query', '-wait', '20s', `${url}-later`, 'select count(*) as n from people'])
    await syncOnce({ db, url: `${url}-later` } as never)
    expect(await waiting.outcome).toMatchObject({ code: 0, stdout: 'n\n2\n' })
  })

  test('bad SQL, a write, two statements: one line that says so', async () => {
    const { url } = await scene()
    const error = async (...args: string[]) => (await cli(['query', ...args])).stderr
    expect(await error(url, 'selec 1')).toBe('Error: near "selec": syntax error (SQLITE_ERROR)\n')
    expect(await error(url, 'delete from people')).toMatch(/^Error: attempt to write a readonly database/)
    expect(await error(url, 'select 1; select 2')).toMatch(/more than one statement/)
  })

  test('a query that would cost more than it may', async () => {
    const made = await scene()
    const numbers = 'with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)'
    sql(made.db, 'create table large (v)', `${numbers} insert into large select randomblob(500) from n`)
    await syncOnce(made)
    const sum = 'select sum(length(v)) as n from large'
    for (const [flag, value] of [
      ['-max-requests', '2'],
      ['-max-bytes', '50kB'],
      ['-max-round-trips', '1'],
    ] as const) {
      const { code, stderr } = await cli(['query', flag, value, made.url, sum])
      expect(code, flag).toBe(1)
      expect(stderr, flag).toMatch(/^Error: Cannot go on: the query needs more than the \d+ .* it may cost\nTry: /)
    }
    expect((await cli(['query', '-max-bytes', '5MB', made.url, sum])).stdout).toBe('n\n1500000\n')
  })

  test('-cache keeps pages for the next time', async () => {
    const { url, dir } = await scene()
    const args = [
      'query',
      '-cache',
      `${dir}/cache`,
      '-stats',
      url,
      'select count(*), max(name), sum(length(photo)) from people',
    ]
    const first = await cli(args)
    const second = await cli(args)
    expect(second.stdout).toBe(first.stdout)
    // In one round: what comes next, and whether the state that was kept is still this place's.
    expect(second.stderr).toMatch(/^2 requests, 16 B,/)
  })

  test('a query that has begun is ended by SIGINT: 130', async () => {
    const { url } = await scene()
    const endless = 'with recursive n (i) as (select 1 union all select i + 1 from n) select i from n'
    const running = spawnCli(['query', '-format', 'csv', url, endless])
    await until('rows', () => running.text.stdout.length > 1000)
    running.child.kill('SIGINT')
    expect(await running.outcome).toMatchObject({ code: 130, stderr: 'Error: interrupted by SIGINT\n' })
  })
})

describe('shell, with lines from a program', () => {
  test('statements over several lines, commands, times', async () => {
    const { url } = await scene()
    const client = await openReplica(url)
    const [first] = await Array.fromAsync(client.list(0))
    const input = `.timer off
.tables
select count(*) as n
  from people; -- with a comment; and a semicolon in it
select ';' as semicolon;
.mode json
.schema people
.at ${new Date(first!.createdAt + 1).toISOString()}
select count(*) as n from sqlite_schema where name = 'people';
.at latest
select count(*) as n from people`
    const { code, stdout, stderr } = await cli(['shell', url], { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.replace(/^TXID.*$/gm, '(where)')).toBe(`name    type
people  table
t       table
n
2
semicolon
;
CREATE TABLE people (id integer primary key, name text, photo blob, score real);
(where)
[
  { "n": 0 }
]
(where)
[
  { "n": 2 }
]
`)
  })

  test('the first failure ends it', async () => {
    const { url } = await scene()
    const { code, stdout, stderr } = await cli(['shell', url], { input: 'select nope;\nselect 1;' })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('no such column: nope')
    expect((await cli(['shell', url], { input: '.nope' })).stderr).toContain('.nope: unknown command')
  })

  test('.quit, .help, .stats, and what each query cost', async () => {
    const { url } = await scene()
    const { stdout, stderr } = await cli(['shell', url], { input: 'select 1 as one;\n.stats\n.help\n.quit\nselect 2;' })
    expect(stdout).toMatch(/^one\n1\nrequests +\d+\n[\s\S]*\.tables[\s\S]*Ctrl-D does so, too\n$/)
    expect(stderr).toMatch(/^\(\d+ requests?, .*\)\n$/)
  })
})
